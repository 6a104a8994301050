//! `rotate`: new values become current, as the vault's users do it.

use indexmap::IndexMap;
use rotaproof_base::SecretValue;
use rotaproof_events::Event;
use rotaproof_scenario::model::Body;
use rotaproof_scenario::model::step::{Rotate, Strategy};
use rotaproof_vaults::{self as vaults, Content};

use super::writer;
use crate::stage::{Stage, Trouble};
use crate::values;

pub(super) async fn run(stage: &Stage<'_>, rotate: &Rotate) -> Result<String, Trouble> {
    let secret = rotate.secret.value.to_string();
    let mut current = String::new();
    for round in 0..rotate.times {
        if let (Some(every), true) = (rotate.every, round > 0) {
            tokio::time::sleep(every.0).await;
        }
        current = match rotate.strategy.value {
            Strategy::RollBack => roll_back(stage, rotate, &secret).await?,
            _ => write(stage, rotate, &secret).await?,
        };
        acknowledged(stage, rotate, &secret, &current);
    }
    Ok(format!("{secret} is at {current}"))
}

/// Marks t0, starts to follow the new version, and tells.
fn acknowledged(stage: &Stage<'_>, rotate: &Rotate, secret: &str, current: &str) {
    let moment = stage.moment();
    stage.mark(
        "rotate",
        rotate.name.as_ref().map(|name| name.value.as_str()),
    );
    stage
        .world
        .state()
        .follow_rotation(secret, moment.elapsed, moment.journal);
    stage.tell(Event::VaultWritten {
        secret: secret.to_owned(),
        operation: rotate.strategy.as_str().to_owned(),
        current: Some(current.to_owned()),
    });
}

async fn write(stage: &Stage<'_>, rotate: &Rotate, secret: &str) -> Result<String, Trouble> {
    let previous = current_content(stage, secret);
    let Some(body) =
        declared(stage, rotate).or_else(|| previous.as_ref().map(values::generated_like))
    else {
        return Err(Trouble::failed(format!("{secret} has never been written")));
    };
    let only: Option<Vec<String>> = rotate
        .fields
        .as_ref()
        .map(|fields| fields.iter().map(|field| field.value.clone()).collect());
    let literal: IndexMap<String, SecretValue> = rotate
        .values
        .iter()
        .map(|(name, value)| (name.value.clone(), values::single(value, &stage.entropy)))
        .collect();
    let content = values::rotated(
        &body,
        previous.as_ref(),
        only.as_deref(),
        &literal,
        &stage.entropy,
    );
    let strategy = match rotate.strategy.value {
        Strategy::Staged => vaults::Strategy::Staged,
        Strategy::CheckAndSet => vaults::Strategy::CheckAndSet,
        Strategy::Patch => vaults::Strategy::Patch,
        Strategy::PutValue | Strategy::RollBack => vaults::Strategy::Put,
    };
    let ack = writer(stage, &rotate.secret.vault)?
        .rotate(&rotate.secret.secret, &content, previous.as_ref(), strategy)
        .await
        .map_err(|error| Trouble::failed(error.to_string()))?;
    let at = stage.lab.clock.elapsed();
    Ok(stage
        .world
        .state()
        .ledger
        .written(secret, ack.version, content, at))
}

async fn roll_back(stage: &Stage<'_>, rotate: &Rotate, secret: &str) -> Result<String, Trouble> {
    let to = rotate
        .to
        .as_ref()
        .map_or("previous".to_owned(), |to| to.value.to_string());
    let target = {
        let state = stage.world.state();
        let version = state
            .ledger
            .history(secret)
            .and_then(|history| history.named(&to));
        version.map(|version| (version.vault_version.clone(), version.content.clone()))
    };
    let Some((version, content)) = target else {
        return Err(Trouble::failed(format!(
            "{secret} has no version `{to}` to roll back to"
        )));
    };
    let ack = writer(stage, &rotate.secret.vault)?
        .roll_back(&rotate.secret.secret, &version, &content)
        .await
        .map_err(|error| Trouble::failed(error.to_string()))?;
    let at = stage.lab.clock.elapsed();
    let mut state = stage.world.state();
    // AWS makes the old version current again; Vault writes its content as a new one.
    let again = state.ledger.current_again(secret, &ack.version);
    Ok(again.unwrap_or_else(|| state.ledger.written(secret, ack.version, content, at)))
}

fn current_content(stage: &Stage<'_>, secret: &str) -> Option<Content> {
    let state = stage.world.state();
    Some(state.ledger.history(secret)?.current()?.content.clone())
}

/// What the scenario declares the secret to hold.
fn declared(stage: &Stage<'_>, rotate: &Rotate) -> Option<Body> {
    let vault = stage.case.vaults.get(rotate.secret.vault.as_str())?;
    vault.secrets().get(rotate.secret.secret.as_str()).cloned()
}
