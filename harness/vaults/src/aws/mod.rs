//! AWS Secrets Manager and STS, as strict as the cloud: Signature Version 4, web identity tokens, trust and identity
//! policies are all checked.
//!
//! Sources: the Secrets Manager and STS API references (versions 2017-10-17 and 2011-06-15) and the words of the real
//! services' errors. Replication, resource policies, RotateSecret and GetRandomPassword are absent and answer
//! `UnknownOperationException`.

mod admission;
mod answer;
mod config;
mod connector;
mod error;
mod identities;
mod operation;
mod policy;
mod sigv4;
mod state;
mod writer;
mod xml;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use indexmap::IndexMap;
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter};

pub use admission::{Admission, Caller};
pub use config::{AwsConfig, Credentials, Role, Statement, StaticKey};
pub use connector::sdk;
pub use writer::AwsWriter;

use error::{ApiError, Unauthenticated};
use identities::Identities;
use operation::{Call, StsCall};
use sigv4::Received;
use state::{Region, without_suffix};

use crate::{Body, HostPattern, Served, Vault, VaultKind, Witness};

/// The base URL of Secrets Manager in a region, for a writer that dials the vault itself.
pub fn endpoint(region: &str) -> String {
    format!("http://{}", direct_host(region))
}

/// The host name of Secrets Manager in a region.
pub fn direct_host(region: &str) -> String {
    format!("secretsmanager.{region}.amazonaws.com")
}

/// The region that answers for `sts.amazonaws.com`.
const GLOBAL_STS: &str = "us-east-1";

/// One AWS account: Secrets Manager and STS.
///
/// It claims the hosts of its home region only, so that vaults of several regions stand side by side; a request to
/// another region is refused by the gateway, which names the host. A client that comes by another way finds every
/// other region there and empty, as in AWS.
pub struct AwsVault {
    region: String,
    account: String,
    clock: Clock,
    entropy: Entropy,
    request_ids: Entropy,
    fingerprinter: Fingerprinter,
    verifier: Verifier,
    administrator: Credentials,
    state: Mutex<State>,
}

struct State {
    account: String,
    identities: Identities,
    regions: BTreeMap<String, Region>,
}

impl State {
    fn region(&mut self, name: &str) -> &mut Region {
        let account = &self.account;
        self.regions
            .entry(name.to_owned())
            .or_insert_with(|| Region::new(name, account))
    }
}

/// Which service of which region a host name stands for.
#[derive(Debug, PartialEq, Eq)]
enum Service<'a> {
    SecretsManager(&'a str),
    Sts(&'a str),
}

impl AwsVault {
    /// An account without secrets.
    pub fn new(config: AwsConfig) -> Self {
        let keys = config.entropy.fork("keys");
        let mut identities = Identities::new(&config.account, keys, config.roles, config.keys);
        let administrator = identities.add_administrator();
        Self {
            region: config.region,
            account: config.account.clone(),
            clock: config.clock,
            request_ids: config.entropy.fork("requests"),
            entropy: config.entropy,
            fingerprinter: config.fingerprinter,
            verifier: config.verifier,
            administrator,
            state: Mutex::new(State {
                account: config.account,
                identities,
                regions: BTreeMap::new(),
            }),
        }
    }

    /// The key of a user who may do everything, for the harness' own writer.
    pub fn administrator(&self) -> Credentials {
        self.administrator.clone()
    }

    /// The region in which the scenario's secrets live.
    pub fn region(&self) -> &str {
        &self.region
    }

    fn stamp(&self) -> answer::Stamp {
        answer::Stamp {
            id: self.request_ids.uuid(),
            now: self.clock.now(),
        }
    }

    /// A host name outside AWS's scheme (an endpoint of the user's own) stands for the home region.
    fn service<'a>(&'a self, host: &'a str, request: &Request<Bytes>) -> Service<'a> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let mut labels = name.split('.');
        match (
            labels.next(),
            labels.next(),
            labels.next(),
            labels.next(),
            labels.next(),
        ) {
            (Some("secretsmanager"), Some(region), Some("amazonaws"), Some("com"), None) => {
                Service::SecretsManager(region)
            }
            (Some("sts"), Some(region), Some("amazonaws"), Some("com"), None) => {
                Service::Sts(region)
            }
            (Some("sts"), Some("amazonaws"), Some("com"), None, None) => Service::Sts(GLOBAL_STS),
            _ if request.headers().contains_key("x-amz-target") => {
                Service::SecretsManager(&self.region)
            }
            _ if is_form(request) => Service::Sts(&self.region),
            _ => Service::SecretsManager(&self.region),
        }
    }

    fn secrets_manager(
        &self,
        request: &Request<Bytes>,
        host: &str,
        region: &str,
        witness: &dyn Witness,
    ) -> Response<Body> {
        let stamp = self.stamp();
        let target = target(request);
        let mut served = Served {
            operation: target.unwrap_or("unknown").to_owned(),
            ..Served::default()
        };
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let Some(name) = target else {
            served.refusal = Some("UnknownOperationException".into());
            witness.record(served);
            return answer::no_such_route(stamp);
        };
        let now = stamp.now;
        let received = received(request, host);
        let signer = state
            .identities
            .authenticate(&received, region, "secretsmanager", now)
            .map_err(Unauthenticated::in_json);
        let result = signer.and_then(|principal| {
            served.identity = Some(principal.arn.to_string());
            let secrets = state.region(region);
            secrets.expire(now);
            let mut call = Call {
                region: secrets,
                principal: &principal,
                now,
                entropy: &self.entropy,
                fingerprinter: &self.fingerprinter,
                served: &mut served,
            };
            operation::run(&mut call, name, request.body())
        });
        if let Err(error) = &result {
            served.versions.clear();
            served.refusal = Some(error.code.to_owned());
            if served.secret.is_none() {
                served.secret = secret_of(request.body());
            }
        }
        witness.record(served);
        drop(guard);
        answer::json(stamp, result)
    }

    fn sts(
        &self,
        request: &Request<Bytes>,
        host: &str,
        region: &str,
        witness: &dyn Witness,
    ) -> Response<Body> {
        let stamp = self.stamp();
        let form = form(request);
        let action = form.get("Action").map(String::as_str);
        let mut served = Served {
            operation: action.unwrap_or("unknown").to_owned(),
            ..Served::default()
        };
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let now = stamp.now;
        let result = match action {
            None => Err(ApiError::bad_request(
                "MissingAction",
                "The request must contain the parameter Action.",
            )),
            Some(action) => {
                let received = received(request, host);
                let signer = state.identities.authenticate(&received, region, "sts", now);
                let mut call = StsCall {
                    form: &form,
                    account: &self.account,
                    identities: &mut state.identities,
                    verifier: &self.verifier,
                    clock: &self.clock,
                    now,
                    signer,
                    served: &mut served,
                };
                operation::run_sts(&mut call, action).map(|xml| (action, xml))
            }
        };
        if let Err(error) = &result {
            served.refusal = Some(error.code.to_owned());
        }
        witness.record(served);
        drop(guard);
        answer::xml(stamp, result)
    }
}

#[async_trait]
impl Vault for AwsVault {
    fn kind(&self) -> VaultKind {
        VaultKind::AwsSecretsManager
    }

    fn hosts(&self) -> Vec<HostPattern> {
        let mut hosts = vec![
            HostPattern::new(direct_host(&self.region)),
            HostPattern::new(format!("sts.{}.amazonaws.com", self.region)),
        ];
        if self.region == GLOBAL_STS {
            hosts.push(HostPattern::new("sts.amazonaws.com"));
        }
        hosts
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        if let Some(name) = target(request) {
            return (name.to_owned(), secret_of(request.body()));
        }
        let action = form(request).shift_remove("Action");
        (action.unwrap_or_else(|| "unknown".into()), None)
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let host = host(&request).to_ascii_lowercase();
        match self.service(&host, &request) {
            Service::SecretsManager(region) => {
                self.secrets_manager(&request, &host, region, witness)
            }
            Service::Sts(region) => self.sts(&request, &host, region, witness),
        }
    }
}

fn host(request: &Request<Bytes>) -> &str {
    let header = request.headers().get(http::header::HOST);
    header
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default()
}

fn received<'a>(request: &'a Request<Bytes>, host: &'a str) -> Received<'a> {
    Received {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
        host,
        body: request.body(),
    }
}

/// The operation of `X-Amz-Target: secretsmanager.<operation>`, where the header is there and well formed.
fn target(request: &Request<Bytes>) -> Option<&str> {
    let target = request.headers().get("x-amz-target")?.to_str().ok()?;
    target.strip_prefix("secretsmanager.")
}

fn is_form(request: &Request<Bytes>) -> bool {
    let kind = request.headers().get(http::header::CONTENT_TYPE);
    kind.and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// The parameters of a query-protocol request, from the body or the URI.
fn form(request: &Request<Bytes>) -> IndexMap<String, String> {
    let bytes = match request.uri().query() {
        Some(query) if request.body().is_empty() => query.as_bytes(),
        _ => request.body(),
    };
    form_urlencoded::parse(bytes).into_owned().collect()
}

/// The secret that a JSON request names, by the name that a scenario gives it.
fn secret_of(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Names {
        secret_id: Option<String>,
        name: Option<String>,
    }
    let names: Names = serde_json::from_slice(body).ok()?;
    let id = names.secret_id.or(names.name)?;
    Some(secret_name(&id).to_owned())
}

/// A secret's name out of its ARN; a name stays as it is.
fn secret_name(id: &str) -> &str {
    match id.splitn(7, ':').nth(6) {
        Some(name) if id.starts_with("arn:") => without_suffix(name),
        _ => id,
    }
}
