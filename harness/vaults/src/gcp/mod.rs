//! GCP Secret Manager with its token services and the metadata server, as strict as the cloud: access tokens, key
//! signatures, workload identity's issuer, audience and subject, and role bindings are all checked.
//!
//! gRPC and REST stand before one state. Sources: the protos `google/cloud/secretmanager/v1` and
//! `google/iam/credentials/v1`, the API reference, and the words of the real services' errors. Absent, and refused as
//! unknown: GetIamPolicy and its like, customer-managed encryption, tags, and `sts.googleapis.com`.

mod answer;
mod checksum;
mod config;
mod error;
mod grpc;
mod iam;
mod identities;
mod json;
mod key;
mod metadata;
mod name;
mod operation;
mod policy;
mod proto;
mod rest;
mod state;
mod tokens;
mod writer;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use prost::Message;
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};

pub use config::{GcpConfig, GkeCluster, Grant, ServiceAccount, WorkloadIdentity};
pub use key::{KeyError, ServiceAccountKey};
pub use writer::GcpWriter;

use error::{ApiError, Code};
use identities::Identities;
use operation::{Answer, Call};
use state::Store;

use crate::{Body, HostPattern, Served, Vault, VaultKind, Witness};

/// The host of Secret Manager.
pub const HOST: &str = "secretmanager.googleapis.com";
/// The token endpoint that key files name.
pub const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

const SERVICE: &str = "google.cloud.secretmanager.v1.SecretManagerService";

/// One project's Secret Manager.
pub struct GcpVault {
    project: String,
    number: String,
    cluster: GkeCluster,
    clock: Clock,
    fingerprinter: Fingerprinter,
    verifier: Verifier,
    administrator: SecretValue,
    keys: Entropy,
    state: Mutex<State>,
}

struct State {
    identities: Identities,
    store: Store,
}

/// Which service a request is for, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    SecretManager,
    Iam,
    OAuth,
    SecureToken,
    Metadata,
}

impl Service {
    fn of(path: &str) -> Option<Self> {
        match path {
            tokens::TOKEN => return Some(Self::OAuth),
            tokens::EXCHANGE => return Some(Self::SecureToken),
            _ => {}
        }
        match grpc::method(path) {
            Some((iam::SERVICE, _)) => return Some(Self::Iam),
            Some(_) => return Some(Self::SecretManager),
            None => {}
        }
        if path.starts_with(metadata::ROOT) {
            Some(Self::Metadata)
        } else if path.starts_with("/v1/projects/-/serviceAccounts/") {
            Some(Self::Iam)
        } else if path.starts_with("/v1/projects/") {
            Some(Self::SecretManager)
        } else {
            None
        }
    }

    /// Whether one of Google's hosts serves it; any other host is a direct endpoint, which serves all.
    fn is_at(self, host: &str) -> bool {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        match name.strip_suffix(".googleapis.com") {
            Some("secretmanager") => self == Self::SecretManager,
            Some("iamcredentials") => self == Self::Iam,
            Some("oauth2") => self == Self::OAuth,
            Some("securetoken") => self == Self::SecureToken,
            Some(_) => self == Self::SecretManager && name.ends_with(".rep.googleapis.com"),
            None if name == "metadata.google.internal" => self == Self::Metadata,
            None => true,
        }
    }
}

impl GcpVault {
    /// A project without secrets.
    pub fn new(config: GcpConfig) -> Self {
        let numbers = config.entropy.fork("number");
        let number = (100_000_000_000 + numbers.below(900_000_000_000)).to_string();
        let mut identities = Identities::new(
            &config.project,
            config.entropy.fork("tokens"),
            config.service_accounts,
            config.workload_identities,
        );
        let administrator = identities.add_administrator(&administrator_of(&config.project));
        Self {
            project: config.project,
            cluster: config.cluster,
            clock: config.clock,
            fingerprinter: config.fingerprinter,
            verifier: config.verifier,
            administrator,
            keys: config.entropy.fork("administrator"),
            state: Mutex::new(State {
                identities,
                store: Store::new(number.clone()),
            }),
            number,
        }
    }

    /// An access token without end of a principal who may do everything, for the harness' own writer.
    pub fn administrator(&self) -> SecretValue {
        self.administrator.clone()
    }

    /// The key file of the same principal, for people's own tools. The key is made here, and is the same each time.
    pub fn administrator_key(&self) -> Result<SecretValue, KeyError> {
        let email = administrator_of(&self.project);
        let key = ServiceAccountKey::generate(&self.keys.fork("key"))?;
        let file = key.file(&self.project, &email, TOKEN_URI);
        self.lock().identities.add_administrator_key(&email, key);
        Ok(file)
    }

    /// The project's number, by which answers name it.
    pub fn project_number(&self) -> &str {
        &self.number
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(
        &self,
        http: &Request<Bytes>,
        asked: Result<operation::Request, ApiError>,
        served: &mut Served,
        witness: &dyn Witness,
    ) -> Result<Answer, ApiError> {
        let mut guard = self.lock();
        let State { identities, store } = &mut *guard;
        let now = self.clock.now();
        if let Ok(request) = &asked {
            served.operation = request.operation().to_owned();
            served.secret = request.secret();
        }
        // Who asks is judged before what is asked, but for a message that cannot be read.
        let result = asked.and_then(|request| {
            let principal = identities.authenticate(http.headers(), HOST, now)?;
            served.identity = Some(principal.member.to_string());
            store.expire(now);
            let mut call = Call {
                project: &self.project,
                number: &self.number,
                store,
                principal: &principal,
                now,
                fingerprinter: &self.fingerprinter,
                served,
            };
            operation::run(&mut call, request)
        });
        if let Err(error) = &result {
            served.versions.clear();
            served.refusal = Some(error.code.as_str().to_owned());
        }
        witness.record(std::mem::take(served));
        result
    }

    fn secret_manager(&self, request: &Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let mut served = Served::default();
        if let Some((service, method)) = grpc::method(request.uri().path()) {
            served.operation = method.to_owned();
            if let Some(refusal) = grpc::not_grpc(request) {
                return plainly(refusal, served, witness);
            }
            let asked = match service {
                SERVICE => operation::Request::read(method, request),
                _ => Err(ApiError::new(Code::Unimplemented, "Method not found.")),
            };
            let result = self.run(request, asked, &mut served, witness);
            return grpc::answer(result.map(|answer| answer.encode()));
        }
        match rest::read(request) {
            None => plainly(answer::no_such_route(), served, witness),
            Some(asked) => {
                let numbers = rest::Query::of(request).enums_as_numbers();
                rest::respond(self.run(request, asked, &mut served, witness), numbers)
            }
        }
    }

    fn iam(&self, request: &Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let mut served = Served {
            operation: iam::OPERATION.to_owned(),
            ..Served::default()
        };
        let method = grpc::method(request.uri().path());
        let asked = match method {
            Some((_, iam::OPERATION)) => match grpc::not_grpc(request) {
                Some(refusal) => return plainly(refusal, served, witness),
                None => grpc::read(request),
            },
            Some((_, other)) => {
                served.operation = other.to_owned();
                Err(ApiError::new(Code::Unimplemented, "Method not found."))
            }
            None => match rest::generate_access_token(request) {
                Some(asked) => asked,
                None => return plainly(answer::no_such_route(), served, witness),
            },
        };
        let mut guard = self.lock();
        let now = self.clock.now();
        let identities = &mut guard.identities;
        let result = asked.and_then(|message| {
            let headers = request.headers();
            iam::generate_access_token(&message, headers, identities, now, &mut served)
        });
        if let Err(error) = &result {
            served.refusal = Some(error.code.as_str().to_owned());
        }
        witness.record(served);
        drop(guard);
        match (method, result) {
            (Some(_), result) => grpc::answer(result.map(|message| message.encode_to_vec())),
            (None, Ok(message)) => {
                let body = serde_json::json!({
                    "accessToken": message.access_token,
                    "expireTime": message.expire_time.as_ref().map(json::time),
                });
                answer::json(StatusCode::OK, &body)
            }
            (None, Err(error)) => rest::refuse(&error),
        }
    }

    /// Answers that need no decision on secrets.
    fn token_services(
        &self,
        service: Service,
        request: &Request<Bytes>,
        host: &str,
        witness: &dyn Witness,
    ) -> Response<Body> {
        let mut served = Served {
            operation: operation_of(service).to_owned(),
            ..Served::default()
        };
        let mut guard = self.lock();
        let now = self.clock.now();
        let identities = &mut guard.identities;
        let response = match service {
            Service::OAuth => tokens::oauth(request, host, identities, now, &mut served),
            Service::SecureToken => {
                let pool = tokens::Pool {
                    project: &self.project,
                    cluster: &self.cluster,
                    verifier: &self.verifier,
                    clock: &self.clock,
                };
                tokens::exchange(request, &pool, identities, now, &mut served)
            }
            _ => metadata::answer(
                request,
                &self.project,
                &self.number,
                &self.cluster,
                &mut served,
            ),
        };
        witness.record(served);
        response
    }
}

/// The service account of the harness itself.
fn administrator_of(project: &str) -> String {
    format!("rotaproof@{project}.iam.gserviceaccount.com")
}

/// The journal's name of what a service without methods does.
fn operation_of(service: Service) -> &'static str {
    match service {
        Service::OAuth => "oauth2 token",
        Service::SecureToken => "identitybindingtoken",
        Service::Metadata => "metadata",
        Service::Iam => iam::OPERATION,
        Service::SecretManager => "unknown",
    }
}

/// Takes a refusal in plain HTTP down.
fn plainly(response: Response<Body>, mut served: Served, witness: &dyn Witness) -> Response<Body> {
    if served.operation.is_empty() {
        served.operation = "unknown".to_owned();
    }
    let status = response.status();
    served.refusal = Some(status.canonical_reason().unwrap_or_default().to_owned());
    witness.record(served);
    response
}

fn host(request: &Request<Bytes>) -> String {
    let header = request.headers().get(http::header::HOST);
    header
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default()
        .to_ascii_lowercase()
}

#[async_trait]
impl Vault for GcpVault {
    fn kind(&self) -> VaultKind {
        VaultKind::GcpSecretManager
    }

    fn hosts(&self) -> Vec<HostPattern> {
        vec![
            HostPattern::new(HOST),
            HostPattern::new("secretmanager.*.rep.googleapis.com"),
            HostPattern::new(iam::HOST),
            HostPattern::new("oauth2.googleapis.com"),
            HostPattern::new("securetoken.googleapis.com"),
            HostPattern::new("metadata.google.internal"),
            HostPattern::new("169.254.169.254").below(metadata::ROOT),
        ]
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        let path = request.uri().path();
        match Service::of(path) {
            None => ("unknown".to_owned(), None),
            Some(Service::SecretManager) => {
                let asked = match grpc::method(path) {
                    Some((_, method)) => {
                        let asked = operation::Request::read(method, request);
                        let secret = asked.ok().and_then(|asked| asked.secret());
                        return (method.to_owned(), secret);
                    }
                    None => rest::read(request).and_then(Result::ok),
                };
                asked.map_or(("unknown".to_owned(), None), |asked| {
                    (asked.operation().to_owned(), asked.secret())
                })
            }
            Some(service) => (operation_of(service).to_owned(), None),
        }
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let host = host(&request);
        match Service::of(request.uri().path()).filter(|service| service.is_at(&host)) {
            None if grpc::is_grpc(&request) => {
                let error = ApiError::new(Code::Unimplemented, "Method not found.");
                let served = Served {
                    operation: "unknown".to_owned(),
                    refusal: Some(error.code.as_str().to_owned()),
                    ..Served::default()
                };
                witness.record(served);
                grpc::answer(Err(error))
            }
            None => plainly(answer::no_such_route(), Served::default(), witness),
            Some(Service::SecretManager) => self.secret_manager(&request, witness),
            Some(Service::Iam) => self.iam(&request, witness),
            Some(service) => self.token_services(service, &request, &host, witness),
        }
    }
}
