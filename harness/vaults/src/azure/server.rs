//! The vault and what stands around it: who asks, whether they may, and what is answered, decided under one lock.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use rotaproof_base::jwt::{JwtError, Verifier};
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};
use serde_json::Value;

use super::backup::Sealer;
use super::bundle::Addresses;
use super::config::{AzureConfig, Principal};
use super::directory::{Directory, Member};
use super::entra::{self, Entra, Reply};
use super::error::VaultError;
use super::operation::{Call, Query};
use super::roles::{Action, Role};
use super::route::Target;
use super::secrets::Secrets;
use super::writer::Administrator;
use super::{IMDS_HOST, LOGIN_HOST, imds};
use crate::{Body, HostPattern, Served, Vault, VaultKind, Witness, buffered};

/// Where the vault says that it is.
const REGION: &str = "westeurope";

/// One vault, its tenant's identity platform, and the metadata service of the nodes.
pub struct AzureVault {
    host: String,
    base: String,
    subscription: String,
    directory: Directory,
    federation: Verifier,
    administrator: Administrator,
    clock: Clock,
    fingerprinter: Fingerprinter,
    sealer: Sealer,
    versions: Entropy,
    requests: Entropy,
    secrets: Mutex<Secrets>,
}

impl AzureVault {
    /// A vault without secrets. Fails where no signing key could be made.
    pub fn new(config: AzureConfig) -> Result<Self, JwtError> {
        let entropy = config.entropy;
        let ids = entropy.fork("ids");
        let administrator = Administrator {
            tenant: config.tenant.clone(),
            client_id: ids.uuid().to_string(),
            client_secret: SecretValue::new(ids.text(
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789~-_.",
                40,
            )),
        };
        let mut principals = config.principals;
        principals.push(Principal {
            name: "rotaproof".into(),
            client_id: administrator.client_id.clone(),
            roles: vec![Role::Administrator],
            managed_identity: None,
            client_secret: Some(administrator.client_secret.clone()),
            federated: Vec::new(),
        });
        let clock = config.clock;
        Ok(Self {
            base: format!("https://{}", config.host),
            host: config.host,
            subscription: ids.uuid().to_string(),
            directory: Directory::new(
                &config.tenant,
                principals,
                clock.clone(),
                &entropy.fork("directory"),
            )?,
            federation: config.verifier,
            administrator,
            clock,
            fingerprinter: config.fingerprinter,
            sealer: Sealer::new(&entropy.fork("backups")),
            versions: entropy.fork("versions"),
            requests: entropy.fork("requests"),
            secrets: Mutex::default(),
        })
    }

    /// An application that may do everything, for the harness' own writer.
    pub fn administrator(&self) -> Administrator {
        self.administrator.clone()
    }

    /// A request to the vault itself: what was decided is taken down under the lock under which it was.
    fn vault(&self, request: &Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let target = Target::read(request.method(), request.uri().path());
        let mut served = Served {
            operation: operation(&target).to_owned(),
            ..Served::default()
        };
        if let Ok(target) = &target {
            served.secret = target.secret().map(str::to_owned);
        }
        let query = Query::read(request.uri().query().unwrap_or_default());
        // Signatures are checked before the lock is taken: they need nothing that it guards.
        let caller = self.directory.authenticate(request.headers());
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let result = caller.and_then(|member| {
            served.identity = Some(member.principal.name.clone());
            let target = target?;
            self.authorize(&member, target)?;
            let mut call = Call {
                secrets: &mut secrets,
                addresses: Addresses { base: &self.base },
                sealer: &self.sealer,
                ids: &self.versions,
                fingerprinter: &self.fingerprinter,
                now: self.clock.now(),
                query: &query,
                body: request.body(),
                served: &mut served,
            };
            call.run(target)
        });
        if let Err(error) = &result {
            served.refusal = Some(error.refusal().to_owned());
        }
        witness.record(served);
        drop(secrets);
        match result {
            Ok((status, body)) => self.respond(status, &body),
            Err(error) => {
                let mut response = self.respond(error.status, &error.body());
                if error.status == StatusCode::UNAUTHORIZED {
                    insert(
                        &mut response,
                        header::WWW_AUTHENTICATE,
                        &self.directory.challenge(),
                    );
                }
                if error.status == StatusCode::METHOD_NOT_ALLOWED {
                    insert(
                        &mut response,
                        header::ALLOW,
                        "GET, PUT, PATCH, POST, DELETE",
                    );
                }
                response
            }
        }
    }

    fn authorize(&self, member: &Arc<Member>, target: Target<'_>) -> Result<(), VaultError> {
        let action = target.action();
        if member
            .principal
            .roles
            .iter()
            .any(|role| role.allows(action))
        {
            return Ok(());
        }
        Err(self.forbidden(member, target, action))
    }

    fn forbidden(&self, member: &Member, target: Target<'_>, action: Action) -> VaultError {
        let vault = self.host.split('.').next().unwrap_or_default();
        let subscription = &self.subscription;
        let mut resource = format!(
            "/subscriptions/{subscription}/resourcegroups/{vault}/providers/microsoft.keyvault/vaults/{vault}"
        );
        if let Some(name) = target.secret() {
            resource = format!("{resource}/secrets/{name}");
        }
        VaultError::forbidden_by_rbac(format!(
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role \
             definitions were changed recently, please observe propagation time.\r\nCaller: \
             appid={};oid={};iss={}\r\nAction: '{}'\r\nResource: '{resource}'\r\nAssignment: (not \
             found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: \
             {vault};location={REGION}\r\n",
            member.principal.client_id,
            member.object_id,
            self.directory.issuer(),
            action.name(),
        ))
    }

    /// The identity platform and the metadata service keep no state: there is nothing to lock.
    fn reply(&self, reply: Reply, witness: &dyn Witness) -> Response<Body> {
        witness.record(Served {
            operation: reply.operation.to_owned(),
            identity: reply.identity,
            refusal: reply.refusal,
            ..Served::default()
        });
        let mut response = self.respond(reply.status, &reply.body);
        insert(&mut response, header::CACHE_CONTROL, "no-store, no-cache");
        response
    }

    fn respond(&self, status: StatusCode, body: &Value) -> Response<Body> {
        let text = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let mut response = Response::new(buffered(text));
        *response.status_mut() = status;
        if !body.is_null() {
            let kind = "application/json; charset=utf-8";
            insert(&mut response, header::CONTENT_TYPE, kind);
        }
        let id = self.requests.uuid().to_string();
        insert(
            &mut response,
            HeaderName::from_static("x-ms-request-id"),
            &id,
        );
        let region = HeaderName::from_static("x-ms-keyvault-region");
        insert(&mut response, region, REGION);
        response
    }
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn operation(target: &Result<Target<'_>, VaultError>) -> &'static str {
    target
        .as_ref()
        .map_or("unknown", |target| target.operation())
}

/// Which of the servers a request is for. A host outside Azure's scheme (an endpoint of the user's own) is the vault.
#[derive(Clone, Copy)]
enum Service {
    Vault,
    Login,
    Metadata,
}

fn service(request: &Request<Bytes>) -> Service {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|value| value.to_str().ok());
    let host = host.or_else(|| {
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str())
    });
    let host = host.unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if name.eq_ignore_ascii_case(LOGIN_HOST) {
        Service::Login
    } else if name == IMDS_HOST {
        Service::Metadata
    } else {
        Service::Vault
    }
}

#[async_trait]
impl Vault for AzureVault {
    fn kind(&self) -> VaultKind {
        VaultKind::AzureKeyVault
    }

    fn hosts(&self) -> Vec<HostPattern> {
        vec![
            HostPattern::new(&self.host),
            HostPattern::new(LOGIN_HOST),
            // Other clouds have their metadata service at the same address.
            HostPattern::new(IMDS_HOST).below("/metadata/"),
        ]
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        let path = request.uri().path();
        let name = match service(request) {
            Service::Login => entra::operation(path),
            Service::Metadata => imds::operation(path),
            Service::Vault => {
                let target = Target::read(request.method(), path);
                let secret = target.as_ref().ok().and_then(|target| target.secret());
                return (operation(&target).to_owned(), secret.map(str::to_owned));
            }
        };
        (name.to_owned(), None)
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let (method, uri) = (request.method(), request.uri());
        let reply = match service(&request) {
            Service::Vault => return self.vault(&request, witness),
            Service::Login => {
                let entra = Entra {
                    directory: &self.directory,
                    federation: &self.federation,
                    clock: &self.clock,
                    traces: &self.requests,
                };
                entra.answer(method, uri.path(), request.body())
            }
            Service::Metadata => {
                let query = uri.query().unwrap_or_default();
                imds::answer(
                    &self.directory,
                    method,
                    uri.path(),
                    query,
                    request.headers(),
                )
            }
        };
        self.reply(reply, witness)
    }
}
