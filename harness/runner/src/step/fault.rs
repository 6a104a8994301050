//! `fault` and `heal`: a vault misbehaves, and stops doing so.

use std::sync::{Arc, PoisonError};

use http::StatusCode;
use rotaproof_gateway::fault::{self, FaultSpec};
use rotaproof_scenario::model::step::{Fault, FaultModel, Heal, HealTarget};

use crate::stage::{Stage, Trouble};

pub(super) fn inject(stage: &Stage<'_>, step: &Fault) -> Result<String, Trouble> {
    let (what, kind): (_, Arc<dyn fault::Fault>) = match &step.model {
        FaultModel::Latency(period) => ("latency", Arc::new(fault::Latency(period.0))),
        FaultModel::Status(status) => {
            let code = StatusCode::from_u16(status.code)
                .map_err(|_| Trouble::failed(format!("{} is no HTTP status", status.code)))?;
            let mut kind = fault::Status::new(code);
            kind.retry_after = status
                .retry_after
                .and_then(|after| u32::try_from(after.0.as_secs()).ok());
            ("status", Arc::new(kind))
        }
        FaultModel::Reset(_) => ("reset", Arc::new(fault::Reset)),
        FaultModel::Hang(_) => ("hang", Arc::new(fault::Hang)),
    };
    let name = step.name.as_ref().map_or(what, |name| name.value.as_str());
    let id = stage.lab.gateway.faults().inject(FaultSpec {
        name: name.to_owned(),
        vault: step.vault.value.clone(),
        operation: step.operation.clone(),
        first: step.first,
        share: None,
        kind,
    });
    let mut faults = stage.faults.lock().unwrap_or_else(PoisonError::into_inner);
    faults.insert(name.to_owned(), id);
    Ok(format!("`{name}` on {}", step.vault))
}

pub(super) fn heal(stage: &Stage<'_>, step: &Heal) -> Result<String, Trouble> {
    let faults = stage.lab.gateway.faults();
    match &step.target {
        HealTarget::Fault(name) => {
            let mut known = stage.faults.lock().unwrap_or_else(PoisonError::into_inner);
            match known.remove(name.value.as_str()) {
                Some(id) if faults.heal(id) => Ok(format!("healed `{name}`")),
                _ => Err(Trouble::failed(format!("no fault `{name}` is active"))),
            }
        }
        HealTarget::Vault(vault) => {
            let healed = faults.heal_vault(vault);
            Ok(format!("healed {healed} of {vault}"))
        }
    }
}
