//! Logins at Vault with the tokens of a real cluster, which reviews them: `ROTAPROOF_CLUSTER` names the kubeconfig of
//! a kind cluster in Docker network `kind`.

use std::process::Command;
use std::sync::Arc;

use rotaproof_backends::ClusterIdentity;
use rotaproof_base::SecretValue;
use rotaproof_base::jwt::Issuer;
use rotaproof_vaults::hashicorp::{KubernetesAuth, KubernetesRole};

use crate::dev_server::{Operator, config};
use crate::lab::{Lab, Shared, run, run_id, start, vault_only};

/// Why these tests cannot run.
pub(crate) fn missing() -> Option<String> {
    match std::env::var_os("ROTAPROOF_CLUSTER") {
        Some(_) => None,
        None => Some("ROTAPROOF_CLUSTER names no kubeconfig".to_owned()),
    }
}

fn kubectl(arguments: &[&str]) -> String {
    let kubeconfig = std::env::var_os("ROTAPROOF_CLUSTER").unwrap();
    let ran = Command::new("kubectl")
        .env("KUBECONFIG", kubeconfig)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

pub(crate) fn a_service_account_of_a_real_cluster_logs_in_both_ways(_: &Shared) {
    let id = run_id();
    let namespace = format!("rotaproof-test-{id}");
    kubectl(&["create", "namespace", &namespace]);
    for account in ["reviewer", "eso", "stranger"] {
        kubectl(&["-n", &namespace, "create", "serviceaccount", account]);
    }
    let account = format!("--serviceaccount={namespace}:reviewer");
    let role = "--clusterrole=system:auth-delegator";
    kubectl(&["create", "clusterrolebinding", &namespace, role, &account]);
    let token = |account: &str, audience: &str| {
        let audience = format!("--audience={audience}");
        let mut arguments = vec!["-n", &namespace, "create", "token", account];
        if audience != "--audience=" {
            arguments.push(&audience);
        }
        kubectl(&arguments)
    };
    let raw = ["config", "view", "--raw", "-o"];
    let ca = [
        &raw[..],
        &["jsonpath={.clusters[0].cluster.certificate-authority-data}"],
    ]
    .concat();
    let decode = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, kubectl(&ca));
    let addresses = r#"jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}"#;
    let node = kubectl(&["get", "nodes", "-o", addresses]);
    let node = node.split(' ').next().unwrap();
    let identity = ClusterIdentity {
        host: format!("https://{node}:6443"),
        ca_pem: String::from_utf8(decode.unwrap()).unwrap(),
        reviewer_token: Some(SecretValue::new(token("reviewer", ""))),
        issuer: Some("https://kubernetes.default.svc.cluster.local".into()),
        jwks: serde_json::from_str(&kubectl(&["get", "--raw", "/openid/v1/jwks"])).unwrap(),
    };
    run(async {
        let containers = start(vault_only(), &id).await;
        containers.join("kind").await.unwrap();
        let lab = Lab::new();
        let mut config = config(&lab, &Issuer::generate("unused").unwrap());
        config.kubernetes = vec![KubernetesAuth {
            mount: "kubernetes".into(),
            verifier: Issuer::generate("unused").unwrap().verifier(),
            roles: vec![KubernetesRole {
                name: "eso".into(),
                service_accounts: vec![(namespace.clone(), "eso".into())],
                audience: Some("vault".into()),
                policies: vec!["reader".into()],
                ttl: None,
            }],
        }];
        config.jwt[0].roles[0].bound_subject =
            Some(format!("system:serviceaccount:{namespace}:eso"));
        let vault = containers.hashicorp(config, Some(&identity)).await.unwrap();
        lab.attach(Arc::new(vault));
        let client = lab.operator();
        let operator = Operator(&client);
        for mount in ["kubernetes", "jwt"] {
            let began = tokio::time::Instant::now();
            let session = operator.log_in(mount, &token("eso", "vault")).await;
            println!(
                "{mount} login in {:.1?}, with the token's making",
                began.elapsed()
            );
            let session = session.unwrap_or_else(|| panic!("{}", lab.last()));
            operator.ask(&session, "secret/data/git/none", None).await;
            let line = format!("by {mount}/eso of secret/git/none gave [] refused not found");
            assert!(lab.last().ends_with(&line), "{}", lab.last());
            assert_eq!(
                operator.log_in(mount, &token("stranger", "vault")).await,
                None
            );
            assert_eq!(operator.log_in(mount, &token("eso", "other")).await, None);
        }
        // The cluster still signs for it, and no longer knows it: only a review tells.
        let late = token("eso", "vault");
        kubectl(&["-n", &namespace, "delete", "serviceaccount", "eso"]);
        assert_eq!(operator.log_in("kubernetes", &late).await, None);
        assert!(operator.log_in("jwt", &late).await.is_some());
        drop(lab);
        containers.stop().await.unwrap();
    });
    kubectl(&["delete", "clusterrolebinding", &namespace]);
    kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
}
