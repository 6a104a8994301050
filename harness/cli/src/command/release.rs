//! The operator's release: found or pulled, with a bar where somebody watches.

use std::io::Write;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rotaproof_releases::{Progress, Release, Settings, Wanted, resolve as find};
use tokio_util::sync::CancellationToken;

use super::interrupt::Signals;
use crate::error::Error;

/// The release that is wanted. Ctrl-C ends a download, which the next run takes up.
pub(crate) fn resolve(wanted: &Wanted, crds: Option<&Path>) -> Result<Release, Error> {
    let settings = Settings::from_env(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = Told::new();
    let tell = |progress| told.tell(&progress);
    let release = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let cancel = CancellationToken::new();
        let finding = find(wanted, crds, &settings, &tell, &cancel);
        tokio::pin!(finding);
        tokio::select! {
            biased;
            release = &mut finding => return Ok::<_, Error>(release?),
            () = signals.next() => cancel.cancel(),
        }
        Ok(finding.await?)
    });
    told.0.finish_and_clear();
    release
}

/// A bar on a terminal; a line for what is worth one.
struct Told(ProgressBar);

impl Told {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
        let style = ProgressStyle::with_template(template);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    fn tell(&self, progress: &Progress) {
        let line = match progress {
            Progress::Downloading { what, done, total } => {
                if let Some(total) = total {
                    self.0.set_length(*total);
                }
                self.0.set_message(what.clone());
                self.0.set_position(*done);
                return;
            }
            Progress::Waiting(version) => {
                format!("external-secrets {version}: another run is pulling it")
            }
            Progress::Resuming { what, reason } => {
                format!("{what}: {reason}; going on where it was")
            }
            Progress::Unpacking(version) => format!("external-secrets {version}: unpacking"),
            Progress::Damaged { path, reason } => {
                format!("{}: {reason}; fetched again", path.display())
            }
        };
        // Nothing can be told where standard error is closed.
        let tell = || writeln!(anstream::stderr(), "{line}");
        let _ = self.0.suspend(tell);
    }
}
