//! `write`, `disable`, `enable`, `destroy`, `remove`, `restore`: what else one does to a secret of a vault.

use rotaproof_events::Event;
use rotaproof_scenario::SecretRef;
use rotaproof_scenario::model::Body;
use rotaproof_scenario::model::step::{OneVersion, Remove, Restore, Write};
use rotaproof_vaults::{Removal, Strategy, WriteError};

use super::writer;
use crate::stage::{Stage, Trouble};
use crate::values;

pub(super) async fn write(stage: &Stage<'_>, write: &Write) -> Result<String, Trouble> {
    let secret = write.secret.value.to_string();
    let body = match (&write.values, &write.text) {
        (Some(values), None) => Body::Fields(values.clone()),
        (None, Some(text)) => Body::Text(text.clone()),
        _ => return Err(Trouble::failed("a write takes either `values` or `text`")),
    };
    let content = values::content(&body, &stage.entropy);
    let known = {
        let state = stage.world.state();
        state
            .ledger
            .history(&secret)
            .is_some_and(|history| history.current().is_some())
    };
    let writer = writer(stage, &write.secret.vault)?;
    let ack = match known {
        true => {
            writer
                .rotate(&write.secret.secret, &content, None, Strategy::Put)
                .await
        }
        false => writer.create(&write.secret.secret, &content).await,
    };
    let ack = ack.map_err(refused)?;
    let at = stage.lab.clock.elapsed();
    let name = stage
        .world
        .state()
        .ledger
        .written(&secret, ack.version, content, at);
    if known {
        stage
            .world
            .state()
            .follow_rotation(&secret, at, stage.world.journal.len());
    }
    tell(stage, &secret, "write");
    Ok(format!("{secret} is at {name}"))
}

pub(super) async fn disable(stage: &Stage<'_>, step: &OneVersion) -> Result<String, Trouble> {
    let (name, version) = version_of(stage, step, "disable")?;
    let writer = writer(stage, &step.secret.vault)?;
    let done = writer.disable(&step.secret.secret, &version).await;
    done.map_err(refused)?;
    tell(stage, &step.secret.value.to_string(), "disable");
    Ok(format!("{name} of {} is disabled", step.secret.value))
}

pub(super) async fn enable(stage: &Stage<'_>, step: &OneVersion) -> Result<String, Trouble> {
    let (name, version) = version_of(stage, step, "enable")?;
    let writer = writer(stage, &step.secret.vault)?;
    let done = writer.enable(&step.secret.secret, &version).await;
    done.map_err(refused)?;
    tell(stage, &step.secret.value.to_string(), "enable");
    Ok(format!("{name} of {} is enabled", step.secret.value))
}

pub(super) async fn destroy(stage: &Stage<'_>, step: &OneVersion) -> Result<String, Trouble> {
    let (name, version) = version_of(stage, step, "destroy")?;
    let writer = writer(stage, &step.secret.vault)?;
    let done = writer.destroy(&step.secret.secret, &version).await;
    done.map_err(refused)?;
    tell(stage, &step.secret.value.to_string(), "destroy");
    Ok(format!("{name} of {} is destroyed", step.secret.value))
}

/// The version's name as the scenario has it, and the vault's own id of it.
fn version_of(
    stage: &Stage<'_>,
    step: &OneVersion,
    verb: &str,
) -> Result<(String, String), Trouble> {
    let secret = step.secret.value.to_string();
    let name = step.version.value.to_string();
    let state = stage.world.state();
    let version = state
        .ledger
        .history(&secret)
        .and_then(|history| history.named(&name));
    match version {
        Some(version) => Ok((name, version.vault_version.clone())),
        None => Err(Trouble::failed(format!(
            "{secret} has no version `{name}` to {verb}"
        ))),
    }
}

pub(super) async fn remove(stage: &Stage<'_>, remove: &Remove) -> Result<String, Trouble> {
    let SecretRef { vault, secret } = &remove.secret.value;
    let removal = match remove.forced {
        true => Removal::Forced,
        false => Removal::Recoverable,
    };
    writer(stage, vault)?
        .remove(secret, removal)
        .await
        .map_err(refused)?;
    let name = remove.secret.value.to_string();
    stage.world.state().ledger.removed(&name);
    tell(stage, &name, "remove");
    Ok(format!("{name} is gone"))
}

pub(super) async fn restore(stage: &Stage<'_>, restore: &Restore) -> Result<String, Trouble> {
    let SecretRef { vault, secret } = &restore.secret.value;
    writer(stage, vault)?
        .restore(secret)
        .await
        .map_err(refused)?;
    let name = restore.secret.value.to_string();
    stage.world.state().ledger.restored(&name);
    tell(stage, &name, "restore");
    Ok(format!("{name} is back"))
}

fn refused(error: WriteError) -> Trouble {
    Trouble::failed(error.to_string())
}

fn tell(stage: &Stage<'_>, secret: &str, operation: &str) {
    let current = {
        let state = stage.world.state();
        let current = state
            .ledger
            .history(secret)
            .and_then(|history| history.current());
        current.map(|version| version.name.clone())
    };
    stage.tell(Event::VaultWritten {
        secret: secret.to_owned(),
        operation: operation.to_owned(),
        current,
    });
}
