//! Sequences of requests that a seeded generator makes up: writes and reads of a few objects in one namespace, good
//! and bad ones, each after what the ones before have left.

use rotaproof_base::Entropy;
use serde_json::{Map, Value, json};

use crate::script::{Group, Step};

const SEED: u64 = 20_251_108;
const REQUESTS: usize = 400;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const MANAGERS: [&str; 3] = ["one", "two", "three"];

/// Its name, where it is served, what makes an object, and whether it is a custom resource.
type Kind = (&'static str, &'static str, fn(&Entropy) -> Value, bool);

/// The groups that are made up, one per kind.
pub(crate) fn groups() -> Vec<Group> {
    let kinds: [Kind; 3] = [
        ("Secrets", "/api/v1/namespaces/${ns}/secrets", secret, false),
        (
            "ConfigMaps",
            "/api/v1/namespaces/${ns}/configmaps",
            config_map,
            false,
        ),
        (
            "ExternalSecrets",
            "/apis/external-secrets.io/v1/namespaces/${ns}/externalsecrets",
            external_secret,
            true,
        ),
    ];
    let group = |(kind, path, object, custom)| {
        let draw = Entropy::from_seed(SEED).fork(kind);
        let sequence = Sequence {
            draw,
            path,
            object,
            custom,
        };
        Group {
            group: format!("Generated: {kind}"),
            calls: (0..REQUESTS).map(|_| sequence.step()).collect(),
        }
    };
    kinds.map(group).into()
}

struct Sequence {
    draw: Entropy,
    path: &'static str,
    object: fn(&Entropy) -> Value,
    custom: bool,
}

impl Sequence {
    fn step(&self) -> Step {
        let draw = &self.draw;
        let name = pick(draw, &NAMES);
        let at = format!("{}/{name}", self.path);
        let mut step = match draw.below(100) {
            0..22 => self.write("POST", self.path, self.named(name)),
            22..40 => self.write("PUT", &at, self.revised(name)),
            40..50 => self.patch(&at, "application/merge-patch+json", (self.object)(draw)),
            50..57 if !self.custom => {
                let patch = (self.object)(draw);
                self.patch(&at, "application/strategic-merge-patch+json", patch)
            }
            50..62 => self.patch(&at, "application/json-patch+json", operations(draw)),
            62..74 => self.apply(&at, name),
            74..80 => Step::get(&at),
            80..86 => self.list(),
            86..97 => self.delete(&at, name),
            _ => self.write("PUT", &format!("{at}/status"), self.revised(name)),
        };
        step.agent = Some(format!("{}/v1", pick(draw, &MANAGERS)));
        step.keep.insert(
            format!("revision-{name}"),
            "/metadata/resourceVersion".to_owned(),
        );
        step
    }

    fn named(&self, name: &str) -> Value {
        let mut object = (self.object)(&self.draw);
        object["metadata"]["name"] = name.into();
        // What a custom resource has to say of itself, and others may.
        if self.custom && !chance(&self.draw, 30) {
            object["apiVersion"] = "external-secrets.io/v1".into();
            object["kind"] = "ExternalSecret".into();
        }
        object
    }

    /// With the revision that was seen last, or one of no object, or none.
    fn revised(&self, name: &str) -> Value {
        let mut object = self.named(name);
        match self.draw.below(6) {
            0 => object["metadata"]["resourceVersion"] = "1".into(),
            1 => {}
            _ => object["metadata"]["resourceVersion"] = format!("${{revision-{name}}}").into(),
        }
        object
    }

    fn options(&self) -> String {
        let mut query = Vec::new();
        match self.draw.below(8) {
            0 => query.push("dryRun=All"),
            1 => query.push("fieldValidation=Strict"),
            2 => query.push("fieldValidation=Ignore"),
            3 => query.push("fieldManager=chosen"),
            _ => {}
        }
        query.join("&")
    }

    fn write(&self, method: &str, path: &str, body: Value) -> Step {
        Step {
            call: format!("{method} {path}?{}", self.options()),
            json: Some(body),
            ..Step::default()
        }
    }

    fn patch(&self, path: &str, media: &str, body: Value) -> Step {
        Step {
            media: Some(media.to_owned()),
            ..self.write("PATCH", path, body)
        }
    }

    fn apply(&self, at: &str, name: &str) -> Step {
        let manager = pick(&self.draw, &MANAGERS);
        let force = self.draw.below(2) == 0;
        let (version, kind) = match self.path.rsplit('/').next() {
            Some("secrets") => ("v1", "Secret"),
            Some("configmaps") => ("v1", "ConfigMap"),
            _ => ("external-secrets.io/v1", "ExternalSecret"),
        };
        let mut body = self.named(name);
        body["apiVersion"] = version.into();
        body["kind"] = kind.into();
        Step {
            call: format!("PATCH {at}?fieldManager=apply-{manager}&force={force}"),
            media: Some("application/apply-patch+yaml".to_owned()),
            json: Some(body),
            ..Step::default()
        }
    }

    fn list(&self) -> Step {
        let query = pick(
            &self.draw,
            &[
                "",
                "limit=2",
                "labelSelector=tier%3Done",
                "labelSelector=tier+in+%28one%2Ctwo%29%2C%21owner",
                "fieldSelector=metadata.name%3Da",
                "fieldSelector=spec.nonsense%3Da",
                "labelSelector=%21%21",
            ],
        );
        Step::get(&format!("{}?{query}", self.path))
    }

    fn delete(&self, at: &str, name: &str) -> Step {
        let options = match self.draw.below(6) {
            0 => json!({"preconditions": {"resourceVersion": format!("${{revision-{name}}}")}}),
            1 => json!({"preconditions": {"uid": "11111111-1111-1111-1111-000000000000"}}),
            2 => json!({"propagationPolicy": "Foreground"}),
            3 => json!({"propagationPolicy": "Orphan", "dryRun": ["All"]}),
            4 => json!({"propagationPolicy": "Sideways"}),
            _ => json!({"kind": "DeleteOptions", "apiVersion": "v1"}),
        };
        Step {
            call: format!("DELETE {at}"),
            json: Some(options),
            ..Step::default()
        }
    }
}

fn pick<T: Clone>(draw: &Entropy, from: &[T]) -> T {
    from[usize::try_from(draw.below(from.len() as u64)).unwrap()].clone()
}

fn chance(draw: &Entropy, one_in: u64) -> bool {
    draw.below(one_in) == 0
}

fn metadata(draw: &Entropy) -> Value {
    let mut meta = Map::new();
    if chance(draw, 2) {
        let value = pick(draw, &["one", "two", "three", "", "not a value"]);
        meta.insert("labels".to_owned(), json!({"tier": value}));
    }
    if chance(draw, 4) {
        let key = pick(draw, &["note", "example.com/note", "-wrong-"]);
        meta.insert(
            "annotations".to_owned(),
            json!({key: pick(draw, &["x", "y", ""])}),
        );
    }
    if chance(draw, 8) {
        let finalizers = [
            json!(["example.com/hold"]),
            json!([]),
            json!(["unqualified"]),
            json!(null),
        ];
        meta.insert("finalizers".to_owned(), pick(draw, &finalizers));
    }
    if chance(draw, 12) {
        let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "22222222-2222-2222-2222-000000000000"});
        let lacking = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "o"});
        meta.insert(
            "ownerReferences".to_owned(),
            json!([pick(draw, &[owner, lacking])]),
        );
    }
    meta.into()
}

/// A few entries of a map, wrong ones now and then.
fn entries(draw: &Entropy, values: &[Value]) -> Value {
    let mut map = Map::new();
    for _ in 0..draw.below(4) {
        let key = match chance(draw, 15) {
            true => pick(draw, &["bad key", "..", ""]),
            false => pick(draw, &["k", "l.m", "N_o", "p-q"]),
        };
        map.insert(key.to_owned(), pick(draw, values));
    }
    map.into()
}

fn secret(draw: &Entropy) -> Value {
    let mut object = json!({"metadata": metadata(draw)});
    if chance(draw, 2) {
        let (good, wrong) = (
            [json!("dg=="), json!("dmFsdWU="), json!("")],
            [json!("***"), json!(1), json!(null)],
        );
        let values = if chance(draw, 10) { &wrong } else { &good };
        object["data"] = entries(draw, values);
    }
    if chance(draw, 4) {
        object["stringData"] = entries(draw, &[json!("v"), json!("value"), json!("")]);
    }
    if chance(draw, 5) {
        let kinds = [
            "Opaque",
            "kubernetes.io/tls",
            "kubernetes.io/basic-auth",
            "example.com/own",
            "",
        ];
        object["type"] = pick(draw, &kinds).into();
    }
    if chance(draw, 12) {
        object["immutable"] = pick(draw, &[json!(true), json!(false), json!("yes")]);
    }
    stray(draw, &mut object);
    object
}

fn config_map(draw: &Entropy) -> Value {
    let mut object = json!({"metadata": metadata(draw)});
    if chance(draw, 2) {
        let (good, wrong) = (
            [json!("v"), json!("value"), json!("")],
            [json!(true), json!(1), json!(null)],
        );
        let values = if chance(draw, 10) { &wrong } else { &good };
        object["data"] = entries(draw, values);
    }
    if chance(draw, 4) {
        object["binaryData"] = entries(draw, &[json!("dg=="), json!("")]);
    }
    if chance(draw, 12) {
        object["immutable"] = pick(draw, &[json!(true), json!(false)]);
    }
    stray(draw, &mut object);
    object
}

/// Something that the kind does not have.
fn stray(draw: &Entropy, object: &mut Value) {
    if chance(draw, 15) {
        let field = pick(draw, &["stray", "spec", "status"]);
        object[field] = pick(draw, &[json!("x"), json!({"a": 1}), json!(null)]);
    }
}

fn external_secret(draw: &Entropy) -> Value {
    let mut spec = json!({"secretStoreRef": {"name": pick(draw, &["vault", "aws"])}});
    if chance(draw, 2) {
        spec["secretStoreRef"]["kind"] =
            pick(draw, &["SecretStore", "ClusterSecretStore", "Store"]).into();
    }
    if chance(draw, 2) {
        spec["refreshInterval"] = pick(draw, &[json!("1h"), json!("0"), json!(5), json!(null)]);
    }
    if chance(draw, 4) {
        spec["refreshPolicy"] =
            pick(draw, &["CreatedOnce", "Periodic", "OnChange", "Never"]).into();
    }
    if chance(draw, 2) {
        let mut target = json!({"name": pick(draw, &["t", "u"])});
        if chance(draw, 2) {
            let policies = ["Owner", "Orphan", "Merge", "None", "Owned", ""];
            target["creationPolicy"] = pick(draw, &policies).into();
        }
        if chance(draw, 3) {
            target["deletionPolicy"] = pick(draw, &["Delete", "Merge", "Retain", "Keep"]).into();
        }
        if chance(draw, 3) {
            target["template"] =
                json!({"data": {"k": "{{ .k }}"}, "engineVersion": pick(draw, &["v2", "v1"])});
        }
        spec["target"] = target;
    }
    let count = draw.below(3);
    if count > 0 {
        let list: Vec<Value> = (0..count).map(|_| entry(draw)).collect();
        spec["data"] = list.into();
    }
    if chance(draw, 4) {
        spec["dataFrom"] = json!([{"extract": {"key": pick(draw, &["k", ""])}}]);
    }
    let mut object = json!({"metadata": metadata(draw), "spec": spec});
    if chance(draw, 3) {
        let condition = json!({"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "m", "lastTransitionTime": "2020-01-01T00:00:00Z"});
        object["status"] =
            json!({"conditions": [condition], "refreshTime": "2020-01-01T00:00:00Z"});
    }
    if chance(draw, 15) {
        object["spec"] = pick(draw, &[json!("x"), json!({"a": 1}), json!(null)]);
    }
    if chance(draw, 15)
        && let Some(spec) = object["spec"].as_object_mut()
    {
        spec.insert("stray".to_owned(), 1.into());
    }
    object
}

fn entry(draw: &Entropy) -> Value {
    let mut reference = json!({"key": pick(draw, &["prod/aws", "prod/db"])});
    if chance(draw, 3) {
        reference["property"] = "p".into();
    }
    if chance(draw, 6) {
        reference["conversionStrategy"] = pick(draw, &["Default", "Unicode", "Other"]).into();
    }
    if chance(draw, 8) {
        reference["key"] = pick(draw, &[json!(1), json!(null), json!("")]);
    }
    json!({"secretKey": pick(draw, &["k", "l", "not a key"]), "remoteRef": reference})
}

fn operations(draw: &Entropy) -> Value {
    let one = || match draw.below(7) {
        0 => json!({"op": "add", "path": "/metadata/labels", "value": {"tier": "two"}}),
        1 => json!({"op": "replace", "path": "/metadata/labels/tier", "value": "three"}),
        2 => json!({"op": "remove", "path": "/metadata/annotations"}),
        3 => json!({"op": "test", "path": "/metadata/name", "value": "a"}),
        4 => json!({"op": "add", "path": "/metadata/finalizers", "value": []}),
        5 => json!({"op": "copy", "from": "/metadata/name", "path": "/metadata/generateName"}),
        _ => json!({"op": "replace", "path": "/nowhere/at/all", "value": 1}),
    };
    (0..=draw.below(2)).map(|_| one()).collect()
}
