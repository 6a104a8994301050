//! The lane that a command line names, and what becomes of refresh intervals there.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rotaproof_cluster::{
    AwsServer, Chart, Embedded, HashicorpServer, Kind, KindSettings, Lane, RealEso, Tell,
};
use rotaproof_releases::{NotWanted, Wanted};

use super::on_context::OnContext;
use super::release;
use super::run::duration;
use crate::error::Error;

/// What longer refresh intervals become on the machine's clock, unless the user says.
pub(crate) const ON_THE_REAL_CLOCK: Duration = Duration::from_secs(2);

/// What a kind cluster is called that is kept under no other name.
pub(crate) const REUSED: &str = "reused";

/// A name to keep clusters under.
fn kept_name(text: &str) -> Result<String, String> {
    let numbered = text.rsplit_once('-');
    match numbered.is_some_and(|(_, number)| number.parse::<usize>().is_ok()) {
        true => Err(format!(
            "`{text}` ends with a number, and --clusters calls a run's further clusters so: NAME-2, NAME-3"
        )),
        false => Ok(text.to_owned()),
    }
}

/// How many scenarios run at once on these lanes, unless the user says: one per core, or as many as they have room for where
/// that is more.
pub(crate) fn at_once(lanes: &[Arc<dyn Lane>]) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let room = lanes.iter().filter_map(|lane| lane.at_once()).sum();
    cores.max(room)
}

/// Where scenarios run.
#[derive(clap::Args, Clone)]
pub(crate) struct Where {
    /// Where the scenarios run. embedded: in this process, in virtual time; needs nothing. eso: the real External Secrets
    /// Operator as a child process, the rest as on embedded, in real time; which one is said by --eso, or here: eso:2.9.0,
    /// eso:PATH. kind: a kind cluster with that operator, installed by its chart, and pods that its node runs; needs Docker,
    /// kind and helm. context: a cluster that is there, with the operator that is there (--context, --allow-writes).
    #[arg(
        long,
        value_name = "LANE",
        default_value = "embedded",
        env = "ROTAPROOF_LANE"
    )]
    lane: Name,
    #[command(flatten)]
    operator: Operator,
}

/// The cluster of the lane kind.
#[derive(clap::Args, Clone)]
pub(crate) struct OnKind {
    /// Lane kind: the operator's Helm chart, an archive or a folder; unless given, the pinned one of its repository, in the
    /// version of --eso where that names one.
    #[arg(long, value_name = "PATH", env = "ROTAPROOF_CHART")]
    chart: Option<PathBuf>,
    /// Lane kind: the node's image; unless given, the one that kind-config pins.
    #[arg(long, value_name = "IMAGE", env = "ROTAPROOF_NODE_IMAGE")]
    node_image: Option<String>,
    /// Lane kind: a folder with archives of images, as `docker save` makes them (busybox-1.37.tar), to load where the cluster
    /// would else pull.
    #[arg(long, value_name = "DIR", env = "ROTAPROOF_IMAGE_ARCHIVES")]
    image_archive: Option<PathBuf>,
    /// Lane kind: keep the cluster under this name, and take it again in the next run; `rotaproof gc --cluster NAME` deletes it.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = REUSED, env = "ROTAPROOF_REUSE", value_parser = kept_name)]
    reuse: Option<String>,
    /// Lane kind: how many clusters the run has, and with it how many scenarios run at once.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        env = "ROTAPROOF_CLUSTERS"
    )]
    clusters: NonZeroUsize,
    /// Lane kind: what stands behind AWS Secrets Manager: localstack, in a container, as unless given, or emulated, the built-in one.
    #[arg(long, value_name = "SERVER", env = "ROTAPROOF_AWS_BACKEND")]
    aws_backend: Option<AwsServer>,
    /// Lane kind: what stands behind HashiCorp Vault: vault, as unless given, or openbao, a dev server in a container, or emulated, the built-in one.
    #[arg(long, value_name = "SERVER", env = "ROTAPROOF_VAULT_BACKEND")]
    vault_backend: Option<HashicorpServer>,
}

/// Tells on standard error what a lane is doing.
pub(super) fn tell() -> Tell {
    Arc::new(|line| {
        // Nothing can be told where standard error is closed.
        let _ = writeln!(anstream::stderr(), "{line}");
    })
}

impl OnKind {
    /// With an operator of a matrix: a version of the repository's chart, or the path of a chart.
    fn lane_of_matrix(&self, operator: &Wanted) -> Result<Arc<dyn Lane>, Error> {
        match operator {
            Wanted::Version(_) => self.lane(Some(operator)),
            Wanted::Path(chart) => Self {
                chart: Some(chart.clone()),
                ..self.clone()
            }
            .lane(None),
        }
    }

    /// Refuses servers in containers, where somebody asks for them.
    fn without_containers(&self) -> Result<(), Error> {
        let aws = self
            .aws_backend
            .is_none_or(|aws| aws == AwsServer::Emulated);
        let vault = self
            .vault_backend
            .is_none_or(|vault| vault == HashicorpServer::Emulated);
        match aws && vault {
            true => Ok(()),
            false => Err(Error::Usage(
                "the lane context has the built-in vaults: --aws-backend and --vault-backend are of the lane kind".into(),
            )),
        }
    }

    fn lane(&self, operator: Option<&Wanted>) -> Result<Arc<dyn Lane>, Error> {
        let mut settings = KindSettings::pinned().map_err(Error::Cluster)?;
        if let (Some(Wanted::Version(wanted)), Chart::Repository { version, .. }) =
            (operator, &mut settings.chart)
        {
            *version = wanted.to_string();
        }
        if let Some(chart) = &self.chart {
            settings.chart = Chart::Local(chart.clone());
        }
        if let Some(image) = &self.node_image {
            settings.node_image.clone_from(image);
        }
        settings.image_archives.clone_from(&self.image_archive);
        settings.reuse.clone_from(&self.reuse);
        settings.clusters = self.clusters;
        settings.aws = self.aws_backend.unwrap_or(settings.aws);
        settings.hashicorp = self.vault_backend.unwrap_or(settings.hashicorp);
        settings.tell = tell();
        Ok(Arc::new(Kind::new(settings)))
    }
}

/// The operator of the lanes that run a real one, and how time passes there.
#[derive(clap::Args, Clone)]
pub(crate) struct Operator {
    /// Lane eso: the operator's program as a path, or its version, which is pulled once from its image (ROTAPROOF_ESO_REGISTRY
    /// names a mirror).
    #[arg(long, value_name = "PATH|VERSION", env = "ROTAPROOF_ESO", value_parser = Wanted::parse)]
    eso: Option<Wanted>,
    /// Lane eso: the CustomResourceDefinitions of the operator, a file or a folder. Unless given: those beside the program, or
    /// of its version's release.
    #[arg(long, value_name = "PATH", env = "ROTAPROOF_ESO_CRDS")]
    crds: Option<PathBuf>,
    /// Shorten the refresh intervals of ExternalSecrets to this, where they are longer: 2s; `manifest` leaves them as
    /// written. Unless given: as written on embedded, 2s on the lanes in real time and where two
    /// lanes are compared.
    #[arg(long, value_name = "DURATION", env = "ROTAPROOF_REFRESH")]
    refresh: Option<Refresh>,
    #[command(flatten)]
    kind: OnKind,
    #[command(flatten)]
    context: OnContext,
}

/// A lane as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `embedded`
    Embedded,
    /// `eso`, `eso:2.9.0`, `eso:./external-secrets`
    Eso(Option<Wanted>),
    /// `kind`, `kind:2.9.0`
    Kind(Option<Wanted>),
    /// `context`, `context:staging`
    Context(Option<String>),
}

/// Why a text names no lane.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLane {
    #[error(
        "there is no lane `{0}`: expected embedded, eso (eso:VERSION, eso:PATH), kind (kind:VERSION) or context (context:NAME)"
    )]
    Unknown(String),
    #[error(transparent)]
    Operator(#[from] NotWanted),
}

impl FromStr for Name {
    type Err = NoLane;

    fn from_str(text: &str) -> Result<Self, NoLane> {
        match text.split_once(':') {
            None if text == "embedded" => Ok(Self::Embedded),
            None if text == "eso" => Ok(Self::Eso(None)),
            Some(("eso", operator)) => Ok(Self::Eso(Some(Wanted::parse(operator)?))),
            None if text == "kind" => Ok(Self::Kind(None)),
            Some(("kind", operator)) => match Wanted::parse(operator)? {
                Wanted::Path(_) => Err(NoLane::Unknown(text.to_owned())),
                version => Ok(Self::Kind(Some(version))),
            },
            None if text == "context" => Ok(Self::Context(None)),
            Some(("context", name)) if !name.is_empty() => Ok(Self::Context(Some(name.to_owned()))),
            _ => Err(NoLane::Unknown(text.to_owned())),
        }
    }
}

/// What becomes of refresh intervals.
#[derive(Clone, Copy)]
enum Refresh {
    Manifest,
    AtMost(Duration),
}

impl FromStr for Refresh {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "manifest" {
            return Ok(Self::Manifest);
        }
        let wrong = "expected a duration of a millisecond or more, for example 2s, or `manifest`";
        match duration(text) {
            Ok(interval) if interval >= Duration::from_millis(1) => Ok(Self::AtMost(interval)),
            _ => Err(wrong.into()),
        }
    }
}

impl Where {
    /// The lane.
    pub(crate) fn lane(&self) -> Result<Arc<dyn Lane>, Error> {
        self.operator.lane(&self.lane, self.refresh())
    }

    /// The lane once with each of these operators, in place of the one that --eso names.
    pub(crate) fn lane_with_each(&self, operators: &[Wanted]) -> Result<Vec<Arc<dyn Lane>>, Error> {
        let refusal = match &self.lane {
            Name::Embedded => {
                "--matrix-eso is for lanes with a real operator: --lane eso, or --lane kind"
            }
            Name::Context(_) => {
                "the lane context has the operator that is there: a matrix needs the lane eso or kind"
            }
            Name::Eso(Some(_)) | Name::Kind(Some(_)) => {
                "the lane names an operator, and so does --matrix-eso: give the lane alone, --lane eso or --lane kind"
            }
            Name::Eso(None) if self.operator.crds.is_some() => {
                "--crds (ROTAPROOF_ESO_CRDS) is of one version, and --matrix-eso of several: their CustomResourceDefinitions \
                 have to lie beside their programs, or come with their releases"
            }
            Name::Kind(None)
                if self.operator.kind.chart.is_some()
                    && operators
                        .iter()
                        .any(|one| matches!(one, Wanted::Version(_))) =>
            {
                "--chart (ROTAPROOF_CHART) is of one version, and --matrix-eso takes versions from the chart's repository: leave \
                 it out, or name the charts themselves by their paths in --matrix-eso"
            }
            Name::Eso(None) | Name::Kind(None) => {
                let lanes = operators.iter().map(|operator| match &self.lane {
                    Name::Kind(_) => self.operator.kind.lane_of_matrix(operator),
                    _ => {
                        let name = Name::Eso(Some(operator.clone()));
                        self.operator.lane(&name, self.refresh())
                    }
                });
                return lanes.collect();
            }
        };
        Err(Error::Usage(refusal.into()))
    }

    /// What longer refresh intervals become; `None` leaves them as written.
    pub(crate) fn refresh(&self) -> Option<Duration> {
        let unsaid = match self.lane {
            Name::Embedded => None,
            Name::Eso(_) | Name::Kind(_) | Name::Context(_) => Some(ON_THE_REAL_CLOCK),
        };
        self.operator.refresh(unsaid)
    }

    /// What an interval of a manifest becomes.
    pub(crate) fn shortened(&self, interval: Duration) -> Duration {
        self.refresh().map_or(interval, |limit| limit.min(interval))
    }
}

impl Operator {
    /// A lane by its name, where intervals become `refresh`.
    pub(crate) fn lane(
        &self,
        name: &Name,
        refresh: Option<Duration>,
    ) -> Result<Arc<dyn Lane>, Error> {
        let own = match name {
            Name::Embedded => return Ok(Arc::new(Embedded)),
            Name::Kind(own) => return self.kind.lane(own.as_ref().or(self.eso.as_ref())),
            Name::Context(named) => {
                self.kind.without_containers()?;
                return self.context.lane(named.as_deref());
            }
            Name::Eso(own) => own,
        };
        let wanted = own.as_ref().or(self.eso.as_ref()).ok_or_else(|| {
            Error::Usage(
                "the lane eso needs an operator: --eso PATH, --eso VERSION (2.9.0), or the same in ROTAPROOF_ESO".into(),
            )
        })?;
        let release = release::resolve(wanted, self.crds.as_deref())?;
        Ok(Arc::new(RealEso::new(release, refresh)))
    }

    /// What longer refresh intervals become, where `unsaid` is the lane's own.
    pub(crate) fn refresh(&self, unsaid: Option<Duration>) -> Option<Duration> {
        match self.refresh {
            None => unsaid,
            Some(Refresh::Manifest) => None,
            Some(Refresh::AtMost(interval)) => Some(interval),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("embedded", Name::Embedded)]
    #[case("eso", Name::Eso(None))]
    #[case("eso:2.9.0", Name::Eso(Some(Wanted::Version("2.9.0".parse().unwrap()))))]
    #[case("eso:./eso", Name::Eso(Some(Wanted::Path("./eso".into()))))]
    #[case("kind", Name::Kind(None))]
    #[case("context", Name::Context(None))]
    #[case("context:arn:aws:eks:eu-central-1:1:cluster/a", Name::Context(Some("arn:aws:eks:eu-central-1:1:cluster/a".into())))]
    #[case("kind:0.20.4", Name::Kind(Some(Wanted::Version("0.20.4".parse().unwrap()))))]
    fn a_lane_is_written_as_its_name_and_which_operator(#[case] text: &str, #[case] name: Name) {
        assert_eq!(text.parse::<Name>().unwrap(), name);
    }

    #[test]
    fn nobody_keeps_a_cluster_under_the_name_of_a_further_one() {
        assert!(kept_name("mine-2").unwrap_err().contains("--clusters"));
        for free in ["mine", "mine-too", "mine2", "2"] {
            assert_eq!(kept_name(free).unwrap(), free);
        }
    }

    #[rstest]
    #[case("", "there is no lane ``")]
    #[case("context:", "there is no lane `context:`")]
    #[case("kin", "there is no lane `kin`")]
    #[case("kind:./eso", "there is no lane `kind:./eso`")]
    #[case("embedded:2.9.0", "there is no lane `embedded:2.9.0`")]
    #[case("eso:latest", "`latest` is neither a version")]
    fn anything_else_is_refused_by_name(#[case] text: &str, #[case] why: &str) {
        let refused = text.parse::<Name>().unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}
