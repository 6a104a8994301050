//! What a vault's own tools need to act as its administrator.

use std::sync::Arc;

use rotaproof_base::SecretValue;
pub use rotaproof_gateway::Transport;

/// How people's own tools reach a vault as its administrator: each vendor's own environment variables.
///
/// The tools come through the proxy under the vault's real names, or to its direct endpoint on loopback.
#[derive(Clone, Default)]
pub struct Access {
    /// The variables, in the order in which people read them.
    pub variables: Vec<(&'static str, Variable)>,
    /// How the direct endpoint is spoken to.
    pub transport: Transport,
}

/// What a variable holds.
#[derive(Clone)]
pub enum Variable {
    /// Text that anybody may see.
    Text(String),
    /// A credential.
    Secret(SecretValue),
    /// The URL of the vault's direct endpoint, without a closing `/`: `https://127.0.0.1:40123`.
    Endpoint,
    /// The path of a file that is made for it, which only the user may read.
    File {
        /// The file's name: `gcp-key.json`.
        name: &'static str,
        /// Makes what it holds; only where the file is wanted, since a key can take long to make.
        contents: Contents,
    },
}

/// Makes what a file holds; the error says why it cannot be made.
pub type Contents = Arc<dyn Fn() -> Result<SecretValue, String> + Send + Sync>;

impl Access {
    /// Adds a variable with text that anybody may see.
    pub fn text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.with(name, Variable::Text(text.into()))
    }

    /// Adds a variable with a credential.
    pub fn secret(self, name: &'static str, value: SecretValue) -> Self {
        self.with(name, Variable::Secret(value))
    }

    /// Adds a variable with the URL of the direct endpoint.
    pub fn endpoint(self, name: &'static str) -> Self {
        self.with(name, Variable::Endpoint)
    }

    /// Adds a variable with the path of a file of these contents.
    pub fn file(
        self,
        name: &'static str,
        file: &'static str,
        contents: impl Fn() -> Result<SecretValue, String> + Send + Sync + 'static,
    ) -> Self {
        let file = Variable::File {
            name: file,
            contents: Arc::new(contents),
        };
        self.with(name, file)
    }

    fn with(mut self, name: &'static str, variable: Variable) -> Self {
        self.variables.push((name, variable));
        self
    }
}
