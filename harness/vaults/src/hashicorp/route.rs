//! From method and path to what is asked for. Pure: it knows the mounts, not their content.

use http::Method;

use super::config::{HashicorpConfig, MountKind};

/// What Vault makes of an HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    List,
    /// POST and PUT alike; whether it creates is up to the mount.
    Update,
    Patch,
    Delete,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Kv1 {
        mount: String,
        key: String,
    },
    Kv2 {
        mount: String,
        endpoint: Kv2Endpoint,
        key: String,
    },
    KubernetesLogin {
        mount: usize,
    },
    JwtLogin {
        mount: usize,
    },
    Token(TokenEndpoint),
    System(SystemEndpoint),
    /// A mount that is there, with a path that it does not have.
    NoSuchPath,
    /// Nothing is mounted there.
    NoMount,
}

/// The endpoints of KV v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kv2Endpoint {
    Data,
    Metadata,
    Delete,
    Undelete,
    Destroy,
    Subkeys,
    Config,
    /// A KV v1 path on a KV v2 mount.
    Invalid,
    /// `data`, `metadata` and so on without a slash.
    Root,
}

/// The endpoints of token auth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenEndpoint {
    LookupSelf,
    RenewSelf,
    RevokeSelf,
    Lookup,
    Revoke,
    Create,
}

/// The endpoints of `sys/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SystemEndpoint {
    Health,
    SealStatus,
    Init,
    Leader,
    Mounts,
    CapabilitiesSelf,
    /// The CLI's preflight, with the path that it asks about.
    UiMount(String),
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) action: Action,
    /// The path that policies judge: below `/v1/`; a list ends in `/`.
    pub(super) path: String,
    pub(super) target: Target,
}

/// The action of a method; `None` where Vault has none for it.
pub(super) fn action(method: &Method, query: &str) -> Option<Action> {
    let listing = || {
        form_urlencoded::parse(query.as_bytes())
            .any(|(name, value)| name == "list" && matches!(&*value, "true" | "1" | "t" | "T"))
    };
    match method.as_str() {
        "GET" if listing() => Some(Action::List),
        "GET" | "HEAD" => Some(Action::Read),
        "LIST" => Some(Action::List),
        "POST" | "PUT" => Some(Action::Update),
        "PATCH" => Some(Action::Patch),
        "DELETE" => Some(Action::Delete),
        _ => None,
    }
}

/// Finds where `path` leads.
pub(super) fn route(config: &HashicorpConfig, action: Action, path: &str) -> Route {
    let mut path = path.to_owned();
    if action == Action::List && !path.ends_with('/') {
        path.push('/');
    }
    let target = target(config, &path);
    Route {
        action,
        path,
        target,
    }
}

fn below<'a>(path: &'a str, mount: &str) -> Option<&'a str> {
    path.strip_prefix(mount)?.strip_prefix('/')
}

fn target(config: &HashicorpConfig, path: &str) -> Target {
    if let Some(rest) = path.strip_prefix("sys/") {
        return system(rest);
    }
    if let Some(rest) = path.strip_prefix("auth/") {
        return auth(config, rest);
    }
    // The longest mount that holds the path, as Vault's router finds it.
    let mount = config
        .mounts
        .iter()
        .filter(|mount| below(path, &mount.path).is_some())
        .max_by_key(|mount| mount.path.len());
    let Some(mount) = mount else {
        return Target::NoMount;
    };
    let rest = below(path, &mount.path).unwrap_or_default();
    let name = mount.path.clone();
    match mount.kind {
        MountKind::KvV1 => Target::Kv1 {
            mount: name,
            key: rest.to_owned(),
        },
        MountKind::KvV2 => {
            let (endpoint, key) = kv2(rest);
            Target::Kv2 {
                mount: name,
                endpoint,
                key: key.to_owned(),
            }
        }
    }
}

fn kv2(rest: &str) -> (Kv2Endpoint, &str) {
    if rest == "config" {
        return (Kv2Endpoint::Config, "");
    }
    let roots = ["metadata", "data", "delete", "undelete", "destroy"];
    if roots.contains(&rest) {
        return (Kv2Endpoint::Root, "");
    }
    let Some((first, key)) = rest.split_once('/') else {
        return (Kv2Endpoint::Invalid, rest);
    };
    // Only metadata and subkeys take a folder; the others' patterns end in something but a slash.
    let secret = !key.is_empty() && !key.ends_with('/');
    match first {
        "metadata" => (Kv2Endpoint::Metadata, key),
        "subkeys" => (Kv2Endpoint::Subkeys, key),
        "data" if secret => (Kv2Endpoint::Data, key),
        "delete" if secret => (Kv2Endpoint::Delete, key),
        "undelete" if secret => (Kv2Endpoint::Undelete, key),
        "destroy" if secret => (Kv2Endpoint::Destroy, key),
        _ => (Kv2Endpoint::Invalid, rest),
    }
}

fn system(rest: &str) -> Target {
    let endpoint = match rest {
        "health" => SystemEndpoint::Health,
        "seal-status" => SystemEndpoint::SealStatus,
        "init" => SystemEndpoint::Init,
        "leader" => SystemEndpoint::Leader,
        "mounts" | "mounts/" => SystemEndpoint::Mounts,
        "capabilities-self" => SystemEndpoint::CapabilitiesSelf,
        other => match other.strip_prefix("internal/ui/mounts/") {
            Some(path) if !path.is_empty() => SystemEndpoint::UiMount(path.to_owned()),
            _ => return Target::NoSuchPath,
        },
    };
    Target::System(endpoint)
}

fn auth(config: &HashicorpConfig, rest: &str) -> Target {
    if let Some(endpoint) = rest.strip_prefix("token/") {
        return match endpoint {
            "lookup-self" => Target::Token(TokenEndpoint::LookupSelf),
            "renew-self" => Target::Token(TokenEndpoint::RenewSelf),
            "revoke-self" => Target::Token(TokenEndpoint::RevokeSelf),
            "lookup" => Target::Token(TokenEndpoint::Lookup),
            "revoke" => Target::Token(TokenEndpoint::Revoke),
            "create" => Target::Token(TokenEndpoint::Create),
            _ => Target::NoSuchPath,
        };
    }
    let kubernetes = config.kubernetes.iter().map(|auth| auth.mount.as_str());
    for (mount, name) in kubernetes.enumerate() {
        if let Some(endpoint) = below(rest, name) {
            return match endpoint {
                "login" => Target::KubernetesLogin { mount },
                _ => Target::NoSuchPath,
            };
        }
    }
    for (mount, auth) in config.jwt.iter().enumerate() {
        if let Some(endpoint) = below(rest, &auth.mount) {
            return match endpoint {
                "login" => Target::JwtLogin { mount },
                _ => Target::NoSuchPath,
            };
        }
    }
    Target::NoMount
}

impl Route {
    /// The operation's name.
    pub(super) fn operation(&self) -> &'static str {
        use Action::{Delete, List, Patch, Read, Update};
        match &self.target {
            Target::Kv1 { .. } => match self.action {
                Read => "kv-v1 read",
                List => "kv-v1 list",
                Update | Patch => "kv-v1 write",
                Delete => "kv-v1 delete",
            },
            Target::Kv2 { endpoint, .. } => match (endpoint, self.action) {
                (Kv2Endpoint::Data, Read | List) => "kv-v2 read",
                (Kv2Endpoint::Data, Update) => "kv-v2 write",
                (Kv2Endpoint::Data, Patch) => "kv-v2 patch",
                (Kv2Endpoint::Data, Delete) => "kv-v2 delete",
                (Kv2Endpoint::Metadata, Read) => "kv-v2 read metadata",
                (Kv2Endpoint::Metadata, List) => "kv-v2 list",
                (Kv2Endpoint::Metadata, Update) => "kv-v2 write metadata",
                (Kv2Endpoint::Metadata, Patch) => "kv-v2 patch metadata",
                (Kv2Endpoint::Metadata, Delete) => "kv-v2 delete metadata",
                (Kv2Endpoint::Delete, _) => "kv-v2 delete versions",
                (Kv2Endpoint::Undelete, _) => "kv-v2 undelete",
                (Kv2Endpoint::Destroy, _) => "kv-v2 destroy",
                (Kv2Endpoint::Subkeys, _) => "kv-v2 read subkeys",
                (Kv2Endpoint::Config, Update | Patch) => "kv-v2 write config",
                (Kv2Endpoint::Config, _) => "kv-v2 read config",
                (Kv2Endpoint::Invalid | Kv2Endpoint::Root, _) => "kv-v2 invalid path",
            },
            Target::KubernetesLogin { .. } => "kubernetes login",
            Target::JwtLogin { .. } => "jwt login",
            Target::Token(endpoint) => match endpoint {
                TokenEndpoint::LookupSelf => "lookup-self",
                TokenEndpoint::RenewSelf => "renew-self",
                TokenEndpoint::RevokeSelf => "revoke-self",
                TokenEndpoint::Lookup => "lookup-token",
                TokenEndpoint::Revoke => "revoke-token",
                TokenEndpoint::Create => "create-token",
            },
            Target::System(endpoint) => match endpoint {
                SystemEndpoint::Health => "sys health",
                SystemEndpoint::SealStatus => "sys seal-status",
                SystemEndpoint::Init => "sys init",
                SystemEndpoint::Leader => "sys leader",
                SystemEndpoint::Mounts => "sys mounts",
                SystemEndpoint::CapabilitiesSelf => "sys capabilities-self",
                SystemEndpoint::UiMount(_) => "sys internal/ui/mounts",
            },
            Target::NoSuchPath | Target::NoMount => UNKNOWN,
        }
    }

    /// The secret's name, where one is named.
    pub(super) fn secret(&self) -> Option<String> {
        match &self.target {
            Target::Kv1 { mount, key } | Target::Kv2 { mount, key, .. } if !key.is_empty() => {
                Some(format!("{mount}/{key}"))
            }
            _ => None,
        }
    }
}

/// The operation's name where there is none.
pub(super) const UNKNOWN: &str = "unknown";
