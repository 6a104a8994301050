//! Reading an item that is created or replaced: what must be there, and what Connect fills in.

use std::collections::BTreeSet;

use rotaproof_base::{Entropy, SecretValue};
use serde::Deserialize;
use serde_json::Value;

use super::item::{Field, ItemContent, Section, Url};

/// The alphabet of ids.
const ID: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The categories that can be written; `CUSTOM` and `DOCUMENT` cannot.
const CATEGORIES: [&str; 20] = [
    "LOGIN",
    "PASSWORD",
    "API_CREDENTIAL",
    "SERVER",
    "DATABASE",
    "CREDIT_CARD",
    "MEMBERSHIP",
    "PASSPORT",
    "SOFTWARE_LICENSE",
    "OUTDOOR_LICENSE",
    "SECURE_NOTE",
    "WIRELESS_ROUTER",
    "BANK_ACCOUNT",
    "DRIVER_LICENSE",
    "IDENTITY",
    "REWARD_PROGRAM",
    "EMAIL_ACCOUNT",
    "SOCIAL_SECURITY_NUMBER",
    "MEDICAL_RECORD",
    "SSH_KEY",
];

const TYPES: [&str; 13] = [
    "STRING",
    "EMAIL",
    "CONCEALED",
    "URL",
    "OTP",
    "DATE",
    "MONTH_YEAR",
    "MENU",
    "SSHKEY",
    "PHONE",
    "ADDRESS",
    "REFERENCE",
    "UNKNOWN",
];

/// The id and label of the field that has a purpose.
const PURPOSES: [(&str, &str); 3] = [
    ("USERNAME", "username"),
    ("PASSWORD", "password"),
    ("NOTES", "notesPlain"),
];

#[derive(Deserialize)]
struct Input {
    title: Option<String>,
    category: Option<String>,
    vault: Option<VaultInput>,
    urls: Option<Vec<Url>>,
    favorite: Option<bool>,
    tags: Option<Vec<String>>,
    sections: Option<Vec<Section>>,
    fields: Option<Vec<FieldInput>>,
}

#[derive(Deserialize)]
struct VaultInput {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
struct FieldInput {
    id: Option<String>,
    section: Option<Section>,
    #[serde(rename = "type")]
    kind: Option<String>,
    purpose: Option<String>,
    label: Option<String>,
    value: Option<String>,
    generate: Option<bool>,
    recipe: Option<Recipe>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipe {
    length: Option<usize>,
    character_sets: Option<Vec<String>>,
    exclude_characters: Option<String>,
}

/// A new id.
pub(super) fn draw_id(entropy: &Entropy) -> String {
    entropy.text(ID, 26)
}

/// What `input` says of an item of this vault; `before` is the category of the item that it replaces.
/// An error is Connect's message, and never has a value in it.
pub(super) fn read(
    input: Value,
    vault: &str,
    before: Option<&str>,
    entropy: &Entropy,
) -> Result<ItemContent, String> {
    // serde's own words could repeat a value.
    let input: Input = serde_json::from_value(input)
        .map_err(|_| "Invalid item: a member is missing or has the wrong type".to_owned())?;
    match input.vault {
        None => return Err("The item doesn't have a vault field.".to_owned()),
        Some(given) if given.id != vault => {
            return Err("The item's vault is not the vault of the request.".to_owned());
        }
        Some(_) => {}
    }
    let category = input.category.unwrap_or_default().to_ascii_uppercase();
    if category == "DOCUMENT" && before != Some("DOCUMENT") {
        return Err("Items of category DOCUMENT cannot be created with Connect".to_owned());
    }
    if category != "DOCUMENT" && !CATEGORIES.contains(&category.as_str()) {
        return Err("Invalid item category".to_owned());
    }
    let mut sections = input.sections.unwrap_or_default();
    for section in &mut sections {
        if section.id.is_empty() {
            section.id = draw_id(entropy);
        }
    }
    let mut fields = Vec::new();
    let mut ids = BTreeSet::new();
    for given in input.fields.unwrap_or_default() {
        let field = field(given, &sections, entropy)?;
        if !ids.insert(field.id.clone()) {
            return Err("Invalid item: two fields have the same id".to_owned());
        }
        fields.push(field);
    }
    if !fields.iter().any(|field| field.purpose == "NOTES") && !ids.contains("notesPlain") {
        fields.push(Field::notes());
    }
    Ok(ItemContent {
        title: input.title.unwrap_or_default(),
        category,
        urls: input.urls.unwrap_or_default(),
        favorite: input.favorite.unwrap_or_default(),
        tags: input.tags.unwrap_or_default(),
        sections,
        fields,
    })
}

fn field(given: FieldInput, sections: &[Section], entropy: &Entropy) -> Result<Field, String> {
    let kind = given.kind.unwrap_or_default().to_ascii_uppercase();
    let kind = if kind.is_empty() {
        "STRING".to_owned()
    } else {
        kind
    };
    if !TYPES.contains(&kind.as_str()) {
        return Err("Invalid field type".to_owned());
    }
    let purpose = given.purpose.unwrap_or_default().to_ascii_uppercase();
    let name = PURPOSES.iter().find(|(known, _)| *known == purpose);
    if name.is_none() && !purpose.is_empty() {
        return Err("Invalid field purpose".to_owned());
    }
    let name = name.map(|(_, name)| (*name).to_owned());
    let section = given.section.map(|section| section.id);
    let section = section.filter(|id| !id.is_empty());
    if let Some(id) = &section
        && !sections.iter().any(|known| known.id == *id)
    {
        return Err("Invalid field: the item doesn't have its section".to_owned());
    }
    let given_text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let value = given_text(given.value).map(SecretValue::new);
    let value = match value {
        None if given.generate == Some(true) => {
            Some(generate(given.recipe.unwrap_or_default(), entropy)?)
        }
        value => value,
    };
    Ok(Field {
        id: given_text(given.id)
            .or_else(|| name.clone())
            .unwrap_or_else(|| draw_id(entropy)),
        section,
        kind,
        purpose,
        label: given_text(given.label).or(name).unwrap_or_default(),
        value,
    })
}

/// A value by its recipe: 32 characters of all sets unless it says otherwise.
fn generate(recipe: Recipe, entropy: &Entropy) -> Result<SecretValue, String> {
    let length = recipe.length.unwrap_or(32);
    if !(1..=64).contains(&length) {
        return Err("Invalid recipe: the length must be between 1 and 64".to_owned());
    }
    let sets = recipe.character_sets.filter(|sets| !sets.is_empty());
    let sets = sets.unwrap_or_else(|| ["LETTERS", "DIGITS", "SYMBOLS"].map(str::to_owned).to_vec());
    let mut alphabet = Vec::new();
    for set in sets {
        alphabet.extend_from_slice(match set.to_ascii_uppercase().as_str() {
            "LETTERS" => b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "DIGITS" => b"0123456789",
            "SYMBOLS" => b"!@.-_*",
            _ => return Err("Invalid recipe: unknown character set".to_owned()),
        });
    }
    let excluded = recipe.exclude_characters.unwrap_or_default();
    alphabet.retain(|byte| !excluded.as_bytes().contains(byte));
    if alphabet.is_empty() {
        return Err("Invalid recipe: no character is left".to_owned());
    }
    Ok(SecretValue::new(entropy.text(&alphabet, length)))
}
