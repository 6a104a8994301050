//! The steps of a scenario; one file per verb that takes more than a word.

mod apply;
mod delete;
mod fault;
mod flow;
mod rotate;
mod start;
mod vault_secret;

pub use apply::Apply;
pub use delete::Delete;
pub use fault::{Fault, FaultModel, Heal, HealTarget, Status, True};
pub use flow::{ForceSync, Repeat, Restart};
pub use rotate::{Rotate, Strategy};
use schemars::JsonSchema;
use serde::Deserialize;
pub use start::Start;
pub use vault_secret::{OneVersion, Remove, Restore, Write};

use super::expect::Expectation;
use super::value::Value;
use crate::{Located, Stretch};

/// One step, and where it stands.
pub type Step = Located<Action>;

/// What a step does: exactly one verb.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "Step", rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "few exist, and none is moved often"
)]
pub enum Action {
    /// Applies a manifest.
    Apply(Apply),
    /// Deletes an object.
    Delete(Located<Delete>),
    /// Starts a pod from a manifest.
    Start(Start),
    /// Writes a new version of a secret, with new values.
    Rotate(Rotate),
    /// Writes a version with given content.
    Write(Write),
    /// Makes one version unreadable until it is enabled again.
    Disable(OneVersion),
    /// Makes a disabled version readable again.
    Enable(OneVersion),
    /// Destroys one version for good.
    Destroy(OneVersion),
    /// Removes a secret.
    Remove(Remove),
    /// Brings a removed secret back.
    Restore(Restore),
    /// Asks the operator to sync now.
    ForceSync(ForceSync),
    /// Makes a vault misbehave.
    Fault(Fault),
    /// Ends faults.
    Heal(Heal),
    /// Lets time pass.
    Advance(Located<Stretch>),
    /// Restarts a part of the system.
    Restart(Restart),
    /// Says what must hold.
    Expect(Located<Expectation>),
    /// Runs steps several times.
    Repeat(Repeat),
    /// Runs lists of steps side by side.
    Parallel(Vec<Vec<Step>>),
}

impl Action {
    /// The verbs, as a scenario writes them.
    pub const VERBS: [&'static str; 18] = [
        "apply",
        "delete",
        "start",
        "rotate",
        "write",
        "disable",
        "enable",
        "destroy",
        "remove",
        "restore",
        "force-sync",
        "fault",
        "heal",
        "advance",
        "restart",
        "expect",
        "repeat",
        "parallel",
    ];

    /// The verb.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Apply(_) => "apply",
            Self::Delete(_) => "delete",
            Self::Start(_) => "start",
            Self::Rotate(_) => "rotate",
            Self::Write(_) => "write",
            Self::Disable(_) => "disable",
            Self::Enable(_) => "enable",
            Self::Destroy(_) => "destroy",
            Self::Remove(_) => "remove",
            Self::Restore(_) => "restore",
            Self::ForceSync(_) => "force-sync",
            Self::Fault(_) => "fault",
            Self::Heal(_) => "heal",
            Self::Advance(_) => "advance",
            Self::Restart(_) => "restart",
            Self::Expect(_) => "expect",
            Self::Repeat(_) => "repeat",
            Self::Parallel(_) => "parallel",
        }
    }

    /// Whether the step's own text has a value of a secret in it.
    pub fn carries_values(&self) -> bool {
        let literal = |value: &Value| matches!(value, Value::Literal(_));
        match self {
            Self::Rotate(step) => step.values.values().any(literal),
            Self::Write(step) => {
                step.text.as_ref().is_some_and(literal)
                    || step
                        .values
                        .iter()
                        .flatten()
                        .any(|(_, value)| literal(value))
            }
            _ => false,
        }
    }

    /// The name that the step was given with `as:`. A pod's alias is one too.
    pub fn name(&self) -> Option<&Located<String>> {
        match self {
            Self::Apply(step) => step.name.as_ref(),
            Self::Start(step) => step.name.as_ref(),
            Self::Rotate(step) => step.name.as_ref(),
            Self::Write(step) => step.name.as_ref(),
            Self::Disable(step) | Self::Enable(step) | Self::Destroy(step) => step.name.as_ref(),
            Self::Remove(step) => step.name.as_ref(),
            Self::Restore(step) => step.name.as_ref(),
            Self::ForceSync(step) => step.name.as_ref(),
            Self::Fault(step) => step.name.as_ref(),
            Self::Heal(step) => step.name.as_ref(),
            Self::Repeat(step) => step.name.as_ref(),
            Self::Delete(_)
            | Self::Restart(_)
            | Self::Advance(_)
            | Self::Expect(_)
            | Self::Parallel(_) => None,
        }
    }
}
