//! The steps of a [`Lab`]: one method per verb of the scenario format, with its meaning.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rotaproof_runner::Staleness;
use rotaproof_scenario::model::Body;
use rotaproof_scenario::model::step::{
    self, Action, Delete, ForceSync, Heal, HealTarget, OneVersion, Remove, Restart, Restore,
};
use rotaproof_scenario::{Period, ResourceRef, SecretRef, Stretch, VersionName};

use super::expect::{Expect, Subject};
use super::{Content, Failure, Fault, Lab, Manifest, Mark, Result, Rotate, Rotation};

/// Makes names of marks and faults unique.
#[derive(Default)]
pub(super) struct Names(AtomicU64);

impl Names {
    fn next(&self, what: &str) -> String {
        format!("{what} {}", self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

type Caller = &'static Location<'static>;

impl Lab {
    /// Applies every object of a manifest, server-side and in order.
    ///
    /// # Errors
    /// The manifest cannot be read, or the API refuses an object.
    #[track_caller]
    pub fn apply(&self, manifest: impl Into<Manifest>) -> Result {
        let caller = Location::caller();
        let apply = self.applied(&manifest.into(), None, caller)?;
        self.perform(Action::Apply(apply), caller)?;
        Ok(())
    }

    /// Applies a manifest that the API must refuse, with an error that contains `with`.
    ///
    /// # Errors
    /// The API accepts it, or refuses it with other words.
    #[track_caller]
    pub fn apply_refused(&self, manifest: impl Into<Manifest>, with: &str) -> Result {
        let caller = Location::caller();
        let apply = self.applied(&manifest.into(), Some(with.to_owned()), caller)?;
        self.perform(Action::Apply(apply), caller)?;
        Ok(())
    }

    fn applied(
        &self,
        manifest: &Manifest,
        refused: Option<String>,
        caller: Caller,
    ) -> Result<step::Apply> {
        Ok(step::Apply {
            manifest: self.know(manifest, caller)?.into(),
            refused,
            finding: None,
            fix: None,
            name: None,
        })
    }

    /// Starts the Pod, Job, CronJob or NotebookValidationJob of a manifest as `<name>-<alias>`, so that one manifest can
    /// be started several times. Its pod is `pod(alias)` from then on. It runs until the lab ends.
    ///
    /// # Errors
    /// The manifest has nothing to start, or the API refuses it.
    #[track_caller]
    pub fn start(&self, manifest: impl Into<Manifest>, alias: &str) -> Result {
        self.started(&manifest.into(), alias, None, Location::caller())
    }

    /// As [`Lab::start`], but the workload succeeds after `runs`.
    ///
    /// # Errors
    /// As [`Lab::start`].
    #[track_caller]
    pub fn start_for(&self, manifest: impl Into<Manifest>, alias: &str, runs: Duration) -> Result {
        self.started(&manifest.into(), alias, Some(runs), Location::caller())
    }

    fn started(
        &self,
        manifest: &Manifest,
        alias: &str,
        runs: Option<Duration>,
        caller: Caller,
    ) -> Result {
        let start = step::Start {
            manifest: self.know(manifest, caller)?.into(),
            name: Some(alias.to_owned().into()),
            runs: runs.map(Period),
        };
        self.perform(Action::Start(start), caller)?;
        Ok(())
    }

    /// Deletes an object, `Kind namespace/name`: of ESO's kinds, a Secret, Pod, Job, NotebookValidationJob,
    /// ServiceAccount or Namespace. What depends on it goes too. A pod may be named by its alias: `Pod before`.
    ///
    /// # Errors
    /// The API refuses it, or the kind is another (delete it with [`Lab::client`]).
    #[track_caller]
    pub fn delete(&self, object: &str) -> Result {
        let caller = Location::caller();
        let delete = deleted(object).map_err(|what| Failure::of_the_test(caller, what))?;
        self.perform(Action::Delete(delete.into()), caller)?;
        Ok(())
    }

    /// Deletes every object of a manifest, last first.
    ///
    /// # Errors
    /// The manifest cannot be read, or the API refuses it.
    #[track_caller]
    pub fn delete_all(&self, manifest: impl Into<Manifest>) -> Result {
        let caller = Location::caller();
        let name = self.know(&manifest.into(), caller)?;
        self.perform(Action::Delete(Delete::Manifest(name.into()).into()), caller)?;
        Ok(())
    }

    /// Rotates a secret: `lab.rotate("aws/prod/db")`, or as a [`Rotate`] says.
    ///
    /// # Errors
    /// The vault refuses it, or it was never written.
    #[track_caller]
    pub fn rotate(&self, rotate: impl Into<Rotate>) -> Result<Rotation> {
        let caller = Location::caller();
        let mark = Mark::new(self.names.next("rotation"));
        let step = rotate.into().step(&mark);
        let step = step.map_err(|what| Failure::of_the_test(caller, what))?;
        self.perform(Action::Rotate(step), caller)?;
        let index = self.with(caller, |driver, _| Ok(driver.rotations()))?;
        Ok(Rotation {
            index: index.saturating_sub(1),
            mark,
        })
    }

    /// How far a rotation has come by now, and when it was where.
    ///
    /// # Panics
    /// Inside another call of this lab.
    #[track_caller]
    pub fn staleness(&self, rotation: &Rotation) -> Result<Staleness> {
        let caller = Location::caller();
        self.with(caller, |driver, _| {
            let known = driver.staleness(rotation.index);
            known.ok_or_else(|| Failure::of_the_test(caller, "the rotation is of another lab"))
        })
    }

    /// Writes a version with exactly this content. A secret that does not exist is created.
    ///
    /// # Errors
    /// The vault refuses it.
    #[track_caller]
    pub fn write(&self, secret: &str, content: impl Into<Content>) -> Result {
        let (values, text) = match content.into().0 {
            Body::Fields(values) => (Some(values), None),
            Body::Text(text) => (None, Some(text)),
        };
        self.on_secret(secret, Location::caller(), |secret| {
            Action::Write(step::Write {
                secret: secret.into(),
                values,
                text,
                name: None,
            })
        })
    }

    /// Makes one version unreadable until it is enabled again, where the vault has that.
    ///
    /// # Errors
    /// The vault refuses it or cannot do it, or there is no such version.
    #[track_caller]
    pub fn disable(&self, secret: &str, version: VersionName) -> Result {
        self.on_version(secret, version, Action::Disable, Location::caller())
    }

    /// Makes a disabled version readable again.
    ///
    /// # Errors
    /// As [`Lab::disable`].
    #[track_caller]
    pub fn enable(&self, secret: &str, version: VersionName) -> Result {
        self.on_version(secret, version, Action::Enable, Location::caller())
    }

    /// Destroys one version for good, where the vault has that.
    ///
    /// # Errors
    /// As [`Lab::disable`].
    #[track_caller]
    pub fn destroy(&self, secret: &str, version: VersionName) -> Result {
        self.on_version(secret, version, Action::Destroy, Location::caller())
    }

    /// Removes a secret, so that [`Lab::restore`] can bring it back.
    ///
    /// # Errors
    /// The vault refuses it.
    #[track_caller]
    pub fn remove(&self, secret: &str) -> Result {
        self.removed(secret, false, Location::caller())
    }

    /// Removes a secret for good.
    ///
    /// # Errors
    /// The vault refuses it.
    #[track_caller]
    pub fn remove_for_good(&self, secret: &str) -> Result {
        self.removed(secret, true, Location::caller())
    }

    /// Brings a removed secret back.
    ///
    /// # Errors
    /// The vault refuses it.
    #[track_caller]
    pub fn restore(&self, secret: &str) -> Result {
        self.on_secret(secret, Location::caller(), |secret| {
            Action::Restore(Restore {
                secret: secret.into(),
                name: None,
            })
        })
    }

    /// Annotates an ExternalSecret, `namespace/name`, so that the operator syncs it now. The moment, for
    /// [`refreshed_since`](Expect::refreshed_since).
    ///
    /// # Errors
    /// There is no such ExternalSecret.
    #[track_caller]
    pub fn force_sync(&self, externalsecret: &str) -> Result<Mark> {
        let caller = Location::caller();
        let mark = Mark::new(self.names.next("force-sync"));
        let name: rotaproof_scenario::ObjectName = externalsecret
            .parse()
            .map_err(|what: String| Failure::of_the_test(caller, what))?;
        let step = ForceSync {
            externalsecret: name.into(),
            name: Some(mark.name().into()),
        };
        self.perform(Action::ForceSync(step), caller)?;
        Ok(mark)
    }

    /// Makes a vault misbehave towards the operator. The name under which [`Lab::heal`] ends it, and the journal has it.
    ///
    /// # Errors
    /// The fault cannot be: a status that is none.
    #[track_caller]
    pub fn fault(&self, fault: Fault) -> Result<String> {
        let name = self.names.next("fault");
        self.perform(Action::Fault(fault.step(&name)), Location::caller())?;
        Ok(name)
    }

    /// Ends one fault.
    ///
    /// # Errors
    /// It has ended before.
    #[track_caller]
    pub fn heal(&self, fault: &str) -> Result {
        self.healed(
            HealTarget::Fault(fault.to_owned().into()),
            Location::caller(),
        )
    }

    /// Ends every fault of a vault.
    ///
    /// # Errors
    /// None, while the lab runs.
    #[track_caller]
    pub fn heal_all(&self, vault: &str) -> Result {
        self.healed(
            HealTarget::Vault(vault.to_owned().into()),
            Location::caller(),
        )
    }

    /// Lets time pass: `Duration::from_hours(6)`, [`REFRESH`](crate::REFRESH)es, or up to the next of any
    /// ([`UNTIL_REFRESH`](crate::UNTIL_REFRESH)).
    ///
    /// # Errors
    /// No refresh is due, where it is asked for.
    #[track_caller]
    pub fn advance(&self, time: impl Into<Stretch>) -> Result {
        let time: Stretch = time.into();
        self.perform(Action::Advance(time.into()), Location::caller())?;
        Ok(())
    }

    /// Ends the operator and starts it anew, as a rollout of its Deployment would.
    ///
    /// # Errors
    /// The operator does not start.
    #[track_caller]
    pub fn restart_operator(&self) -> Result {
        self.perform(Action::Restart(Restart), Location::caller())?;
        Ok(())
    }

    /// This moment, for what is counted `since` it.
    #[track_caller]
    pub fn mark(&self) -> Result<Mark> {
        let mark = Mark::new(self.names.next("mark"));
        self.with(Location::caller(), |driver, runtime| {
            runtime.read(|| driver.mark(&mark.name()));
            Ok(())
        })?;
        Ok(mark)
    }

    /// Waits, in the lab's time, until the expectation holds, and no longer than it allows; or sees that it holds
    /// throughout; or looks once, where it has no budget. What was established, in one line.
    ///
    /// # Errors
    /// It does not hold: explained.
    #[track_caller]
    pub fn expect<S: Subject>(&self, expectation: Expect<S>) -> Result<String> {
        let caller = Location::caller();
        let expectation = expectation.build();
        let expectation = expectation.map_err(|what| Failure::of_the_test(caller, what))?;
        self.perform(Action::Expect(expectation.into()), caller)
    }

    fn know(&self, manifest: &Manifest, caller: Caller) -> Result<String> {
        let read = manifest.read();
        let read = read.map_err(|what| Failure::of_the_test(caller, what))?;
        let name = manifest.name();
        self.with(caller, |driver, _| {
            driver.know(&name, read);
            Ok(())
        })?;
        Ok(name)
    }

    fn on_secret(
        &self,
        secret: &str,
        caller: Caller,
        action: impl FnOnce(SecretRef) -> Action,
    ) -> Result {
        let secret = secret.parse();
        let secret = secret.map_err(|what: String| Failure::of_the_test(caller, what))?;
        self.perform(action(secret), caller)?;
        Ok(())
    }

    fn on_version(
        &self,
        secret: &str,
        version: VersionName,
        verb: fn(OneVersion) -> Action,
        caller: Caller,
    ) -> Result {
        self.on_secret(secret, caller, |secret| {
            verb(OneVersion {
                secret: secret.into(),
                version: version.into(),
                name: None,
            })
        })
    }

    fn removed(&self, secret: &str, forced: bool, caller: Caller) -> Result {
        self.on_secret(secret, caller, |secret| {
            Action::Remove(Remove {
                secret: secret.into(),
                forced,
                name: None,
            })
        })
    }

    fn healed(&self, target: HealTarget, caller: Caller) -> Result {
        self.perform(Action::Heal(Heal { target, name: None }), caller)?;
        Ok(())
    }
}

/// `ExternalSecret team/db`, `Pod before`, `Namespace team`.
fn deleted(text: &str) -> std::result::Result<Delete, String> {
    let object: ResourceRef = text.parse()?;
    let name = text.split_once(' ').map_or("", |(_, name)| name.trim());
    Ok(match object.kind.as_str() {
        "ExternalSecret" => Delete::ExternalSecret(name.parse()?),
        "SecretStore" => Delete::SecretStore(name.parse()?),
        "ClusterSecretStore" => Delete::ClusterSecretStore(object.name),
        "Secret" => Delete::Secret(name.parse()?),
        "Pod" => Delete::Pod(name.parse()?),
        "Job" => Delete::Job(name.parse()?),
        "NotebookValidationJob" => Delete::NotebookValidationJob(name.parse()?),
        "ServiceAccount" => Delete::ServiceAccount(name.parse()?),
        "Namespace" => Delete::Namespace(object.name),
        kind => {
            return Err(format!(
                "`delete` knows no {kind}: delete it with the client"
            ));
        }
    })
}
