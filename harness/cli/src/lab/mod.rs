//! A lab for tests that are written by hand: see [`Lab`].

mod builder;
pub mod expect;
mod failure;
mod fault;
mod manifest;
mod rotation;
mod runtime;
mod steps;
mod value;
pub mod vault;

use std::panic::Location;
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use rotaproof_base::Clock;
use rotaproof_gateway::Journal;
use rotaproof_runner::Driver;
use rotaproof_scenario::model::step::Action;
use rotaproof_scenario::{Budget, Stretch};

pub use builder::Builder;
pub use failure::{Failure, Result};
pub use fault::Fault;
pub use manifest::Manifest;
pub use rotation::{Mark, Rotate, Rotation};
use runtime::Runtime;
use steps::Names;
pub use value::{Content, Value};

/// One refresh: the interval of the ExternalSecret in question, or the longest of all where there is none in question.
/// `REFRESH + Duration::from_secs(10)`, `REFRESH * 2`.
pub const REFRESH: Budget = Budget {
    refreshes: 1.0,
    extra: Duration::ZERO,
};

/// Until the next refresh is due of the ExternalSecret in question, or of any where there is none in question; less a
/// second, since ESO stores `refreshTime` in whole seconds.
pub const UNTIL_REFRESH: Stretch = Stretch::UntilRefresh;

/// A lab of a test's own: a Kubernetes API, an operator with ESO's semantics, pods, and the vaults that the test
/// declares, in this process and in virtual time.
///
/// A lab starts in milliseconds, shares nothing with another, and is gone when it is dropped. Its time stands still
/// between two calls: it moves only inside [`Lab::advance`], an expectation with a budget, and [`Lab::block_on`], and
/// an hour of it passes in milliseconds.
///
/// ```
/// use std::time::Duration;
/// use rotaproof::expect::{pod, secret};
/// use rotaproof::vault::{AwsSecretsManager, IamRole};
/// use rotaproof::{Lab, Manifest, REFRESH, Value, Version};
///
/// # const SYNC: &str = include_str!("doc/sync.yaml");
/// # const POD: &str = include_str!("doc/pod.yaml");
/// # fn main() -> rotaproof::Result {
/// let lab = Lab::builder()
///     .vault("aws", AwsSecretsManager::new()
///         .role("arn:aws:iam::123456789012:role/reader", IamRole::trusting(["team/reader"]))
///         .secret("prod/db", [("password", Value::password(32))]))
///     .start()?;
/// lab.apply(Manifest::yaml(SYNC))?; // or a file: lab.apply("manifests/sync.yaml")?
/// lab.expect(secret("team/db").is(Version::Current).within(Duration::from_secs(10)))?;
///
/// let rotation = lab.rotate("aws/prod/db")?;
/// lab.expect(secret("team/db").is(Version::Current).within(REFRESH + Duration::from_secs(10)))?;
/// lab.start(Manifest::yaml(POD), "after")?;
/// lab.expect(pod("after").env("PASSWORD", Version::Current).within(Duration::from_secs(10)))?;
///
/// let staleness = lab.staleness(&rotation)?;
/// assert!(staleness.until_secret() < Some(Duration::from_hours(1)));
/// # Ok(())
/// # }
/// ```
///
/// A step that is refused and an expectation that does not hold are a [`Failure`]: it reads as the report of
/// `rotaproof run` does, and names the line of the test.
///
/// In an `async` test the same calls work, and block. What the test awaits itself ([`Lab::client`]) it awaits inside
/// [`Lab::block_on`].
pub struct Lab {
    runtime: Runtime,
    /// None once it is stopped, when the lab is dropped.
    driver: Mutex<Option<Driver>>,
    client: kube::Client,
    clock: Clock,
    journal: Journal,
    names: Names,
}

impl Lab {
    /// Declares what the lab has, and starts it.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A client of the lab's Kubernetes API. Await what it does inside [`Lab::block_on`]: the API lives in the lab's
    /// runtime.
    ///
    /// ```
    /// use rotaproof::Lab;
    /// use rotaproof::k8s_openapi::api::core::v1::Namespace;
    /// use rotaproof::kube::Api;
    ///
    /// # fn main() -> rotaproof::Result {
    /// let lab = Lab::builder().start()?;
    /// let namespaces: Api<Namespace> = Api::all(lab.client());
    /// assert!(lab.block_on(namespaces.get("default")).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// Awaits a future on the lab's runtime, in the lab's time.
    ///
    /// # Panics
    /// Inside another call of this lab: a future must not call back into its lab.
    #[track_caller]
    pub fn block_on<F>(&self, future: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        let caller = Location::caller();
        let _driver = match self.driver.try_lock() {
            Ok(driver) => driver,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => busy(caller),
        };
        self.runtime.block_on(future)
    }

    /// How long the lab has run, in its own time.
    pub fn elapsed(&self) -> Duration {
        self.runtime.read(|| self.clock.elapsed())
    }

    /// Every request that reached a vault, with what was asked, by whom, and what was answered; never a value.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Performs one step; what it established.
    fn perform(&self, action: Action, caller: &'static Location<'static>) -> Result<String> {
        self.with(caller, |driver, runtime| {
            let place = failure::place(caller);
            runtime
                .block_on(driver.perform(action, place))
                .map_err(Failure::from)
        })
    }

    /// Hands out the driver: one call at a time.
    fn with<T>(
        &self,
        caller: &'static Location<'static>,
        work: impl FnOnce(&mut Driver, &Runtime) -> Result<T>,
    ) -> Result<T> {
        let mut driver = match self.driver.try_lock() {
            Ok(driver) => driver,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => busy(caller),
        };
        match driver.as_mut() {
            Some(driver) => work(driver, &self.runtime),
            None => Err(Failure::of_the_test(caller, "the lab has ended")),
        }
    }
}

/// What would otherwise never return.
#[expect(
    clippy::panic,
    reason = "the test is wrong, as with any broken contract"
)]
fn busy(caller: &'static Location<'static>) -> ! {
    panic!(
        "{caller}: the lab is in another call: a future inside `block_on` must not call its lab, and a lab belongs to \
         one test on one thread"
    )
}

impl Drop for Lab {
    fn drop(&mut self) {
        let driver = match self.driver.get_mut() {
            Ok(driver) => driver.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        if let Some(driver) = driver {
            self.runtime.block_on(driver.stop());
        }
    }
}
