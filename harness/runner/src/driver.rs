//! A lab that a test drives step by step, with the steps and expectations of scenarios.

use std::borrow::Cow;

use rotaproof_cluster::{Lab, Lane, Vaults};
use rotaproof_events::{Failure, Location};
use rotaproof_scenario::model::Eso;
use rotaproof_scenario::model::step::Action;
use rotaproof_scenario::{
    Case, Combination, Diagnostics, Located, Manifest, Manifests, Mapping, Source, Span,
};

use crate::emit::Emitter;
use crate::play::no_lab;
use crate::stage::Stage;
use crate::staleness::Staleness;
use crate::step;

/// What lab to start, and for whom.
pub struct Plan {
    /// What the test is called; with the seed it decides what is drawn.
    pub title: String,
    /// The vaults, with the secrets that exist from the start.
    pub vaults: Vaults,
    /// What the operator must be like.
    pub eso: Eso,
    /// Reproduces what is drawn.
    pub seed: u64,
    /// The command that runs the test alone, for a failure's last line.
    pub reproduce: String,
}

/// Where in the test's own source a step stands.
pub struct Place {
    /// The source, for quoting the line. An empty text quotes nothing.
    pub source: Source,
    /// The line and the column.
    pub span: Span,
}

/// A lab under way. It lives in one runtime of its lane, and its time moves only while one of its futures is awaited.
pub struct Driver {
    stage: Stage<'static>,
    reproduce: String,
}

impl Driver {
    /// Starts a lab with its vaults and secrets, inside a runtime of `lane`.
    ///
    /// # Errors
    /// The environment failed, or a secret could not be created.
    pub async fn start(lane: &dyn Lane, plan: Plan, place: &Place) -> Result<Self, Box<Failure>> {
        let reproduce = plan.reproduce;
        let case = Case {
            title: plan.title,
            file: place.source.path().to_owned(),
            source: place.source.clone(),
            tags: Vec::new(),
            about: None,
            eso: plan.eso,
            vaults: plan.vaults,
            steps: Vec::new(),
            manifests: Manifests::default(),
            mapping: Mapping::default(),
            matrix: Combination::default(),
            warnings: Diagnostics::default(),
        };
        let nothing_quoted = |what: &str| {
            let location = Location {
                file: place.source.path().display().to_string(),
                line: place.span.line,
                column: place.span.column,
            };
            // The line may declare a secret's value.
            Box::new(no_lab(location, String::new(), what, reproduce.clone()))
        };
        let emitter = Emitter::to_nobody();
        let stage = Stage::raise(Cow::Owned(case), lane, plan.seed, None, emitter, false)
            .await
            .map_err(|error| nothing_quoted(&error.to_string()))?;
        if let Err(trouble) = stage.begin().await {
            stage.strike().await;
            return Err(nothing_quoted(&trouble.what));
        }
        Ok(Self { stage, reproduce })
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        &self.stage.lab
    }

    /// Makes a manifest known, under the name by which an `apply`, `start` or `delete` step then speaks of it.
    pub fn know(&mut self, name: &str, manifest: Manifest) {
        let case = self.stage.case.to_mut();
        case.manifests.insert(name.to_owned(), manifest);
    }

    /// Performs one step, and answers what it established.
    ///
    /// # Errors
    /// The step was refused, or the expectation does not hold: explained as in a report.
    pub async fn perform(&mut self, action: Action, place: Place) -> Result<String, Box<Failure>> {
        let Place { source, span } = place;
        let case = self.stage.case.to_mut();
        case.file = source.path().to_owned();
        case.source = source;
        let step = Located::new(action, span);
        let outcome = step::run(&self.stage, &step).await;
        outcome.map_err(|trouble| Box::new(self.stage.failure(trouble, self.reproduce.clone())))
    }

    /// How many rotations there were.
    pub fn rotations(&self) -> usize {
        self.stage.world.state().rotation_count()
    }

    /// How far a rotation has come, by its place in their order, from 0.
    pub fn staleness(&self, rotation: usize) -> Option<Staleness> {
        let journal = &self.stage.world.journal;
        self.stage.world.state().staleness_of(rotation, journal)
    }

    /// Remembers now under a name, for what later counts `since` it.
    pub fn mark(&self, name: &str) {
        self.stage.mark("", Some(name));
    }

    /// Ends the lab; nothing stays behind.
    pub async fn stop(self) {
        self.stage.strike().await;
    }
}
