//! NotebookValidationJob of `mlops.mlops.dev/v1alpha1`: what its pod is made of is typed, the rest is kept as it was written.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::Value;

use crate::record::{record, resource};

resource! {
    /// Runs a notebook in a pod and judges the outcome.
    NotebookValidationJob { "mlops.mlops.dev", "v1alpha1", "notebookvalidationjobs", k8s_openapi::NamespaceResourceScope, NotebookValidationJobSpec, NotebookValidationJobStatus }
}

record! {
    /// `spec` of a NotebookValidationJob.
    NotebookValidationJobSpec {
        required {
            /// The notebook to run.
            notebook: NotebookSource,
            /// The pod to run it in.
            pod_config: PodConfig,
        }
        optional {
            /// The notebook to compare with.
            golden_notebook: NotebookSource,
            /// How long it may take; `30m` by the API server's default.
            timeout: String,
            /// How notebooks are compared.
            comparison_config: Value,
            /// Checks of model servers.
            model_validation: Value,
            /// How strict the validation is.
            validation_config: Value,
        }
    }
}

record! {
    /// A notebook in a Git repository.
    NotebookSource { required {
        /// The repository.
        git: GitSource,
        /// The file in the repository; it must end in `.ipynb`.
        path: String,
    } }
}

record! {
    /// A Git repository at one reference. A `path` under it is pruned: it belongs beside `git`.
    GitSource {
        required {
            /// Its address.
            url: String,
            /// Branch, tag or commit.
            #[serde(rename = "ref")]
            ref_: String,
        }
        optional {
            /// The Secret with its credentials.
            credentials_secret: String,
        }
    }
}

record! {
    /// The pod of a job.
    PodConfig {
        required {
            /// The image.
            container_image: String,
        }
        optional {
            /// The service account; `default` by the API server's default.
            service_account_name: String,
            /// Requests and limits.
            resources: PodResources,
            /// Rules of scheduling.
            affinity: Value,
            /// How the image is built.
            build_config: Value,
        }
        lists {
            /// Variables of the container `validator`.
            env: EnvVar,
            /// Whole Secrets and ConfigMaps as variables.
            env_from: EnvFrom,
            /// Secrets that the webhook turns into `envFrom`.
            credentials: String,
            /// Volumes.
            volumes: Volume,
            /// Where they are mounted.
            volume_mounts: VolumeMount,
            /// Taints that are tolerated.
            tolerations: Value,
        }
        maps {
            /// Labels that the node must have.
            node_selector: String,
        }
    }
}

record! {
    /// Requests and limits.
    #[derive(Default)]
    PodResources {
        maps {
            /// Limits.
            limits: String,
            /// Requests.
            requests: String,
        }
    }
}

record! {
    /// One variable.
    EnvVar {
        required {
            /// Its name.
            name: String,
        }
        optional {
            /// Its value as it is.
            value: String,
            /// Where its value comes from.
            value_from: EnvVarSource,
        }
    }
}

record! {
    /// A value from a Secret or ConfigMap.
    #[derive(Default)]
    EnvVarSource { optional {
        /// A key of a Secret.
        secret_key_ref: KeyRef,
        /// A key of a ConfigMap.
        config_map_key_ref: KeyRef,
    } }
}

record! {
    /// A key of an object in the job's namespace.
    KeyRef { required {
        /// The object's name.
        name: String,
        /// The key.
        key: String,
    } }
}

record! {
    /// All keys of a Secret or ConfigMap.
    #[derive(Default)]
    EnvFrom { optional {
        /// The Secret.
        secret_ref: NameRef,
        /// The ConfigMap.
        config_map_ref: NameRef,
    } }
}

record! {
    /// An object in the job's namespace.
    NameRef { required {
        /// Its name.
        name: String,
    } }
}

record! {
    /// A volume; exactly one source is set.
    Volume {
        required {
            /// Its name.
            name: String,
        }
        optional {
            /// A Secret.
            secret: SecretVolume,
            /// A ConfigMap.
            config_map: ConfigMapVolume,
            /// A folder that lives as long as the pod.
            empty_dir: Value,
            /// A claim.
            persistent_volume_claim: Value,
        }
    }
}

record! {
    /// A Secret as files.
    SecretVolume {
        required {
            /// Its name.
            secret_name: String,
        }
        optional {
            /// Permissions of the files.
            default_mode: i32,
            /// Whether the pod starts without it.
            optional: bool,
        }
        lists {
            /// Some keys only, under paths of their own.
            items: KeyToPath,
        }
    }
}

record! {
    /// A ConfigMap as files.
    ConfigMapVolume {
        required {
            /// Its name.
            name: String,
        }
        optional {
            /// Permissions of the files.
            default_mode: i32,
            /// Whether the pod starts without it.
            optional: bool,
        }
        lists {
            /// Some keys only, under paths of their own.
            items: KeyToPath,
        }
    }
}

record! {
    /// A key under a path of its own.
    KeyToPath {
        required {
            /// The key.
            key: String,
            /// The file, relative to the mount.
            path: String,
        }
        optional {
            /// Permissions of the file.
            mode: i32,
        }
    }
}

record! {
    /// Where a volume is mounted.
    VolumeMount {
        required {
            /// The volume.
            name: String,
            /// The folder.
            mount_path: String,
        }
        optional {
            /// One path of the volume only.
            sub_path: String,
            /// Whether it cannot be written.
            read_only: bool,
        }
    }
}

record! {
    /// `status` of a NotebookValidationJob.
    #[derive(Default)]
    NotebookValidationJobStatus {
        optional {
            /// `Initializing`, `Pending`, `Running`, `ValidationRunning`, `Succeeded`, `Failed` and the build's.
            phase: String,
            /// A sentence.
            message: String,
            /// The pod.
            validation_pod_name: String,
            /// Failed tries so far.
            retry_count: i32,
            /// When it started.
            start_time: Time,
            /// When it ended.
            completion_time: Time,
            /// When it was last tried anew.
            last_retry_time: Time,
            /// The build of its image.
            build_status: Value,
            /// The outcome of the comparison.
            comparison_result: Value,
            /// The outcome of the model checks.
            model_validation_result: Value,
        }
        lists {
            /// `Ready` (never True) and `ValidationComplete`.
            conditions: Condition,
            /// The outcome of each cell.
            results: Value,
        }
    }
}
