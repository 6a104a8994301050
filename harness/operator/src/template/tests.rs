use std::collections::BTreeMap;

use proptest::prelude::*;
use rotaproof_base::SecretValue;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

/// Objects by their reference; everything else is not found.
#[derive(Default)]
struct Objects(BTreeMap<Reference, SecretMap>);

impl Sources for Objects {
    fn data(&self, reference: &Reference) -> Result<SecretMap, String> {
        self.0
            .get(reference)
            .cloned()
            .ok_or_else(|| match reference {
                Reference::ConfigMap(name) => format!("configmaps {name:?} not found"),
                Reference::Secret(name) => format!("secrets {name:?} not found"),
            })
    }
}

fn map(entries: &[(&str, &str)]) -> SecretMap {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), SecretValue::new(*value)))
        .collect()
}

fn shown(data: &SecretMap) -> BTreeMap<&str, &str> {
    data.iter()
        .map(|(key, value)| (key.as_str(), value.expose_str().unwrap()))
        .collect()
}

fn rendered(template: Value, data: &SecretMap) -> Rendered {
    render(&template, data, &Objects::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(template: Value, data: &SecretMap) -> String {
    render(&template, data, &Objects::default())
        .err()
        .unwrap()
        .to_string()
}

/// One template over a fixed set of provider data.
fn text(source: &str) -> Result<String, String> {
    let data = map(&[
        ("user", "admin"),
        ("password", "s3cr3t-pass"),
        ("empty", ""),
        (
            "json",
            r#"{"host": "db", "port": 5432, "tags": ["a", "b"], "tls": {"on": true}}"#,
        ),
        ("encoded", "aGVsbG8="),
        ("lines", "a\nb"),
        ("my-key", "dashed"),
    ]);
    render(&json!({"data": {"k": source}}), &data, &Objects::default())
        .map(|rendered| rendered.data["k"].expose_str().unwrap().to_owned())
        .map_err(|error| error.to_string())
}

#[rstest]
#[case("{{ .user }}:{{ .password }}", "admin:s3cr3t-pass")]
#[case(r#"{{ index . "my-key" }}"#, "dashed")]
#[case(r#"{{ .user | upper | printf "%s!" }}"#, "ADMIN!")]
#[case(
    r#"{{ "MiXed" | lower }} {{ title "a bc" }} {{ untitle "ABC" }}"#,
    "mixed A Bc aBC"
)]
#[case(r#"{{ "  x " | trim }}{{ trimPrefix "a" "ab" }}{{ trimSuffix "b" "ab" }}{{ trimAll "-" "--x--" }}"#, "xbax")]
#[case(
    r#"{{ "postgres://h" | replace "postgres://" "postgresql://" }}"#,
    "postgresql://h"
)]
#[case(
    r#"{{ .user | quote }} {{ .user | squote }} {{ quote .lines 1 }}"#,
    r#""admin" 'admin' "a\nb" "1""#
)]
#[case(r#"{{ .user | b64enc }} {{ .encoded | b64dec }}"#, "YWRtaW4= hello")]
#[case(
    r#"{{ "not base64" | b64dec }}"#,
    "illegal base64 data at input byte 3"
)]
#[case(r#"{{ "6869" | hexdec }}"#, "hi")]
#[case(r#"{{ sha256sum "a" | trunc 8 }}"#, "ca978112")]
#[case(
    r#"{{ (.json | fromJson).host }}:{{ (.json | fromJson).port }}"#,
    "db:5432"
)]
#[case(
    r#"{{ $j := fromJson .json }}{{ $j.tls.on }}{{ index $j.tags 1 }}"#,
    "trueb"
)]
#[case(
    r#"{{ .json | fromJson | toJson }}"#,
    r#"{"host":"db","port":5432,"tags":["a","b"],"tls":{"on":true}}"#
)]
#[case(
    r#"{{ dict "a" "<&>" | toJson }}{{ dict "a" "<" | toRawJson }}"#,
    r#"{"a":"\u003c\u0026\u003e"}{"a":"<"}"#
)]
#[case(
    r#"{{ list 1 (dict "b" 2) | toPrettyJson }}"#,
    "[\n  1,\n  {\n    \"b\": 2\n  }\n]"
)]
#[case(
    r#"{{ .json | fromJson | toYaml }}"#,
    "host: db\nport: 5432\ntags:\n- a\n- b\ntls:\n  \"on\": true"
)]
#[case(r#"{{ (fromYaml "a: {b: x}").a.b }}"#, "x")]
#[case(r#"{{ hasKey (fromYaml "a: [") "Error" }}"#, "true")]
#[case(r#"{{ indent 2 .lines }}|{{ nindent 1 "x" }}"#, "  a\n  b|\n x")]
#[case(
    r#"{{ .empty | default "fallback" }} {{ .user | default "fallback" }}"#,
    "fallback admin"
)]
#[case(
    r#"{{ ternary "yes" "no" (empty .empty) }} {{ coalesce .empty .user "z" }}"#,
    "yes admin"
)]
#[case(
    r#"{{ join "," (list "a" "b") }} {{ splitList "," "a,b" | last }} {{ (split "/" "x/y")._1 }}"#,
    "a,b b y"
)]
#[case(r#"{{ list "c" "a" "a" | uniq | sortAlpha | join "" }} {{ first (list 1 2) }} {{ rest (list 1 2) }}"#, "ac 1 [2]")]
#[case(r#"{{ $d := dict "a" 1 "b" 2 }}{{ get $d "a" }}{{ get $d "z" }}{{ hasKey $d "b" }} {{ keys $d | join "," }}"#, "1true a,b")]
#[case(
    r#"{{ merge (dict "a" 1) (dict "a" 2 "b" 3) | toJson }}"#,
    r#"{"a":1,"b":3}"#
)]
#[case(
    r#"{{ dig "a" "b" "none" (dict "a" (dict "b" "x")) }} {{ dig "z" "b" "none" (dict) }}"#,
    "x none"
)]
#[case(
    r#"{{ contains "mi" .user }} {{ hasPrefix "ad" .user }} {{ hasSuffix "x" .user }}"#,
    "true true false"
)]
#[case(r#"{{ regexMatch "^a.*n$" .user }} {{ regexFind "[0-9]+" "a12b" }} {{ regexReplaceAll "a(.)" "ab" "${1}!" }}"#, "true 12 b!")]
#[case(
    r#"{{ substr 1 3 "abcd" }} {{ trunc 2 "abcd" }} {{ trunc -2 "abcd" }} {{ repeat 3 "x" }}"#,
    "bc ab cd xxx"
)]
#[case(r#"{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ int "42" }} {{ int "x" }}"#, "6 3 6 3 1 42 0")]
#[case(
    r#"{{ range $k, $v := (fromJson .json).tls }}{{ $k }}={{ $v }}{{ end }}"#,
    "on=true"
)]
#[case(
    r#"{{ if eq .user "admin" }}a{{ else }}b{{ end }}{{- /* c */ -}} {{ with .empty }}x{{ end }}"#,
    "a"
)]
#[case(
    r#"{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" .user }}"#,
    "<admin>"
)]
#[case("{{ `{{ .raw }}` }}", "{{ .raw }}")]
#[case(r#"{{ toString 1 }}{{ kindOf .user }}{{ until 3 }}"#, "1string[0 1 2]")]
fn a_template_renders_as_in_eso(#[case] source: &str, #[case] expected: &str) {
    assert_eq!(text(source).as_deref(), Ok(expected));
}

#[test]
fn a_missing_key_fails_where_it_is() {
    assert_eq!(
        text("x\n{{ .nope }}").unwrap_err(),
        r#"could not execute template: could not execute template: unable to execute template at key k: unable to execute template at key k: template: k:2:3: executing "k" at <.nope>: map has no entry for key "nope""#
    );
}

#[rstest]
#[case::typo("{{ .user | uper }}", r#"template: k:1: function "uper" not defined"#)]
#[case::in_a_branch_never_taken(
    "\n{{ if false }}{{ uper }}{{ end }}",
    r#"template: k:2: function "uper" not defined"#
)]
#[case::esos(
    r#"{{ genCA "x" 1 }}"#,
    r#"function "genCA" is one of ESO's that the built-in engine does not have"#
)]
#[case::now(
    "{{ now }}",
    r#"function "now" is one of ESO's that the built-in engine does not have"#
)]
fn an_unknown_function_fails_with_its_name(#[case] source: &str, #[case] message: &str) {
    let error = text(source).unwrap_err();
    assert!(
        error.contains("unable to parse template at key k: ") && error.ends_with(message),
        "{error}"
    );
}

#[rstest]
#[case("{{ .user")]
#[case("{{ upper }}")]
#[case("{{ upper 1 }}")]
#[case("{{ div 1 0 }}")]
#[case(r#"{{ regexMatch "(" "x" }}"#)]
#[case(r#"{{ repeat 99999999 "xxxxxxxx" }}"#)]
#[case("{{ mustFromJson .user }}")]
fn a_template_that_cannot_work_is_an_error(#[case] source: &str) {
    assert!(text(source).is_err());
}

#[test]
fn an_error_never_shows_a_value() {
    let error = text(r#"{{ fail .password }}"#).unwrap_err();
    assert!(
        error.ends_with("[redacted]") && !error.contains("s3cr3t-pass"),
        "{error}"
    );
}

#[test]
fn bytes_that_are_no_text_survive_a_template() {
    let bytes = [0xff, 0x00, 0x80, b'a'];
    let data = SecretMap::from([("bin".to_owned(), SecretValue::new(bytes))]);
    let template = json!({"data": {"copy": "{{ .bin }}", "encoded": "{{ .bin | b64enc }}", "back": "{{ .bin | b64enc | b64dec }}"}});
    let rendered = rendered(template, &data);
    assert_eq!(rendered.data["copy"].expose(), bytes);
    assert_eq!(rendered.data["back"].expose(), bytes);
    assert_eq!(rendered.data["encoded"].expose_str(), Some("/wCAYQ=="));
}

#[test]
fn without_a_template_the_data_is_the_result() {
    let data = map(&[("a", "1")]);
    assert_eq!(
        shown(&rendered(Value::Null, &data).data),
        BTreeMap::from([("a", "1")])
    );
}

#[rstest]
#[case::replace(json!({"data": {"x": "{{ .a }}"}}), &[("x", "1")])]
#[case::merge(json!({"mergePolicy": "Merge", "data": {"x": "{{ .a }}", "b": "over"}}), &[("a", "1"), ("b", "over"), ("x", "1")])]
#[case::only_metadata(json!({"metadata": {"labels": {"l": "x"}}}), &[("a", "1"), ("b", "2")])]
#[case::data_over_template_from(json!({"data": {"x": "data"}, "templateFrom": [{"literal": "x: from\ny: from"}]}),
    &[("x", "data"), ("y", "from")])]
fn the_merge_policy_decides_what_stays(#[case] template: Value, #[case] expected: &[(&str, &str)]) {
    let data = map(&[("a", "1"), ("b", "2")]);
    assert_eq!(
        shown(&rendered(template, &data).data),
        expected.iter().copied().collect()
    );
}

#[test]
fn metadata_and_type_come_from_the_template() {
    let template = json!({
        "type": "kubernetes.io/basic-auth",
        "metadata": {"labels": {"user": "{{ .user }}"}, "annotations": {"a": "{{ .user | upper }}"}, "finalizers": ["f"]},
    });
    let rendered = rendered(template, &map(&[("user", "admin")]));
    assert_eq!(
        rendered.secret_type.as_deref(),
        Some("kubernetes.io/basic-auth")
    );
    assert_eq!(rendered.labels["user"], "admin");
    assert_eq!(rendered.annotations["a"], "ADMIN");
    assert_eq!(rendered.finalizers, ["f"]);
}

/// docs/snippets/template-v2-from-secret.yaml of ESO 2.9.0, without its `now`.
#[test]
fn the_example_of_esos_guide_with_a_config_map_renders() {
    let config = "datasources:\n  - name: Graphite\n    password: \"{{ .password }}\"\n    user: \"{{ .user }}\"\n";
    let templated = "# key and value templated\nmy-application-{{ .user}}: {{ .password | b64enc }}\n# conditional keys\n{{- if hasPrefix \"oci://\" .uri }}\nenableOCI: true\n{{- else }}\nenableOCI: false\n{{- end }}\n# Fixed values\napplication-type: grafana\n";
    let annotations = "last-synced-for-user/{{ .user }}: done\n";
    let sources = Objects(BTreeMap::from([(
        Reference::ConfigMap("grafana-config-tpl".to_owned()),
        map(&[
            ("config.yaml", config),
            ("templated", templated),
            ("annotations", annotations),
        ]),
    )]));
    let template = json!({"engineVersion": "v2", "templateFrom": [
        {"target": "Data", "configMap": {"name": "grafana-config-tpl", "items": [
            {"key": "config.yaml", "templateAs": "Values"}, {"key": "templated", "templateAs": "KeysAndValues"}]}},
        {"target": "Annotations", "configMap": {"name": "grafana-config-tpl", "items": [
            {"key": "annotations", "templateAs": "KeysAndValues"}]}},
    ]});
    assert_eq!(
        references(&template),
        [Reference::ConfigMap("grafana-config-tpl".to_owned())]
    );
    let data = map(&[("user", "bob"), ("password", "pw"), ("uri", "oci://x")]);
    let rendered = render(&template, &data, &sources).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        shown(&rendered.data),
        BTreeMap::from([
            (
                "config.yaml",
                "datasources:\n  - name: Graphite\n    password: \"pw\"\n    user: \"bob\"\n"
            ),
            ("my-application-bob", "cHc="),
            ("enableOCI", "true"),
            ("application-type", "grafana"),
        ])
    );
    assert_eq!(
        rendered.annotations,
        BTreeMap::from([("last-synced-for-user/bob".to_owned(), "done".to_owned())])
    );
}

/// docs/guides/templating.md of ESO 2.9.0, "ValuesDecodingStrategy example".
#[test]
fn the_example_of_esos_guide_with_a_decoding_strategy_renders() {
    let literal = "{{- range $key, $val := . }}\n{{- $json := $val | fromJson }}\n{{ $key }}: {{ $json.cert }}\n{{- end }}";
    let data = map(&[
        ("one", r#"{"cert": "AP8="}"#),
        ("two", r#"{"cert": "aGk="}"#),
    ]);
    let rendered = rendered(
        json!({"templateFrom": [{"valuesDecodingStrategy": "Base64", "literal": literal}]}),
        &data,
    );
    assert_eq!(rendered.data["one"].expose(), [0x00, 0xff]);
    assert_eq!(rendered.data["two"].expose_str(), Some("hi"));
}

/// docs/snippets/filterpem-template-v2-external-secret.yaml of ESO 2.9.0.
#[test]
fn filter_pem_keeps_the_blocks_of_one_type() {
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let certificate = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n";
    let data = map(&[
        ("pem", &format!("junk\n{key}{certificate}")),
        ("none", "no such block"),
    ]);
    let both = rendered(
        json!({"data": {"crt": r#"{{ .pem | filterPEM "CERTIFICATE" }}"#, "key": r#"{{ .pem | filterPEM "private key" }}"#}}),
        &data,
    );
    assert_eq!(
        shown(&both.data),
        BTreeMap::from([("crt", certificate), ("key", key)])
    );
    let error = refused(
        json!({"data": {"k": r#"{{ .none | filterPEM "CERTIFICATE" }}"#}}),
        &data,
    );
    assert!(
        error.ends_with("error calling filterPEM: error filtering pem: found junk"),
        "{error}"
    );
}

#[rstest]
#[case::no_config_map(json!({"templateFrom": [{"configMap": {"name": "cm", "items": [{"key": "k"}]}}]}),
    r#"error fetching templateFrom data: configmaps "cm" not found"#)]
#[case::engine(json!({"engineVersion": "v1"}), "unsupported template engine version: v1")]
#[case::target(json!({"templateFrom": [{"target": "spec.x", "literal": ""}]}),
    r#"templateFrom target="spec.x" is not allowed when targeting a Secret, must be one of "Data", "Annotations" or "Labels""#)]
#[case::bootstrap(json!({"type": "bootstrap.kubernetes.io/token"}), r#"template.type="bootstrap.kubernetes.io/token" is not allowed"#)]
#[case::no_map(json!({"templateFrom": [{"literal": "- a"}]}),
    "error fetching templateFrom data: could not unmarshal template to 'map[string][]byte': error unmarshaling JSON: json: cannot unmarshal array into Go value of type map[string]string")]
#[case::nested(json!({"templateFrom": [{"literal": "a: {b: c}"}]}),
    "error fetching templateFrom data: could not unmarshal template to 'map[string][]byte': error unmarshaling JSON: json: cannot unmarshal object into Go value of type string (key a)")]
fn a_template_that_eso_refuses_is_refused(#[case] template: Value, #[case] message: &str) {
    assert_eq!(refused(template, &map(&[("a", "1")])), message);
}

#[test]
fn a_missing_key_of_a_source_names_both() {
    let sources = Objects(BTreeMap::from([(
        Reference::Secret("s".to_owned()),
        SecretMap::new(),
    )]));
    let template = json!({"templateFrom": [{"secret": {"name": "s", "items": [{"key": "k"}]}}]});
    let error = render(&template, &SecretMap::new(), &sources)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "error fetching templateFrom data: error in secret s: missing key k"
    );
}

proptest! {
    #[test]
    fn no_template_panics(source in r#"(\{\{[a-zA-Z0-9 .|"()$:=-]{0,16}\}\}|[a-z: \n]{0,4}){0,4}"#) {
        let data = map(&[("a", "1")]);
        let outcome = render(&json!({"templateFrom": [{"literal": source}]}), &data, &Objects::default());
        if let Err(error) = outcome {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn quoting_and_parsing_json_text_is_the_identity(value in "\\PC{0,12}") {
        let data = map(&[("v", &value)]);
        let out = rendered(json!({"data": {"k": "{{ .v | toJson | fromJson }}"}}), &data);
        prop_assert_eq!(out.data["k"].expose_str(), Some(value.as_str()));
    }
}
