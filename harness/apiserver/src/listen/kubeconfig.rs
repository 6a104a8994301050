//! The client configuration that kubectl and every client library take.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rotaproof_base::SecretValue;
use serde_json::Value;

use super::access::Access;

const NAME: &str = "rotaproof";

pub(super) fn render(access: &Access, server: &str, namespace: &str) -> SecretValue {
    let text = |value: &str| Value::from(value).to_string();
    let authority = BASE64_STANDARD.encode(access.ca_pem());
    // Base64url, as it was drawn.
    let token = access.token().expose_str().unwrap_or_default();
    let (server, namespace) = (text(server), text(namespace));
    // A JSON string is a YAML one too.
    SecretValue::new(format!(
        "apiVersion: v1
kind: Config
clusters:
- name: {NAME}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {NAME}
  user:
    token: {token}
contexts:
- name: {NAME}
  context:
    cluster: {NAME}
    user: {NAME}
    namespace: {namespace}
current-context: {NAME}
"
    ))
}
