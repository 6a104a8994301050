//! What stands behind each kind of vault, and where the containers come from.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What stands behind an AWS Secrets Manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AwsServer {
    /// The built-in vault.
    #[default]
    Emulated,
    /// LocalStack, in a container.
    LocalStack,
}

/// What stands behind a HashiCorp Vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HashicorpServer {
    /// The built-in vault.
    #[default]
    Emulated,
    /// Vault's dev server, in a container.
    Vault,
    /// OpenBao's dev server, in a container.
    OpenBao,
}

impl fmt::Display for AwsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Emulated => "emulated",
            Self::LocalStack => "localstack",
        })
    }
}

impl fmt::Display for HashicorpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Emulated => "emulated",
            Self::Vault => "vault",
            Self::OpenBao => "openbao",
        })
    }
}

/// A name that is no backend of this kind of vault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no backend of {vault}: {known}")]
pub struct UnknownServer {
    name: String,
    vault: &'static str,
    known: &'static str,
}

impl FromStr for AwsServer {
    type Err = UnknownServer;

    fn from_str(name: &str) -> Result<Self, UnknownServer> {
        match name {
            "emulated" => Ok(Self::Emulated),
            "localstack" => Ok(Self::LocalStack),
            _ => Err(UnknownServer {
                name: name.to_owned(),
                vault: "AWS Secrets Manager",
                known: "emulated, localstack",
            }),
        }
    }
}

impl FromStr for HashicorpServer {
    type Err = UnknownServer;

    fn from_str(name: &str) -> Result<Self, UnknownServer> {
        match name {
            "emulated" => Ok(Self::Emulated),
            "vault" => Ok(Self::Vault),
            "openbao" => Ok(Self::OpenBao),
            _ => Err(UnknownServer {
                name: name.to_owned(),
                vault: "HashiCorp Vault",
                known: "emulated, vault, openbao",
            }),
        }
    }
}

/// An image, by name and tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// `localstack/localstack`.
    pub name: String,
    /// `4.14.0`.
    pub tag: String,
}

impl ImageName {
    /// An image by name and tag.
    pub fn new(name: impl Into<String>, tag: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            tag: tag.into(),
        }
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

/// What a run's containers are started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What stands behind AWS Secrets Manager.
    pub aws: AwsServer,
    /// What stands behind HashiCorp Vault.
    pub hashicorp: HashicorpServer,
    /// The Docker network that containers are attached to (`kind`), which must exist; Docker's default bridge
    /// where `None`.
    pub network: Option<String>,
    /// LocalStack's image. 4.14.0 is the last tag that starts without an account's token.
    pub localstack_image: ImageName,
    /// Vault's image.
    pub vault_image: ImageName,
    /// OpenBao's image.
    pub openbao_image: ImageName,
    /// How long a server may take from its container's start until it is healthy.
    pub patience: Duration,
    /// How long a server may take over one request.
    pub answer_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            aws: AwsServer::default(),
            hashicorp: HashicorpServer::default(),
            network: None,
            localstack_image: ImageName::new("localstack/localstack", "4.14.0"),
            vault_image: ImageName::new("hashicorp/vault", "1.21.1"),
            openbao_image: ImageName::new("openbao/openbao", "2.4.4"),
            patience: Duration::from_secs(120),
            answer_within: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn a_backend_is_read_as_it_is_written(
        #[values(AwsServer::Emulated, AwsServer::LocalStack)] aws: AwsServer,
        #[values(
            HashicorpServer::Emulated,
            HashicorpServer::Vault,
            HashicorpServer::OpenBao
        )]
        hashicorp: HashicorpServer,
    ) {
        assert_eq!(aws.to_string().parse(), Ok(aws));
        assert_eq!(hashicorp.to_string().parse(), Ok(hashicorp));
    }

    #[test]
    fn another_vaults_backend_is_refused_with_those_that_there_are() {
        assert_eq!(
            "vault".parse::<AwsServer>().unwrap_err().to_string(),
            r#""vault" is no backend of AWS Secrets Manager: emulated, localstack"#
        );
    }
}
