//! What a lab has.

use std::panic::Location;
use std::sync::Mutex;

use rotaproof_cluster::{Embedded, Vaults};
use rotaproof_runner::{Driver, Plan};
use rotaproof_scenario::Located;
use rotaproof_scenario::model::{Eso, EsoVersion};

use super::failure::{place, reproduce, test_name};
use super::runtime::Runtime;
use super::steps::Names;
use super::vault::Vault;
use super::{Failure, Lab, Result};

/// Declares a lab; made by [`Lab::builder`].
#[derive(Default)]
#[must_use = "a lab begins with `start`"]
pub struct Builder {
    vaults: Vaults,
    /// The first thing that cannot be, told when the lab starts.
    wrong: Option<String>,
    eso: Eso,
    seed: u64,
}

impl Builder {
    /// Adds a vault under the name that steps and expectations use; one of that name is replaced.
    pub fn vault(mut self, name: &str, vault: impl Into<Vault>) -> Self {
        match vault.into().0 {
            Ok(vault) => {
                self.vaults.insert(Located::from(name.to_owned()), vault);
            }
            Err(what) => {
                self.wrong.get_or_insert(what);
            }
        }
        self
    }

    /// The versions of `external-secrets.io` that the cluster serves: both unless given, as ESO 0.16 does; v1 only from
    /// ESO 0.17 on.
    pub fn eso_serves(mut self, versions: impl IntoIterator<Item = EsoVersion>) -> Self {
        self.eso.serves = versions.into_iter().collect();
        self
    }

    /// Draws other values and other jitter; 0 unless given. The same seed in the same test draws the same.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the lab, with the vaults' secrets in place.
    ///
    /// # Errors
    /// The environment failed, or a vault refused a secret.
    #[track_caller]
    pub fn start(self) -> Result<Lab> {
        let caller = Location::caller();
        if let Some(what) = self.wrong {
            return Err(Failure::of_the_test(caller, what));
        }
        let lane = Embedded;
        let runtime =
            Runtime::new(&lane).map_err(|error| Failure::of_the_test(caller, error.to_string()))?;
        let plan = Plan {
            title: test_name().unwrap_or_else(|| "a lab".into()),
            vaults: self.vaults,
            eso: self.eso,
            seed: self.seed,
            reproduce: reproduce(),
        };
        let driver = runtime.block_on(Driver::start(&lane, plan, &place(caller)))?;
        let lab = driver.lab();
        Ok(Lab {
            client: lab.client.clone(),
            clock: lab.clock.clone(),
            journal: lab.gateway.journal(),
            driver: Mutex::new(Some(driver)),
            names: Names::default(),
            runtime,
        })
    }
}
