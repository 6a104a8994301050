//! Sends every request to both sides, one at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::binaries::Binaries;
use crate::compare::differences;
use crate::generate;
use crate::known::Known;
use crate::normal::Memory;
use crate::outcome::Outcome;
use crate::real::Real;
use crate::script::{self, Group, Step, Variables};
use crate::side::{Answer, Open, Ours};

/// What both sides may take to get where a step waits for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn compare(binaries: &Binaries, wanted: Option<&str>) -> Result<Outcome, String> {
    let real = Real::start(binaries).await?;
    let mut session = Session {
        real,
        ours: Ours::start(),
        memories: [Memory::new(), Memory::new()],
        outcome: Outcome::new(String::new(), Known::read()?),
        variables: Default::default(),
        watches: BTreeMap::new(),
    };
    session.outcome = Outcome::new(session.version().await?, Known::read()?);
    let groups = script::groups()?.into_iter().chain(generate::groups());
    for (at, group) in groups.enumerate() {
        let prepares = group.calls.iter().any(|step| step.bundle);
        if wanted.is_none_or(|wanted| prepares || group.group.contains(wanted)) {
            session.group(at, group, binaries).await?;
        }
    }
    Ok(session.outcome)
}

struct Session {
    real: Real,
    ours: Ours,
    memories: [Memory; 2],
    outcome: Outcome,
    variables: [Variables; 2],
    watches: BTreeMap<String, [Open; 2]>,
}

impl Session {
    async fn version(&self) -> Result<String, String> {
        let step = Step::get("/version");
        let answer = self
            .real
            .remote
            .open(step.request(&Variables::new()))
            .await?;
        let version: Value = serde_json::from_slice(&answer.read().await?.body).unwrap_or_default();
        let version = version["gitVersion"].as_str().unwrap_or_default();
        Ok(version.trim_start_matches('v').to_owned())
    }

    async fn group(&mut self, at: usize, group: Group, binaries: &Binaries) -> Result<(), String> {
        let namespace = format!("group-{at}");
        self.variables = Default::default();
        // A difference in what one group shows does not spread to the next.
        self.memories = [Memory::new(), Memory::new()];
        for variables in &mut self.variables {
            variables.insert("ns".to_owned(), namespace.clone());
        }
        let body = serde_json::json!({"metadata": {"name": namespace}});
        self.send(&Step::post("/api/v1/namespaces", body)).await?;
        self.outcome.begin(&group.group);
        for step in group.calls {
            if step.bundle {
                self.bundle(&binaries.definitions).await?;
            } else {
                self.step(&step)
                    .await
                    .map_err(|why| format!("{}: {why}", step.name()))?;
            }
        }
        self.watches.clear();
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        if let Some(name) = &step.watch {
            let opened = self.open(step).await?;
            self.watches.insert(name.clone(), opened);
            return Ok(());
        }
        let answers = match (&step.watched, step.events) {
            (Some(name), events) => {
                let [real, ours] = self.watches.remove(name).ok_or("no such watch")?;
                let events = events.unwrap_or(0);
                both(real.read_events(events), ours.read_events(events)).await?
            }
            (None, Some(events)) => {
                let [real, ours] = self.open(step).await?;
                both(real.read_events(events), ours.read_events(events)).await?
            }
            (None, None) => self.reached(step).await?,
        };
        self.compare(step, &answers);
        Ok(())
    }

    fn compare(&mut self, step: &Step, answers: &[Answer; 2]) {
        let events = step.events.is_some();
        for (variables, answer) in self.variables.iter_mut().zip(answers) {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            for (name, pointer) in &step.keep {
                let kept = match body.pointer(pointer) {
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => continue,
                };
                variables.insert(name.clone(), kept);
            }
        }
        let [real, ours] = &mut self.memories;
        let real = real.normal(&answers[0], events);
        let ours = ours.normal(&answers[1], events);
        self.outcome.add(&step.name(), differences(&real, &ours));
    }

    /// The answers, once both have the code that the step waits for.
    async fn reached(&self, step: &Step) -> Result<[Answer; 2], String> {
        let start = Instant::now();
        loop {
            let answers = self.send(step).await?;
            let Some(code) = step.until else {
                return Ok(answers);
            };
            let text = step.contains.as_bytes();
            let is_there = |answer: &Answer| {
                answer.code == code
                    && (text.is_empty() || answer.body.windows(text.len()).any(|it| it == text))
            };
            if answers.iter().all(is_there) {
                return Ok(answers);
            }
            if start.elapsed() > PATIENCE {
                let codes = answers.map(|answer| answer.code);
                return Err(format!("not {code} after {PATIENCE:?} but {codes:?}"));
            }
            // It is the other process' work that is waited for.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn send(&self, step: &Step) -> Result<[Answer; 2], String> {
        let [real, ours] = self.open(step).await?;
        both(real.read(), ours.read()).await
    }

    async fn open(&self, step: &Step) -> Result<[Open; 2], String> {
        let [real, ours] = &self.variables;
        Ok([
            self.real.remote.open(step.request(real)).await?,
            self.ours.open(step.request(ours)).await?,
        ])
    }

    /// Creates the definitions of a bundle, and waits until their kinds are served.
    async fn bundle(&mut self, path: &std::path::Path) -> Result<(), String> {
        const AT: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).map_err(|error| error.to_string())?;
        for document in documents {
            let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
            let text = |pointer: &str| text(pointer).unwrap_or_default().to_owned();
            let (name, group) = (text("/metadata/name"), text("/spec/group"));
            let (plural, version) = (text("/spec/names/plural"), text("/spec/versions/0/name"));
            self.step(&Step::post(AT, document)).await?;
            let mut list = Step::get(&format!("/apis/{group}/{version}/{plural}"));
            list.until = Some(200);
            self.step(&list).await?;
            let mut definition = Step::get(&format!("{AT}/{name}"));
            definition.until = Some(200);
            definition.contains = "InitialNamesAccepted".to_owned();
            self.step(&definition).await?;
        }
        Ok(())
    }
}

async fn both<T>(
    real: impl Future<Output = Result<T, String>>,
    ours: impl Future<Output = Result<T, String>>,
) -> Result<[T; 2], String> {
    let (real, ours) = tokio::join!(real, ours);
    Ok([real?, ours?])
}
