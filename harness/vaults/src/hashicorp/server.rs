//! The server: who asks, whether they may, and what is answered, all decided under one lock.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use jiff::Timestamp;
use rotaproof_base::{Entropy, SecretValue};

use super::answer::{Answer, Envelope};
use super::config::{HashicorpConfig, MountKind};
use super::fields::Fields;
use super::kv1::Kv1;
use super::kv2::Kv2;
use super::kv2_api::Kv2Request;
use super::path::RequestPath;
use super::policy::{Capability, Policies};
use super::route::{Action, Kv2Endpoint, Route, SystemEndpoint, Target, UNKNOWN};
use super::system::Identity;
use super::token::{Grant, Token, TokenStore};
use super::token_api::TokenRequest;
use super::{kv2_api, login, path, route, system, token, token_api};
use crate::contract::{Body, HostPattern, Served, Vault, VaultKind, Witness};

/// Vault's `max_request_size`.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// A Vault server in memory.
pub struct HashicorpVault {
    config: HashicorpConfig,
    policies: Policies,
    identity: Identity,
    root: SecretValue,
    requests: Entropy,
    state: Mutex<State>,
}

struct State {
    tokens: TokenStore,
    kv1: BTreeMap<String, Kv1>,
    kv2: BTreeMap<String, Kv2>,
}

/// What was decided about one request.
struct Decision {
    answer: Answer,
    identity: Option<String>,
}

impl Decision {
    fn anonymous(answer: Answer) -> Self {
        Self {
            answer,
            identity: None,
        }
    }
}

impl HashicorpVault {
    /// A server with the mounts, policies, auth methods and tokens of `config`, and no secrets.
    pub fn new(config: HashicorpConfig) -> Self {
        let now = config.clock.now();
        let root = token::draw(&config.entropy.fork("root token"));
        let mut tokens = TokenStore::new(config.entropy.fork("tokens"));
        let grant = |identity: &str, policies: &[String], ttl| Grant {
            identity: identity.to_owned(),
            policies: policies.to_vec(),
            display_name: identity.to_owned(),
            path: "auth/token/create".to_owned(),
            meta: None,
            ttl,
            renewable: ttl.is_some(),
            alias: String::new(),
        };
        let mut first = grant("root", &["root".to_owned()], None);
        "auth/token/root".clone_into(&mut first.path);
        tokens.insert(&root, first, None, now);
        for fixed in &config.tokens {
            let grant = grant(&fixed.name, &fixed.policies, fixed.ttl);
            tokens.insert(&fixed.token, grant, None, now);
        }
        let of_kind = |kind| {
            let mounts = config.mounts.iter().filter(move |m| m.kind == kind);
            mounts.map(|m| m.path.clone())
        };
        let ids = config.entropy.fork("ids");
        let identity = Identity {
            cluster_id: ids.uuid().to_string(),
            cluster_name: format!("vault-cluster-{}", ids.text(b"0123456789abcdef", 8)),
            mounts: config
                .mounts
                .iter()
                .map(|_| {
                    let accessor = format!("kv_{}", ids.text(b"0123456789abcdef", 8));
                    (accessor, ids.uuid().to_string())
                })
                .collect(),
        };
        Self {
            policies: Policies::new(&config.policies),
            identity,
            root,
            requests: config.entropy.fork("requests"),
            state: Mutex::new(State {
                tokens,
                kv1: of_kind(MountKind::KvV1)
                    .map(|path| (path, Kv1::default()))
                    .collect(),
                kv2: of_kind(MountKind::KvV2)
                    .map(|path| (path, Kv2::default()))
                    .collect(),
            }),
            config,
        }
    }

    /// A token that may do everything, for the harness's writer.
    pub fn root_token(&self) -> SecretValue {
        self.root.clone()
    }

    /// What a request asks for, or the answer where that cannot be told.
    fn route(&self, request: &Request<Bytes>) -> Result<Route, Answer> {
        let query = request.uri().query().unwrap_or_default();
        let logical = match path::read(request.uri().path()) {
            RequestPath::Logical(path) => path,
            RequestPath::Unclean(to) => {
                let query = match query {
                    "" => String::new(),
                    query => format!("?{query}"),
                };
                return Err(Answer::moved(format!("{to}{query}")));
            }
            RequestPath::Elsewhere => return Err(Answer::not_found()),
        };
        let Some(action) = route::action(request.method(), query) else {
            return Err(Answer::unknown_method());
        };
        let route = route::route(&self.config, action, &logical);
        // Probes ask sys/health with HEAD; no engine knows the method.
        if request.method() == Method::HEAD && !matches!(route.target, Target::System(_)) {
            return Err(Answer::unsupported_operation());
        }
        Ok(route)
    }

    /// The fields of a request: its query for reads, its body for writes.
    fn fields(&self, route: &Route, request: &Request<Bytes>) -> Result<Fields, Answer> {
        if request.body().len() > MAX_BODY {
            return Err(Answer::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "failed to parse JSON input: http: request body too large",
            ));
        }
        match route.action {
            Action::Update => Fields::from_body(request.body()),
            Action::Patch => {
                let kind = request.headers().get(header::CONTENT_TYPE);
                let kind = kind.and_then(|k| k.to_str().ok()).unwrap_or_default();
                if kind.split(';').next().map(str::trim) != Some("application/merge-patch+json") {
                    return Err(Answer::error(
                        StatusCode::UNSUPPORTED_MEDIA_TYPE,
                        format!(
                            "PATCH requires Content-Type of application/merge-patch+json, provided {kind}"
                        ),
                    ));
                }
                Fields::from_body(request.body())
            }
            Action::Read | Action::List | Action::Delete => Ok(Fields::from_query(
                request.uri().query().unwrap_or_default(),
            )),
        }
    }

    fn decide(&self, state: &mut State, request: Asked<'_>) -> Decision {
        let now = self.config.clock.now();
        let route = request.route;
        if let Target::System(endpoint) = &route.target
            && let Some(answer) = system::open(endpoint, route.action, &self.identity, now)
        {
            return Decision::anonymous(answer);
        }
        match request.login {
            Some(Ok(grant)) => return log_in(state, grant, &route.target, now),
            Some(Err(answer)) => return Decision::anonymous(answer),
            None => {}
        }
        let Some(text) = request.token else {
            return Decision::anonymous(Answer::permission_denied());
        };
        let Some(bearer) = state.tokens.get(text, now).cloned() else {
            return Decision::anonymous(Answer::invalid_token());
        };
        let answer = if self.permits(state, route, &bearer) {
            self.execute(state, &request, &bearer, text, now)
        } else {
            Answer::permission_denied()
        };
        Decision {
            answer,
            identity: Some(bearer.identity),
        }
    }

    fn permits(&self, state: &State, route: &Route, bearer: &Token) -> bool {
        // The preflight judges for itself: any access below the mount will do.
        if let Target::System(SystemEndpoint::UiMount(_)) = route.target {
            return true;
        }
        let exists = match &route.target {
            Target::Kv1 { mount, key } => state.kv1.get(mount).is_some_and(|kv| kv.exists(key)),
            Target::Kv2 {
                mount,
                endpoint: Kv2Endpoint::Data | Kv2Endpoint::Metadata,
                key,
            } => state.kv2.get(mount).is_some_and(|kv| kv.get(key).is_some()),
            // Only these tell create from update.
            _ => true,
        };
        let capability = match route.action {
            Action::Read => Capability::Read,
            Action::List => Capability::List,
            Action::Update if exists => Capability::Update,
            Action::Update => Capability::Create,
            Action::Patch => Capability::Patch,
            Action::Delete => Capability::Delete,
        };
        self.policies
            .permit(&bearer.policies, &route.path, capability)
    }

    fn execute(
        &self,
        state: &mut State,
        request: &Asked<'_>,
        bearer: &Token,
        text: &str,
        now: Timestamp,
    ) -> Answer {
        let route = request.route;
        let fields = &request.fields;
        let name = route.secret().unwrap_or_default();
        match &route.target {
            Target::Kv1 { mount, key } => match state.kv1.get_mut(mount) {
                Some(kv) => kv.answer(route.action, key, &name, fields, &self.config.fingerprinter),
                None => Answer::no_route(&route.path),
            },
            Target::Kv2 {
                mount,
                endpoint,
                key,
            } => match state.kv2.get_mut(mount) {
                Some(kv) => kv2_api::answer(
                    kv,
                    &Kv2Request {
                        action: route.action,
                        endpoint: *endpoint,
                        key,
                        name: &name,
                        fields,
                        now,
                        fingerprinter: &self.config.fingerprinter,
                    },
                ),
                None => Answer::no_route(&route.path),
            },
            Target::Token(endpoint) => token_api::answer(
                &mut state.tokens,
                &TokenRequest {
                    action: route.action,
                    endpoint: *endpoint,
                    bearer,
                    text,
                    fields,
                    now,
                },
            ),
            Target::System(endpoint) => system::closed(
                endpoint,
                route.action,
                &self.config,
                &self.identity,
                (&self.policies, &bearer.policies),
                fields,
            ),
            Target::NoSuchPath => Answer::unsupported_path(),
            Target::NoMount | Target::KubernetesLogin { .. } | Target::JwtLogin { .. } => {
                Answer::no_route(&route.path)
            }
        }
    }

    /// Verifies a login's token, outside the lock: it needs no state. `None` for what is no login.
    fn verify(&self, route: &Route, fields: &Fields) -> Option<Result<Grant, Answer>> {
        let clock = &self.config.clock;
        match route.target {
            Target::KubernetesLogin { .. } | Target::JwtLogin { .. }
                if route.action != Action::Update =>
            {
                Some(Err(Answer::unsupported_operation()))
            }
            Target::KubernetesLogin { mount } => {
                let auth = self.config.kubernetes.get(mount)?;
                Some(login::kubernetes(auth, fields, clock))
            }
            Target::JwtLogin { mount } => {
                Some(login::jwt(self.config.jwt.get(mount)?, fields, clock))
            }
            _ => None,
        }
    }
}

/// One request, read.
struct Asked<'a> {
    route: &'a Route,
    token: Option<&'a str>,
    fields: Fields,
    login: Option<Result<Grant, Answer>>,
}

fn log_in(state: &mut State, grant: Grant, target: &Target, now: Timestamp) -> Decision {
    let (text, token) = state.tokens.issue(grant, None, now);
    let answer = Answer::ok(Envelope {
        auth: Some(token.auth(text.expose_str().unwrap_or_default(), now)),
        mount_type: match target {
            Target::JwtLogin { .. } => "jwt",
            _ => "kubernetes",
        },
        ..Envelope::default()
    });
    Decision {
        answer,
        identity: Some(token.identity),
    }
}

/// The token of a request: `X-Vault-Token`, else `Authorization: Bearer`.
fn bearer(request: &Request<Bytes>) -> Option<&str> {
    let own = request.headers().get("x-vault-token");
    let own = own.and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty());
    own.or_else(|| {
        let value = request
            .headers()
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?;
        let (scheme, token) = value.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    })
}

#[async_trait]
impl Vault for HashicorpVault {
    fn kind(&self) -> VaultKind {
        VaultKind::HashicorpVault
    }

    fn hosts(&self) -> Vec<HostPattern> {
        vec![HostPattern::new(&self.config.address)]
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        match self.route(request) {
            Ok(route) => (route.operation().to_owned(), route.secret()),
            Err(_) => (UNKNOWN.to_owned(), None),
        }
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let route = self.route(&request);
        let (operation, secret) = match &route {
            Ok(route) => (route.operation(), route.secret()),
            Err(_) => (UNKNOWN, None),
        };
        let asked = match &route {
            Ok(route) => self.fields(route, &request).map(|fields| Asked {
                route,
                token: bearer(&request),
                login: self.verify(route, &fields),
                fields,
            }),
            Err(unread) => Err(unread.clone()),
        };
        let (answer, request_id) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let decision = match asked {
                Ok(asked) => self.decide(&mut state, asked),
                Err(answer) => Decision::anonymous(answer),
            };
            let answer = decision.answer;
            witness.record(Served {
                operation: operation.to_owned(),
                identity: decision.identity,
                secret,
                versions: answer.versions.clone(),
                refusal: answer.refusal.clone(),
            });
            // Drawn under the lock, so that the same order of requests gives the same ids.
            (answer, self.requests.uuid())
        };
        answer.into_response(&request_id.to_string())
    }
}
