//! A fresh dev server is set up as a scenario declares it: engines, policies, logins, tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rotaproof_base::SecretValue;
use rotaproof_vaults::hashicorp::{
    HashicorpConfig, JwtAuth, KubernetesAuth, Mount, MountKind, StaticToken,
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{ClusterIdentity, keys};
use crate::Error;
use crate::forward::Upstream;

/// The engine that a dev server mounts by itself, some milliseconds after it calls itself healthy.
const OWN_MOUNT: &str = "secret";
/// How long something that the server does by itself may take.
const SETTLES_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What may stand in a path as it is.
const PATH: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(super) struct Seed<'a> {
    upstream: &'a Upstream,
    root: HeaderValue,
}

impl<'a> Seed<'a> {
    pub(super) fn new(upstream: &'a Upstream, root: &SecretValue) -> Result<Self, Error> {
        let mut root = HeaderValue::from_bytes(root.expose())
            .map_err(|error| upstream.refused("take its root token", error.to_string()))?;
        root.set_sensitive(true);
        Ok(Self { upstream, root })
    }

    /// Sets everything up, and answers the declared tokens by their bearers' names.
    pub(super) async fn plant(
        &self,
        config: &HashicorpConfig,
        cluster: Option<&ClusterIdentity>,
    ) -> Result<BTreeMap<String, SecretValue>, Error> {
        self.mounts(&config.mounts).await?;
        for (name, paths) in &config.policies {
            let rules = paths.iter().map(|(path, capabilities)| {
                let names: Vec<&str> = capabilities.iter().map(|c| c.name()).collect();
                (path.clone(), json!({ "capabilities": names }))
            });
            let policy = json!({ "path": Map::from_iter(rules) });
            let body = json!({ "policy": policy.to_string() });
            self.write(&format!("sys/policies/acl/{name}"), &body)
                .await?;
        }
        for auth in &config.kubernetes {
            self.kubernetes(auth, cluster).await?;
        }
        for auth in &config.jwt {
            self.jwt(auth, cluster).await?;
        }
        let mut tokens = BTreeMap::new();
        for token in &config.tokens {
            tokens.insert(token.name.clone(), self.token(token).await?);
        }
        Ok(tokens)
    }

    /// The engines that are declared and no others.
    async fn mounts(&self, declared: &[Mount]) -> Result<(), Error> {
        let began = Instant::now();
        let own = loop {
            let cause = match self.ask(Method::GET, "sys/mounts", None).await {
                Ok(mounts) => match mounts.get(format!("{OWN_MOUNT}/")) {
                    Some(own) => break own.clone(),
                    None => self
                        .upstream
                        .refused("mount its own engine", "it is not there"),
                },
                Err(error) => error,
            };
            if began.elapsed() > SETTLES_WITHIN {
                return Err(cause);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        let version = |kind| match kind {
            MountKind::KvV1 => "1",
            MountKind::KvV2 => "2",
        };
        let as_declared = |mount: &&Mount| {
            mount.path == OWN_MOUNT && own["options"]["version"] == version(mount.kind)
        };
        let keeps_own = declared.iter().find(as_declared).is_some();
        if !keeps_own {
            let path = format!("sys/mounts/{OWN_MOUNT}");
            self.ask(Method::DELETE, &path, None).await?;
        }
        for mount in declared {
            if !(keeps_own && mount.path == OWN_MOUNT) {
                let body = json!({"type": "kv", "options": {"version": version(mount.kind)}});
                self.write(&format!("sys/mounts/{}", mount.path), &body)
                    .await?;
            }
            if mount.kind == MountKind::KvV2 {
                self.until_versioned(&mount.path).await?;
            }
        }
        Ok(())
    }

    /// A versioned engine refuses everything for a moment after it was mounted.
    async fn until_versioned(&self, mount: &str) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            let path = format!("{mount}/config");
            match self.ask(Method::GET, &path, None).await {
                Ok(_) => return Ok(()),
                Err(error) if began.elapsed() > SETTLES_WITHIN => return Err(error),
                Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }

    async fn kubernetes(
        &self,
        auth: &KubernetesAuth,
        cluster: Option<&ClusterIdentity>,
    ) -> Result<(), Error> {
        let mount = &auth.mount;
        let cluster = cluster.ok_or_else(|| Error::NoCluster {
            mount: mount.clone(),
            missing: "an API that reviews tokens",
        })?;
        let method = json!({ "type": "kubernetes" });
        self.write(&format!("sys/auth/{mount}"), &method).await?;
        let mut config = json!({
            "kubernetes_host": cluster.host,
            "kubernetes_ca_cert": cluster.ca_pem,
            // The container is no pod: it has neither an account nor a CA of its own.
            "disable_local_ca_jwt": true,
            "disable_iss_validation": true,
        });
        if let Some(reviewer) = &cluster.reviewer_token {
            config["token_reviewer_jwt"] = reviewer.expose_str().unwrap_or_default().into();
        }
        self.write(&format!("auth/{mount}/config"), &config).await?;
        for role in &auth.roles {
            let (namespaces, names): (Vec<&String>, Vec<&String>) = role
                .service_accounts
                .iter()
                .map(|(namespace, name)| (namespace, name))
                .unzip();
            let mut body = json!({
                "bound_service_account_names": names,
                "bound_service_account_namespaces": namespaces,
                "token_policies": role.policies,
            });
            if let Some(audience) = &role.audience {
                body["audience"] = audience.as_str().into();
            }
            ttl(&mut body, role.ttl);
            self.write(&format!("auth/{mount}/role/{}", role.name), &body)
                .await?;
        }
        Ok(())
    }

    async fn jwt(&self, auth: &JwtAuth, cluster: Option<&ClusterIdentity>) -> Result<(), Error> {
        let mount = &auth.mount;
        let cluster = cluster.ok_or_else(|| Error::NoCluster {
            mount: mount.clone(),
            missing: "the keys of its token issuer",
        })?;
        let method = json!({ "type": "jwt" });
        self.write(&format!("sys/auth/{mount}"), &method).await?;
        let mut config = json!({ "jwt_validation_pubkeys": keys::pem(&cluster.jwks)? });
        if let Some(issuer) = &cluster.issuer {
            config["bound_issuer"] = issuer.as_str().into();
        }
        self.write(&format!("auth/{mount}/config"), &config).await?;
        for role in &auth.roles {
            let mut body = json!({
                "role_type": "jwt",
                "user_claim": role.user_claim,
                "bound_audiences": role.bound_audiences,
                "token_policies": role.policies,
            });
            if let Some(subject) = &role.bound_subject {
                body["bound_subject"] = subject.as_str().into();
            }
            ttl(&mut body, role.ttl);
            self.write(&format!("auth/{mount}/role/{}", role.name), &body)
                .await?;
        }
        Ok(())
    }

    /// A token's text cannot be given: a server takes none of the form that it draws itself.
    async fn token(&self, token: &StaticToken) -> Result<SecretValue, Error> {
        let mut body = json!({
            "policies": token.policies,
            "display_name": token.name,
            "no_parent": true,
        });
        if let Some(ttl) = token.ttl {
            body["ttl"] = format!("{}s", ttl.as_secs()).into();
        }
        let path = "auth/token/create";
        let answer = self.answer(Method::POST, path, Some(&body)).await?;
        match answer.pointer("/auth/client_token").and_then(Value::as_str) {
            Some(text) => Ok(SecretValue::new(text)),
            None => Err(self.upstream.refused(path, "it answered no token")),
        }
    }

    async fn write(&self, path: &str, body: &Value) -> Result<(), Error> {
        self.ask(Method::POST, path, Some(body)).await.map(drop)
    }

    /// An answer's `data`.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let mut answer = self.answer(method, path, body).await?;
        Ok(answer["data"].take())
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let refused = |cause: String| {
            self.upstream
                .refused(format!("serve {method} {path}"), cause)
        };
        let url = format!("/v1/{}", utf8_percent_encode(path, &PATH));
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method.clone())
            .uri(self.upstream.url(&url))
            .header("x-vault-token", self.root.clone())
            .header("x-vault-request", "true")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| refused(error.to_string()))?;
        let answer = self.upstream.send(request).await?;
        let status = answer.status();
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        match super::answer::refusal(status, &body) {
            None => Ok(body),
            Some(refusal) => Err(refused(format!("{status}: {refusal}"))),
        }
    }
}

fn ttl(body: &mut Value, ttl: Option<Duration>) {
    if let Some(ttl) = ttl {
        body["token_ttl"] = ttl.as_secs().into();
    }
}
