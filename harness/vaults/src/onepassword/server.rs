//! The server: who asks, whether they may, and what is answered, all decided under one lock.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use jiff::Timestamp;
use rotaproof_base::{Entropy, SecretValue};
use serde_json::{Value, json};

use super::answer::{Answer, VERSION};
use super::config::OnePasswordConfig;
use super::filter::{self, Attribute, Filter};
use super::item::{Item, ItemContent};
use super::route::{self, Operation, Route, UNKNOWN, Unrouted, is_id};
use super::state;
use super::token::Tokens;
use super::{files, input, patch, token};
use crate::contract::{Body, HostPattern, Served, ServedVersion, Vault, VaultKind, Witness};

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

const OF_VAULTS: &[(&str, Attribute)] = &[("name", Attribute::Title), ("title", Attribute::Title)];
const OF_ITEMS: &[(&str, Attribute)] = &[("title", Attribute::Title), ("tag", Attribute::Tag)];

/// A Connect server in memory.
pub struct OnePasswordConnect {
    config: OnePasswordConfig,
    administrator: SecretValue,
    tokens: Tokens,
    /// Who the server is to 1Password: `lastEditedBy` of all that is written through it.
    editor: String,
    ids: Entropy,
    state: Mutex<Vec<state::Vault>>,
}

/// A request, read.
struct Asked<'a> {
    route: &'a Route,
    query: &'a str,
    body: &'a [u8],
}

/// What was decided about one request.
struct Decision {
    answer: Answer,
    identity: Option<String>,
    secret: Option<String>,
}

impl OnePasswordConnect {
    /// A server with the vaults and tokens of `config`.
    pub fn new(config: OnePasswordConfig) -> Self {
        let now = config.clock.now();
        let administrator = token::draw(&config.entropy.fork("administrator"));
        let ids = config.entropy.fork("ids");
        let vaults = config.vaults.iter();
        let vaults = vaults
            .map(|vault| state::Vault::new(vault, &ids, now))
            .collect();
        Self {
            tokens: Tokens::new(&config.tokens, &administrator, now),
            editor: input::draw_id(&ids).to_ascii_uppercase(),
            administrator,
            ids,
            state: Mutex::new(vaults),
            config,
        }
    }

    /// A token that may do everything, for the harness's writer.
    pub fn administrator(&self) -> SecretValue {
        self.administrator.clone()
    }

    fn decide(
        &self,
        vaults: &mut [state::Vault],
        asked: &Asked<'_>,
        header: Option<&str>,
    ) -> Decision {
        let route = asked.route;
        let secret = name(vaults, route, asked.query, asked.body);
        let now = self.config.clock.now();
        let anonymous = |answer| Decision {
            answer,
            identity: None,
            secret: secret.clone(),
        };
        match route.operation {
            Operation::GetHeartbeat => return anonymous(Answer::text(".")),
            Operation::GetServerHealth => return anonymous(health()),
            _ => {}
        }
        let bearer = match self.tokens.verify(header, now) {
            Ok(bearer) => bearer,
            Err(why) => return anonymous(Answer::unauthenticated(why)),
        };
        let answer = if route.operation == Operation::GetVaults {
            let readable =
                |vault: &&state::Vault| bearer.access(&vault.name).is_some_and(|a| a.read);
            list_vaults(vaults.iter().filter(readable), asked.query)
        } else {
            match self.reach(vaults, bearer, route) {
                Ok(vault) => self.execute(vault, asked, now),
                Err(refusal) => refusal,
            }
        };
        Decision {
            answer,
            identity: Some(bearer.name.clone()),
            secret,
        }
    }

    /// The vault of a request, where its ids are well formed and the bearer may do this there.
    fn reach<'a>(
        &self,
        vaults: &'a mut [state::Vault],
        bearer: &token::Bearer,
        route: &Route,
    ) -> Result<&'a mut state::Vault, Answer> {
        if !is_id(&route.vault) {
            return Err(Answer::bad_request("Invalid Vault UUID"));
        }
        if !route.item.is_empty() && !is_id(&route.item) {
            return Err(Answer::bad_request("Invalid Item UUID"));
        }
        if !route.file.is_empty() && !is_id(&route.file) {
            return Err(Answer::bad_request("Invalid File UUID"));
        }
        let Some(vault) = vaults.iter_mut().find(|vault| vault.id == route.vault) else {
            // Only who has everything in scope may learn that it does not exist.
            return Err(match bearer.access("") {
                Some(_) => Answer::not_found("vault", &route.vault),
                None => Answer::out_of_scope(""),
            });
        };
        let access = bearer
            .access(&vault.name)
            .ok_or_else(|| Answer::out_of_scope(""))?;
        let patches = route.operation == Operation::PatchVaultItem;
        if !access.write && !route.operation.reads() {
            return Err(Answer::out_of_scope("write "));
        }
        // A patch answers with the whole item.
        if !access.read && (route.operation.reads() || patches) {
            return Err(Answer::out_of_scope("read "));
        }
        Ok(vault)
    }

    fn execute(&self, vault: &mut state::Vault, asked: &Asked<'_>, now: Timestamp) -> Answer {
        let route = asked.route;
        match route.operation {
            Operation::GetVaultById => return Answer::json(&vault.json()),
            Operation::GetVaultItems => return self.list_items(vault, asked.query),
            Operation::CreateVaultItem => return self.create(vault, asked.body, now),
            _ => {}
        }
        let Some(item) = vault.item(&route.item) else {
            return Answer::not_found("item", &route.item);
        };
        let content = match route.operation {
            Operation::GetVaultItemById => return self.whole(vault, item, true),
            Operation::GetItemFiles
            | Operation::GetDetailsOfFileById
            | Operation::DownloadFileByID => {
                let answer = files::answer(item, &vault.id, route, asked.query);
                return match answer {
                    Ok((answer, true)) => answer.serving(self.served(vault, item)),
                    Ok((answer, false)) | Err(answer) => answer,
                };
            }
            Operation::DeleteVaultItem => {
                vault.remove(&route.item, now);
                return Answer::no_content();
            }
            Operation::PatchVaultItem => match self.patched(vault, item, asked.body) {
                Ok(Some(content)) => Ok(content),
                Ok(None) => return self.whole(vault, item, true),
                Err(message) => Err(message),
            },
            _ => parsed(asked.body).and_then(|body| {
                let before = item.content.category.as_str();
                input::read(body, &vault.id, Some(before), &self.ids)
            }),
        };
        match content {
            Ok(content) => {
                vault.replace(&route.item, content, now);
                match vault.item(&route.item) {
                    Some(item) => self.whole(vault, item, false),
                    None => Answer::not_found("item", &route.item),
                }
            }
            Err(message) => Answer::bad_request(message),
        }
    }

    fn create(&self, vault: &mut state::Vault, body: &[u8], now: Timestamp) -> Answer {
        let content = parsed(body).and_then(|body| input::read(body, &vault.id, None, &self.ids));
        match content {
            Ok(content) => {
                let id = vault.insert(input::draw_id(&self.ids), content, now);
                match vault.item(&id) {
                    Some(item) => self.whole(vault, item, false),
                    None => Answer::not_found("item", &id),
                }
            }
            Err(message) => Answer::bad_request(message),
        }
    }

    /// What an item becomes by a patch; nothing where the patch has no operation.
    fn patched(
        &self,
        vault: &state::Vault,
        item: &Item,
        body: &[u8],
    ) -> Result<Option<ItemContent>, String> {
        let mut document = item.full(&vault.id, &self.editor);
        if patch::apply(&mut document, body)? == 0 {
            return Ok(None);
        }
        if let Value::Object(members) = &mut document {
            members
                .entry("vault")
                .or_insert_with(|| json!({ "id": vault.id }));
            let category = json!(item.content.category);
            members.entry("category").or_insert(category);
        }
        let before = item.content.category.as_str();
        input::read(document, &vault.id, Some(before), &self.ids).map(Some)
    }

    fn list_items(&self, vault: &state::Vault, query: &str) -> Answer {
        match filter::of_query(query, OF_ITEMS) {
            Ok(filter) => {
                let items = vault.items(filter.as_ref());
                let items = items.map(|item| Value::Object(item.summary(&vault.id, &self.editor)));
                Answer::json(&Value::Array(items.collect()))
            }
            Err(message) => Answer::bad_request(message),
        }
    }

    /// 200 with an item; `served` where the answer is a read, and no echo of a write.
    fn whole(&self, vault: &state::Vault, item: &Item, served: bool) -> Answer {
        let answer = Answer::json(&item.full(&vault.id, &self.editor));
        match served {
            true => answer.serving(self.served(vault, item)),
            false => answer,
        }
    }

    fn served(&self, vault: &state::Vault, item: &Item) -> ServedVersion {
        ServedVersion {
            secret: format!("{}/{}", vault.name, item.content.title),
            version: item.version.to_string(),
            value: item.fingerprint(&self.config.fingerprinter),
        }
    }
}

/// The secret that a request names: by an item's id, by a title in a filter, or as the title of a new item.
fn name(vaults: &[state::Vault], route: &Route, query: &str, body: &[u8]) -> Option<String> {
    let vault = vaults.iter().find(|vault| vault.id == route.vault)?;
    let title = match route.operation {
        Operation::GetVaultItems => match filter::of_query(query, OF_ITEMS) {
            Ok(Some(Filter {
                attribute: Attribute::Title,
                value,
            })) => value,
            _ => return None,
        },
        Operation::CreateVaultItem => parsed(body).ok()?.get("title")?.as_str()?.to_owned(),
        _ => vault.item(&route.item)?.content.title.clone(),
    };
    Some(format!("{}/{title}", vault.name))
}

fn parsed(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|_| "Invalid item: the body is not JSON".to_owned())
}

fn list_vaults<'a>(vaults: impl Iterator<Item = &'a state::Vault>, query: &str) -> Answer {
    match filter::of_query(query, OF_VAULTS) {
        Ok(filter) => {
            let vaults = vaults.filter(|vault| vault.matches(filter.as_ref()));
            Answer::json(&vaults.map(state::Vault::json).collect())
        }
        Err(message) => Answer::bad_request(message),
    }
}

fn health() -> Answer {
    Answer::json(&json!({
        "name": "1Password Connect API",
        "version": VERSION,
        "dependencies": [
            {"service": "sync", "status": "ACTIVE"},
            {"service": "sqlite", "status": "ACTIVE", "message": "Connected to database"},
        ],
    }))
}

#[async_trait]
impl Vault for OnePasswordConnect {
    fn kind(&self) -> VaultKind {
        VaultKind::OnePasswordConnect
    }

    fn hosts(&self) -> Vec<HostPattern> {
        vec![HostPattern::new(&self.config.address)]
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        match route::route(request.method(), request.uri().path()) {
            Ok(route) => {
                let query = request.uri().query().unwrap_or_default();
                let vaults = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                let secret = name(&vaults, &route, query, request.body());
                (route.operation.name().to_owned(), secret)
            }
            Err(_) => (UNKNOWN.to_owned(), None),
        }
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let header = request.headers().get(header::AUTHORIZATION);
        let header = header.and_then(|value| value.to_str().ok());
        let routed = route::route(request.method(), request.uri().path());
        let refused = |answer| Decision {
            answer,
            identity: None,
            secret: None,
        };
        let mut vaults = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let decision = match &routed {
            Err(Unrouted::Path) => refused(Answer::no_route()),
            Err(Unrouted::Method) => refused(Answer::no_method()),
            Ok(_) if request.body().len() > MAX_BODY => refused(Answer::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Request body too large",
            )),
            Ok(route) => {
                let asked = Asked {
                    route,
                    query: request.uri().query().unwrap_or_default(),
                    body: request.body(),
                };
                self.decide(&mut vaults, &asked, header)
            }
        };
        let operation = routed.map_or(UNKNOWN, |route| route.operation.name());
        witness.record(Served {
            operation: operation.to_owned(),
            identity: decision.identity,
            secret: decision.secret,
            versions: decision.answer.versions.clone(),
            refusal: decision.answer.refusal.clone(),
        });
        drop(vaults);
        decision.answer.into_response()
    }
}
