//! `rotate`: a new version of a secret, whoever wrote the one before.

use indexmap::IndexMap;
use rotaproof_runner::values;
use rotaproof_vaults::{self as vaults, Content, WriteError};

use super::board::Board;
use super::messages::{Rotate, Rotated, Strategy};
use crate::Error;

/// Makes a new version current; the shape of the secret is the scenario's, else that of what is current.
pub(super) async fn rotate(board: &Board, request: &Rotate) -> Result<Rotated, Error> {
    let writer = board.writer(&request.vault)?;
    let previous = writer.read(&request.secret).await.map_err(told)?;
    let (content, fields) = next(board, request, &previous)?;
    let strategy = match request.strategy {
        Strategy::PutValue => vaults::Strategy::Put,
        Strategy::Staged => vaults::Strategy::Staged,
        Strategy::CheckAndSet => vaults::Strategy::CheckAndSet,
        Strategy::Patch => vaults::Strategy::Patch,
    };
    let ack = writer
        .rotate(&request.secret, &content, Some(&previous), strategy)
        .await
        .map_err(told)?;
    Ok(Rotated {
        version: ack.version,
        fields,
    })
}

/// The next content, and the fields of it that are new.
fn next(
    board: &Board,
    request: &Rotate,
    previous: &Content,
) -> Result<(Content, Vec<String>), Error> {
    let known: Vec<String> = match previous {
        Content::Fields(fields) => fields.keys().cloned().collect(),
        Content::Text(_) => Vec::new(),
    };
    if let Some(unknown) = request.fields.iter().find(|field| !known.contains(field)) {
        return Err(Error::Usage(match known.is_empty() {
            true => format!(
                "{} is one text and has no field `{unknown}`",
                request.secret
            ),
            false => format!(
                "{} has no field `{unknown}`; it has {}",
                request.secret,
                known.join(", ")
            ),
        }));
    }
    let literal = match (&request.value, request.fields.as_slice()) {
        (None, _) => IndexMap::new(),
        (Some(value), [field]) => IndexMap::from([(field.clone(), value.clone())]),
        (Some(value), []) => return Ok((Content::of_body(value.clone()), known)),
        (Some(_), _) => {
            return Err(Error::Usage(
                "one value is for one field: name it with --field, or none for the whole body"
                    .into(),
            ));
        }
    };
    let declared = board
        .declared
        .get(request.vault.as_str())
        .and_then(|vault| vault.secrets().get(request.secret.as_str()).cloned());
    let body = declared.unwrap_or_else(|| values::generated_like(previous));
    let only = (!request.fields.is_empty()).then_some(request.fields.as_slice());
    let content = values::rotated(&body, Some(previous), only, &literal, &board.entropy);
    let fields = match request.fields.is_empty() {
        true => known,
        false => request.fields.clone(),
    };
    Ok((content, fields))
}

fn told(error: WriteError) -> Error {
    match error {
        WriteError::Failed { .. } => Error::Environment(error.to_string()),
        _ => Error::Usage(error.to_string()),
    }
}
