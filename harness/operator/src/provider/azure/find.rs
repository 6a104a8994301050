//! `dataFrom.find`: by name, by tags, or both (`getAllSecretsWithLegacySDK`, `getAllSecretsWithNewSDK`).

use regex::Regex;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::Find;

use super::super::{ProviderError, SecretMap};
use super::client::Api;
use super::wire::Item;

/// Lists, and reads what matches and is enabled; a page is asked for once the one before it is read.
pub(super) async fn all(api: &mut Api, find: &Find) -> Result<SecretMap, ProviderError> {
    let pattern = find.name.as_ref().and_then(|name| name.regexp.as_deref());
    let pattern = pattern.filter(|text| !text.is_empty());
    // A pattern that cannot be used matches nothing.
    let name = pattern.map(|text| Regex::new(text).ok());
    let mut found = SecretMap::new();
    let mut link = None;
    loop {
        let page = api.page(link).await?;
        for item in &page.value {
            let Some(secret) = matching(item, find, &name) else {
                continue;
            };
            let bundle = api.get(secret, "").await?;
            let value = SecretValue::new(bundle.value.unwrap_or_default());
            found.insert(secret.to_owned(), value);
        }
        link = page.next_link.filter(|link| !link.is_empty());
        if link.is_none() {
            return Ok(found);
        }
    }
}

fn matching<'a>(item: &'a Item, find: &Find, name: &Option<Option<Regex>>) -> Option<&'a str> {
    if item.attributes.enabled != Some(true) {
        return None;
    }
    let tagged = find.tags.iter().flatten();
    let mut tagged = tagged.map(|(tag, value)| item.tags.get(tag) == Some(value));
    if !tagged.all(|holds| holds) {
        return None;
    }
    let secret = item.id.as_deref()?.rsplit('/').next()?;
    let named = match name {
        None => true,
        Some(None) => false,
        Some(Some(pattern)) => pattern.is_match(secret),
    };
    named.then_some(secret)
}
