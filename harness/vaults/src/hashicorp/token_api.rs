//! The endpoints of token auth (`vault/token_store.go`).

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{Answer, Envelope};
use super::fields::Fields;
use super::policy::is_root;
use super::route::{Action, TokenEndpoint};
use super::token::{DEFAULT_TTL, Grant, Token, TokenStore};

/// One request of a bearer whose token is valid.
pub(super) struct TokenRequest<'a> {
    pub(super) action: Action,
    pub(super) endpoint: TokenEndpoint,
    pub(super) bearer: &'a Token,
    /// The bearer's own token.
    pub(super) text: &'a str,
    pub(super) fields: &'a Fields,
    pub(super) now: Timestamp,
}

/// Answers one request.
pub(super) fn answer(store: &mut TokenStore, request: &TokenRequest<'_>) -> Answer {
    use Action::{Read, Update};
    let result = match (request.endpoint, request.action) {
        (TokenEndpoint::LookupSelf, Read | Update) => {
            Ok(describe(request.bearer, request.text, request.now))
        }
        (TokenEndpoint::Lookup, Read | Update) => lookup(store, request),
        (TokenEndpoint::RenewSelf, Update) => renew(store, request),
        (TokenEndpoint::RevokeSelf, Update) => {
            store.revoke(request.text);
            Ok(Answer::no_content())
        }
        (TokenEndpoint::Revoke, Update) => revoke(store, request),
        (TokenEndpoint::Create, Update) => create(store, request),
        _ => Ok(Answer::unsupported_operation()),
    };
    result.unwrap_or_else(|refusal| refusal)
}

fn describe(token: &Token, text: &str, now: Timestamp) -> Answer {
    Answer::data(&token.describe(text, now), "token")
}

fn issued(token: &Token, text: &str, now: Timestamp, warnings: Vec<String>) -> Answer {
    Answer::ok(Envelope {
        auth: Some(token.auth(text, now)),
        warnings,
        mount_type: "token",
        ..Envelope::default()
    })
}

fn lookup(store: &TokenStore, request: &TokenRequest<'_>) -> Result<Answer, Answer> {
    let text = request.fields.text("token")?;
    // As in Vault, no token means one's own.
    let text = if text.is_empty() { request.text } else { &text };
    match store.get(text, request.now) {
        Some(token) => Ok(describe(token, text, request.now)),
        None => Err(Answer::error(StatusCode::FORBIDDEN, "bad token")),
    }
}

fn revoke(store: &mut TokenStore, request: &TokenRequest<'_>) -> Result<Answer, Answer> {
    let text = request.fields.text("token")?;
    if text.is_empty() {
        return Err(Answer::bad_request("missing token ID"));
    }
    store.revoke(&text);
    Ok(Answer::no_content())
}

fn renew(store: &mut TokenStore, request: &TokenRequest<'_>) -> Result<Answer, Answer> {
    let increment = request.fields.duration("increment")?.unwrap_or_default();
    if !request.bearer.renewable || request.bearer.expires.is_none() {
        return Err(Answer::bad_request("lease is not renewable"));
    }
    match store.renew(request.text, increment, request.now) {
        Some(token) => Ok(issued(&token, request.text, request.now, Vec::new())),
        None => Err(Answer::invalid_token()),
    }
}

fn create(store: &mut TokenStore, request: &TokenRequest<'_>) -> Result<Answer, Answer> {
    let fields = request.fields;
    let root = is_root(&request.bearer.policies);
    let mut policies = fields.texts("policies")?;
    if policies.is_empty() {
        policies.clone_from(&request.bearer.policies);
    } else if !root
        && !policies
            .iter()
            .all(|name| name == "default" || request.bearer.policies.contains(name))
    {
        return Err(Answer::bad_request(
            "child policies must be subset of parent",
        ));
    }
    let text = fields.text("id")?;
    if !text.is_empty() && !root {
        return Err(Answer::bad_request(
            "root or sudo privileges required to specify token id",
        ));
    }
    let orphan = fields.truth("no_parent")?.unwrap_or_default();
    if orphan && !root {
        return Err(Answer::bad_request(
            "root or sudo privileges required to create orphan token",
        ));
    }
    let ttl = match fields.duration("ttl")? {
        Some(ttl) if ttl != Duration::ZERO => Some(ttl.min(DEFAULT_TTL)),
        // A root token that names no TTL never ends.
        _ if is_root(&policies) => None,
        _ => Some(DEFAULT_TTL),
    };
    let name = fields.text("display_name")?;
    let display_name = match name.as_str() {
        "" => "token".to_owned(),
        name => format!("token-{name}"),
    };
    let meta = match fields.object("meta")?.flatten() {
        None => None,
        Some(members) => Some(texts(members)?),
    };
    let grant = Grant {
        identity: display_name.clone(),
        policies,
        display_name,
        path: "auth/token/create".to_owned(),
        meta,
        ttl,
        renewable: fields.truth("renewable")?.unwrap_or(true) && ttl.is_some(),
        alias: String::new(),
    };
    let parent = (!orphan).then_some(request.text);
    if text.is_empty() {
        let (text, token) = store.issue(grant, parent, request.now);
        let text = text.expose_str().unwrap_or_default();
        return Ok(issued(&token, text, request.now, Vec::new()));
    }
    if store.get(&text, request.now).is_some() {
        return Err(Answer::bad_request(
            "cannot create a token with a duplicate ID",
        ));
    }
    let token = store.insert(
        &rotaproof_base::SecretValue::new(text.as_str()),
        grant,
        parent,
        request.now,
    );
    let warning = "Supplying a custom ID for the token uses the weaker SHA1 hashing instead of the more secure \
                   SHA2-256 HMAC for token obfuscation. SHA1 hashed tokens on the wire leads to less secure lookups.";
    Ok(issued(&token, &text, request.now, vec![warning.to_owned()]))
}

fn texts(members: &serde_json::Map<String, Value>) -> Result<BTreeMap<String, String>, Answer> {
    members
        .iter()
        .map(|(name, value)| value.as_str().map(|text| (name.clone(), text.to_owned())))
        .collect::<Option<_>>()
        .ok_or_else(|| Answer::bad_request("meta must be a map of strings"))
}
