//! `force-sync`: the annotation that ESO documents.

use rotaproof_scenario::model::step::ForceSync;
use serde_json::json;

use super::delete::named;
use crate::stage::{Stage, Trouble};
use crate::world::Kind;

pub(super) async fn run(stage: &Stage<'_>, force: &ForceSync) -> Result<String, Trouble> {
    let name = &force.externalsecret.value;
    let kind = Kind::ExternalSecret;
    let object = named(&kind.resource().api_version, kind.name(), name);
    // As people do it: `kubectl annotate es X force-sync=$(date +%s) --overwrite`; finer, so that two are two.
    let stamp = stage.lab.clock.now().as_millisecond().to_string();
    let patch = json!({"metadata": {"annotations": {"force-sync": stamp}}});
    let patched = stage.kinds.merge(&stage.lab.client, &object, &patch).await;
    patched.map_err(|error| {
        let mut trouble = Trouble::failed(format!("ExternalSecret {name} could not be annotated"));
        trouble.actual = Some(error.to_string());
        trouble
    })?;
    Ok(format!("annotated {name}"))
}
