//! `fault` and `heal`: a vault misbehaves, and stops doing so.

use std::sync::Arc;

use http::StatusCode;
use rotaproof_gateway::FaultSpec;
use rotaproof_gateway::fault::{self, Hang, Latency, Reset};

use super::board::Board;
use super::messages::{Fault, FaultModel, Heal, Healed, Injected};
use crate::Error;

pub(super) fn inject(board: &Board, request: Fault) -> Result<Injected, Error> {
    board.check_vault(&request.vault)?;
    let (model, kind): (_, Arc<dyn fault::Fault>) = match request.model {
        FaultModel::Latency(period) => ("latency", Arc::new(Latency(period))),
        FaultModel::Status { code, retry_after } => {
            let status = StatusCode::from_u16(code).ok();
            let status =
                status.filter(|status| status.is_client_error() || status.is_server_error());
            let status = status.ok_or_else(|| {
                Error::Usage(format!("a fault's status is 400 to 599, not {code}"))
            })?;
            let mut kind = fault::Status::new(status);
            kind.retry_after = retry_after;
            ("status", Arc::new(kind))
        }
        FaultModel::Reset => ("reset", Arc::new(Reset)),
        FaultModel::Hang => ("hang", Arc::new(Hang)),
    };
    let name = request.name.unwrap_or_else(|| model.to_owned());
    board.gateway.faults().inject(FaultSpec {
        name: name.clone(),
        vault: request.vault,
        operation: request.operation,
        first: request.first,
        share: None,
        kind,
    });
    Ok(Injected { name })
}

pub(super) fn heal(board: &Board, request: &Heal) -> Result<Healed, Error> {
    if let Some(vault) = &request.vault {
        board.check_vault(vault)?;
    }
    let faults = board.gateway.faults();
    let meant = |asked: &Option<String>, has: &str| asked.as_deref().is_none_or(|it| it == has);
    let ended = faults.active().into_iter().filter(|fault| {
        meant(&request.vault, &fault.spec.vault)
            && meant(&request.fault, &fault.spec.name)
            && faults.heal(fault.id)
    });
    let count = ended.count();
    match &request.fault {
        Some(fault) if count == 0 => Err(Error::Usage(format!(
            "no fault `{fault}` is active; `rotaproof status` lists those that are"
        ))),
        _ => Ok(Healed { count }),
    }
}
