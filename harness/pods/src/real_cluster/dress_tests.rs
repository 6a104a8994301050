use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Pod;
use rotaproof_base::Fingerprinter;
use serde::de::DeserializeOwned;

use super::*;

fn probe() -> Probe {
    Probe {
        image: "busybox:1.37".into(),
        fingerprinter: Fingerprinter::from_key([3; 32]),
    }
}

fn dressed(mut object: Value) -> Value {
    probe().dress(&mut object).unwrap();
    object
}

fn pod(spec: Value) -> Value {
    json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
}

/// The value of a variable of the first container.
fn variable<'a>(pod_spec: &'a Value, name: &str) -> Option<&'a str> {
    let env = pod_spec["containers"][0]["env"].as_array()?;
    env.iter().find(|v| v["name"] == name)?["value"].as_str()
}

#[test]
fn a_container_keeps_what_it_is_given_and_loses_what_it_runs() {
    let given = json!({
        "name": "app",
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a"}}}],
        "envFrom": [{"secretRef": {"name": "s"}}],
        "volumeMounts": [{"name": "v", "mountPath": "/etc/$(A)/"}, {"name": "v", "mountPath": "/key", "subPath": "key"}],
        "securityContext": {"readOnlyRootFilesystem": true},
    });
    let mut container = given.clone();
    for (name, value) in [
        ("image", json!("mine")),
        ("imagePullPolicy", json!("Always")),
        ("command", json!(["run"])),
        ("args", json!(["x"])),
        ("workingDir", json!("/app")),
        ("resources", json!({"requests": {"cpu": "4"}})),
        ("lifecycle", json!({"preStop": {"sleep": {"seconds": 30}}})),
        ("livenessProbe", json!({"exec": {"command": ["true"]}})),
        ("readinessProbe", json!({"exec": {"command": ["true"]}})),
        ("startupProbe", json!({"exec": {"command": ["true"]}})),
    ] {
        container[name] = value;
    }
    let pod = dressed(pod(json!({"containers": [container]})));
    let mut seen = pod["spec"]["containers"][0].clone();
    assert_eq!(seen["env"][0], given["env"][0]);
    seen["env"] = given["env"].clone();
    let mut expected = given;
    expected["image"] = json!("busybox:1.37");
    expected["imagePullPolicy"] = json!("IfNotPresent");
    expected["command"] = json!(["/bin/sh", "-c", "eval \"$ROTAPROOF_PROBE_SCRIPT\"", "probe"]);
    expected["args"] = json!(["/etc/$$(A)/", "/key"]);
    assert_eq!(seen, expected);
}

#[test]
fn the_pod_starts_and_ends_fast_on_whatever_node_there_is() {
    let pod = dressed(pod(json!({
        "containers": [{"name": "app"}],
        "serviceAccountName": "app",
        "volumes": [{"name": "v", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"disk": "fast"},
        "affinity": {},
        "priorityClassName": "high",
        "runtimeClassName": "gvisor",
        "terminationGracePeriodSeconds": 600,
    })));
    let mut spec = pod["spec"].clone();
    spec["containers"] = json!([]);
    assert_eq!(
        spec,
        json!({
            "containers": [],
            "serviceAccountName": "app",
            "volumes": [{"name": "v", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 1,
            "enableServiceLinks": false,
        })
    );
}

#[test]
fn the_key_is_in_the_secret_and_in_no_pod() {
    let secret = probe().secret("ns");
    let data = secret.data.unwrap();
    let pod = dressed(pod(json!({"containers": [{"name": "app"}]})));
    let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    let printed = pod.to_string();
    for (key, value) in &data {
        let written = json!(std::str::from_utf8(&value.0).unwrap()).to_string();
        assert!(!printed.contains(written.trim_matches('"')), "{key}");
        let reference = json!({"name": probe().secret_name(), "key": key});
        let mut references = env.iter().map(|v| &v["valueFrom"]["secretKeyRef"]);
        assert!(references.any(|r| *r == reference), "{key}");
    }
    // 3 ^ 0x36 and 3 ^ 0x5c, and the filling up to a block.
    let (inner, outer) = (&data["inner"].0, &data["outer"].0);
    assert!(inner.starts_with(br"\065\065") && inner.ends_with(br"\066"));
    assert!(outer.starts_with(br"\137\137") && outer.ends_with(br"\134"));
    assert_eq!((inner.len(), outer.len()), (64 * 4, 64 * 4));
    let labels = secret.metadata.labels.unwrap();
    assert_eq!(labels[super::super::SECRET_LABEL], "true");
}

fn serves<K: DeserializeOwned>(object: Value) {
    serde_json::from_value::<K>(object).map(drop).unwrap();
}

#[rstest::rstest]
#[case("Pod", "/spec", serves::<Pod>)]
#[case("Job", "/spec/template/spec", serves::<Job>)]
#[case("CronJob", "/spec/jobTemplate/spec/template/spec", serves::<CronJob>)]
#[case("Deployment", "/spec/template/spec", serves::<Deployment>)]
#[case("StatefulSet", "/spec/template/spec", serves::<StatefulSet>)]
#[case("DaemonSet", "/spec/template/spec", serves::<DaemonSet>)]
#[case("ReplicaSet", "/spec/template/spec", serves::<ReplicaSet>)]
fn each_kind_of_workload_is_dressed_and_stays_valid(
    #[case] kind: &str,
    #[case] path: &str,
    #[case] serves: fn(Value),
) {
    let mut object = json!({"kind": kind, "metadata": {"name": "w"}});
    let mut at = &mut object;
    for part in path.split('/').skip(1) {
        at = &mut at[part];
    }
    *at = json!({"containers": [{"name": "app", "image": "mine"}], "initContainers": [{"name": "init"}]});
    let object = dressed(object);
    let spec = object.pointer(path).unwrap();
    assert_eq!(spec["containers"][0]["image"], "busybox:1.37");
    assert_eq!(spec["initContainers"][0]["image"], "busybox:1.37");
    serves(object);
}

#[test]
fn other_objects_are_left_alone() {
    let secret = json!({"kind": "Secret", "spec": {"containers": [{"name": "app"}]}});
    assert_eq!(dressed(secret.clone()), secret);
}

#[test]
fn what_is_dressed_may_be_dressed_again() {
    let once = dressed(
        json!({"kind": "Pod", "metadata": {"annotations": {RUNS_FOR: "5s"}}, "spec": {
            "securityContext": {"runAsNonRoot": true},
            "containers": [{"name": "app", "env": [{"name": "HOME", "value": "/"}]}],
        }}),
    );
    assert_eq!(dressed(once.clone()), once);
}

#[test]
fn of_the_runtimes_variables_those_that_the_container_names_are_reported() {
    let pod = dressed(pod(
        json!({"containers": [{"name": "app", "env": [{"name": "HOME", "value": "/"}]}]}),
    ));
    let left_out = variable(&pod["spec"], "ROTAPROOF_PROBE_LEFT_OUT").unwrap();
    assert!(left_out.starts_with("PATH HOSTNAME "), "{left_out}");
}

#[rstest::rstest]
#[case::silent("Pod", json!({}), json!({}), None)]
#[case::own("Pod", json!({RUNS_FOR: "1m30s"}), json!({}), Some(("90", "0")))]
#[case::parts_of_seconds("Pod", json!({RUNS_FOR: "1500ms", EXIT_CODE: "3"}), json!({}), Some(("1.500", "3")))]
#[case::code_alone("Job", json!({EXIT_CODE: "1"}), json!({}), Some(("0", "1")))]
#[case::of_the_job("Job", json!({}), json!({RUNS_FOR: "1m"}), Some(("60", "0")))]
#[case::template_first("Job", json!({RUNS_FOR: "1s"}), json!({RUNS_FOR: "1m"}), Some(("1", "0")))]
#[case::silent_job("Job", json!({}), json!({}), None)]
#[case::silent_cron_job("CronJob", json!({}), json!({}), Some(("30", "0")))]
#[case::of_the_cron_job("CronJob", json!({}), json!({RUNS_FOR: "1m"}), Some(("60", "0")))]
#[case::code_of_the_cron_job("CronJob", json!({}), json!({EXIT_CODE: "2"}), Some(("0", "2")))]
#[case::no_owner_is_asked("Deployment", json!({}), json!({RUNS_FOR: "1m"}), None)]
fn the_annotations_settle_how_long_it_runs(
    #[case] kind: &str,
    #[case] of_pod: Value,
    #[case] of_owner: Value,
    #[case] expected: Option<(&str, &str)>,
) {
    let mut object = json!({"kind": kind, "metadata": {"annotations": of_owner}});
    let (template, _) = paths(kind).unwrap();
    let mut at = &mut object;
    for part in template.split('/').skip(1) {
        at = &mut at[part];
    }
    if kind == "Pod" {
        at["metadata"] = json!({});
    }
    at["metadata"]["annotations"] = of_pod;
    at["spec"] = json!({"containers": [{"name": "app"}]});
    let object = dressed(object);
    let spec = &object.pointer(template).unwrap()["spec"];
    let said =
        variable(spec, "ROTAPROOF_PROBE_RUNS_FOR").zip(variable(spec, "ROTAPROOF_PROBE_EXIT_CODE"));
    assert_eq!(said, expected);
}

#[test]
fn a_malformed_annotation_is_an_error() {
    let mut pod = json!({"kind": "Pod", "metadata": {"annotations": {RUNS_FOR: "soon"}}, "spec": {"containers": []}});
    let error = probe().dress(&mut pod).unwrap_err();
    assert_eq!(
        error.to_string(),
        "annotation rotaproof.dev/runs-for: expected a duration such as 1h30m, found \"soon\""
    );
}

#[test]
fn an_init_container_ends_at_once_and_a_sidecar_never() {
    let pod = dressed(
        json!({"kind": "Pod", "metadata": {"annotations": {RUNS_FOR: "1m", EXIT_CODE: "1"}}, "spec": {
            "containers": [{"name": "app"}],
            "initContainers": [{"name": "init"}, {"name": "sidecar", "restartPolicy": "Always"}],
        }}),
    );
    let ends = |index: usize| {
        let spec = json!({"containers": [pod["spec"]["initContainers"][index]]});
        let of = |name| variable(&spec, name).map(str::to_owned);
        (
            of("ROTAPROOF_PROBE_RUNS_FOR"),
            of("ROTAPROOF_PROBE_EXIT_CODE"),
        )
    };
    assert_eq!(ends(0), (Some("0".into()), Some("0".into())));
    assert_eq!(ends(1), (None, None));
}

#[rstest::rstest]
#[case::of_the_pod(json!({"runAsNonRoot": true}), json!({}), json!(NOBODY))]
#[case::its_own(json!({}), json!({"runAsNonRoot": true}), json!(NOBODY))]
#[case::overruled(json!({"runAsNonRoot": true}), json!({"runAsNonRoot": false}), Value::Null)]
#[case::has_a_user(json!({"runAsNonRoot": true, "runAsUser": 1000}), json!({}), Value::Null)]
#[case::may_be_root(json!({}), json!({}), Value::Null)]
fn a_container_that_must_not_be_root_gets_a_user_where_it_has_none(
    #[case] of_pod: Value,
    #[case] own: Value,
    #[case] user: Value,
) {
    let pod = dressed(pod(json!({
        "securityContext": of_pod,
        "containers": [{"name": "app", "securityContext": own}],
    })));
    assert_eq!(
        pod["spec"]["containers"][0]["securityContext"]["runAsUser"],
        user
    );
}
