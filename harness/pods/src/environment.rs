//! A container's environment, built as the kubelet builds it (`pkg/kubelet/kubelet_pods.go`, `makeEnvironmentVariables`):
//! `envFrom` in order, then `env` in order, the later one wins. Names are passed as they are: since the relaxed
//! validation (GA in Kubernetes 1.34) every key of a Secret is a valid name.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVarSource, ObjectFieldSelector, Pod};
use rotaproof_base::SecretValue;

use crate::expansion::expand;
use crate::sources::{Sources, config_map_data, secret_data};

/// Name and value of every variable.
pub(crate) type Environment = BTreeMap<String, SecretValue>;

/// Why a container cannot be made, as the kubelet shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `CreateContainerConfigError` or `CreateContainerError`.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self {
            reason: "CreateContainerConfigError",
            message,
        }
    }
}

/// Where the pod is, for `fieldRef`.
pub(crate) struct Placement<'a> {
    pub(crate) node: &'a str,
    pub(crate) pod_ip: &'a str,
    pub(crate) host_ip: &'a str,
}

/// The environment of a container.
pub(crate) fn build(
    container: &Container,
    pod: &Pod,
    placement: &Placement<'_>,
    sources: &Sources,
) -> Result<Environment, Refusal> {
    let mut environment = Environment::new();
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        let mut data = BTreeMap::new();
        if let Some(wanted) = &from.config_map_ref {
            match sources.config_map(&wanted.name) {
                Ok(map) => data = config_map_data(map),
                Err(_) if wanted.optional == Some(true) => {}
                Err(message) => return Err(message.into()),
            }
        }
        if let Some(wanted) = &from.secret_ref {
            match sources.secret(&wanted.name) {
                Ok(secret) => data = secret_data(secret),
                Err(_) if wanted.optional == Some(true) => {}
                Err(message) => return Err(message.into()),
            }
        }
        environment.extend(
            data.into_iter()
                .map(|(key, value)| (format!("{prefix}{key}"), value)),
        );
    }
    for variable in container.env.iter().flatten() {
        let text = variable.value.as_deref().unwrap_or_default();
        let value = if let (true, Some(from)) = (text.is_empty(), &variable.value_from) {
            match referenced(from, pod, placement, sources)? {
                Some(value) => value,
                None => continue,
            }
        } else {
            let known = |name: &str| environment.get(name)?.expose_str().map(str::to_owned);
            SecretValue::new(expand(text, known))
        };
        environment.insert(variable.name.clone(), value);
    }
    check(&environment)?;
    Ok(environment)
}

/// A value by reference; nothing where an optional object or key is absent.
fn referenced(
    from: &EnvVarSource,
    pod: &Pod,
    placement: &Placement<'_>,
    sources: &Sources,
) -> Result<Option<SecretValue>, Refusal> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    if let Some(field) = &from.field_ref {
        return field_value(field, pod, placement).map(|text| Some(SecretValue::new(text)));
    }
    let (found, key, optional, kind, name) = if let Some(wanted) = &from.config_map_key_ref {
        let found = sources.config_map(&wanted.name).map(config_map_data);
        (
            found,
            &wanted.key,
            wanted.optional,
            "ConfigMap",
            &wanted.name,
        )
    } else if let Some(wanted) = &from.secret_key_ref {
        let found = sources.secret(&wanted.name).map(secret_data);
        (found, &wanted.key, wanted.optional, "Secret", &wanted.name)
    } else {
        return Err(
            "only fieldRef, secretKeyRef and configMapKeyRef are supported in valueFrom"
                .to_owned()
                .into(),
        );
    };
    let value = found.and_then(|mut data| {
        data.remove(key)
            .ok_or_else(|| format!("couldn't find key {key} in {kind} {namespace}/{name}"))
    });
    match value {
        Ok(value) => Ok(Some(value)),
        Err(_) if optional == Some(true) => Ok(None),
        Err(message) => Err(message.into()),
    }
}

fn field_value(
    field: &ObjectFieldSelector,
    pod: &Pod,
    placement: &Placement<'_>,
) -> Result<String, Refusal> {
    let path = field.field_path.as_str();
    let metadata = &pod.metadata;
    let entry = |map: &Option<BTreeMap<String, String>>, kind: &str| {
        let key = path.strip_prefix("metadata.")?.strip_prefix(kind)?;
        let key = key.strip_prefix("['")?.strip_suffix("']")?;
        Some(
            map.as_ref()
                .and_then(|map| map.get(key))
                .cloned()
                .unwrap_or_default(),
        )
    };
    let account = || {
        pod.spec
            .as_ref()
            .and_then(|spec| spec.service_account_name.clone())
    };
    let value = match path {
        "metadata.name" => metadata.name.clone(),
        "metadata.namespace" => metadata.namespace.clone(),
        "metadata.uid" => metadata.uid.clone(),
        "spec.nodeName" => Some(placement.node.to_owned()),
        "spec.serviceAccountName" => Some(account().unwrap_or_else(|| "default".into())),
        "status.podIP" | "status.podIPs" => Some(placement.pod_ip.to_owned()),
        "status.hostIP" | "status.hostIPs" => Some(placement.host_ip.to_owned()),
        _ => match entry(&metadata.labels, "labels")
            .or_else(|| entry(&metadata.annotations, "annotations"))
        {
            Some(value) => Some(value),
            None => return Err(format!("unsupported fieldPath: {path}").into()),
        },
    };
    Ok(value.unwrap_or_default())
}

/// What a container runtime refuses: its interface carries UTF-8 text, and a process's environment no NUL.
fn check(environment: &Environment) -> Result<(), Refusal> {
    let refuse = |message: &str| Refusal {
        reason: "CreateContainerError",
        message: message.to_owned(),
    };
    for (name, value) in environment {
        if value.expose_str().is_none() {
            return Err(refuse(
                "rpc error: code = Internal desc = grpc: error while marshaling: string field contains invalid UTF-8",
            ));
        }
        if name.is_empty() || name.contains(['=', '\0']) || value.expose().contains(&0) {
            return Err(refuse(&format!("invalid environment variable {name:?}")));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
