//! The files of an item: described, inlined or downloaded.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde_json::Value;

use super::answer::Answer;
use super::item::{File, Item};
use super::route::{Operation, Route};

/// The largest file that is inlined, in bytes (`OP_MAX_INLINE_FILE_SIZE_KB`, unless it is set).
const MAX_INLINE: usize = 100 * 1024;

/// The answer to one of the operations on files, and whether it carries their bytes.
pub(super) fn answer(
    item: &Item,
    vault: &str,
    route: &Route,
    query: &str,
) -> Result<(Answer, bool), Answer> {
    let inlines = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "inline_files" && value == "true");
    if route.operation == Operation::GetItemFiles {
        let files = item.files.iter();
        let files = files.map(|file| described(item, file, vault, inlines));
        let files = files.collect::<Result<Vec<Value>, Answer>>()?;
        return Ok((Answer::json(&Value::Array(files)), inlines));
    }
    let file = item.files.iter().find(|file| file.id == route.file);
    let file = file.ok_or_else(|| Answer::not_found("file", &route.file))?;
    match route.operation {
        Operation::DownloadFileByID => Ok((Answer::file(&file.name, file.content.expose()), true)),
        _ => Ok((
            Answer::json(&described(item, file, vault, inlines)?),
            inlines,
        )),
    }
}

fn described(item: &Item, file: &File, vault: &str, inlines: bool) -> Result<Value, Answer> {
    let bytes = file.content.expose();
    let content = match inlines {
        true if bytes.len() > MAX_INLINE => {
            return Err(Answer::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "File is too large to inline in request. Use the /v1/vaults/{vaultUUID}/items/{itemUUID}/files/{fileUUID}/content endpoint instead.",
            ));
        }
        true => Some(BASE64_STANDARD.encode(bytes)),
        false => None,
    };
    Ok(file.json(&item.path(vault), content))
}
