//! Where the credentials of a store come from (ESO 2.9.0, `providers/v1/aws/auth/auth.go`).

use rotaproof_base::{Clock, SecretValue};
use rotaproof_kinds::external_secrets::{
    AwsAuthSecretRef, AwsJwtAuth, AwsProvider, SecretKeySelector, ServiceAccountSelector, StoreKind,
};

use super::super::{ProviderError, StoreContext};
use super::credentials::Credentials;
use super::failure::Failure;
use super::sts::Sts;

const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
const AUDIENCE_ANNOTATION: &str = "eks.amazonaws.com/audience";
const DEFAULT_AUDIENCE: &str = "sts.amazonaws.com";

/// The credentials of one reconcile, asked for when the first request is signed.
pub(super) struct Session {
    source: Source,
    /// What the source gave, in the SDK's credentials cache.
    cached: Option<Credentials>,
    /// Assumed one after the other, anew for every request: ESO puts no cache around these.
    roles: Vec<Hop>,
    sts: Sts,
    clock: Clock,
}

enum Source {
    Static,
    WebIdentity(Box<WebIdentity>),
    Ambient,
}

struct WebIdentity {
    store: StoreContext,
    account: ServiceAccountSelector,
    audiences: Vec<String>,
    role: String,
}

struct Hop {
    role: String,
    /// External id and session tags, as parameters of AssumeRole.
    extra: Vec<(String, String)>,
}

impl Session {
    /// Reads what the store's `auth` names; nothing is asked of AWS yet.
    pub(super) async fn open(
        store: &StoreContext,
        spec: &AwsProvider,
    ) -> Result<Self, ProviderError> {
        let auth = spec.auth.as_ref();
        let mut cached = None;
        let source = if let Some(jwt) = auth.and_then(|auth| auth.jwt.as_ref()) {
            Source::WebIdentity(Box::new(web_identity(store, jwt).await?))
        } else if let Some(keys) = auth.and_then(|auth| auth.secret_ref.as_ref()) {
            cached = Some(static_keys(store, keys).await?);
            Source::Static
        } else {
            Source::Ambient
        };
        let sts = Sts::new(
            store.egress.fresh(),
            store.clock.clone(),
            store.entropy.clone(),
            &spec.region,
        );
        Ok(Self {
            source,
            cached,
            roles: hops(store, spec),
            sts,
            clock: store.clock.clone(),
        })
    }

    /// The credentials to sign the next request with.
    pub(super) async fn retrieve(&mut self) -> Result<Credentials, Failure> {
        let mut credentials = self.base().await?;
        for hop in &self.roles {
            credentials = self.sts.assume(&hop.role, &hop.extra, &credentials).await?;
        }
        Ok(credentials)
    }

    async fn base(&mut self) -> Result<Credentials, Failure> {
        const REFRESH: &str = "failed to refresh cached credentials, ";
        let now = self.clock.now();
        if let Some(cached) = &self.cached
            && cached.expires.is_none_or(|expires| now < expires)
        {
            if cached.access_key_id.is_empty() || cached.secret_access_key.expose().is_empty() {
                return Err(Failure::local(format!(
                    "{REFRESH}static credentials are empty"
                )));
            }
            return Ok(cached.clone());
        }
        let Source::WebIdentity(identity) = &self.source else {
            return Err(Failure::local(format!(
                "{REFRESH}no EC2 IMDS role found, the store has no auth and there is no metadata service"
            )));
        };
        let token = identity.token().await.map_err(|error| {
            Failure::local(format!(
                "{REFRESH}failed to retrieve jwt from provide source, error creating service account token: {error}"
            ))
        })?;
        let fresh = self
            .sts
            .assume_with_web_identity(&identity.role, &token)
            .await
            .map_err(|failure| {
                failure.within(&format!("{REFRESH}failed to retrieve credentials, "))
            })?;
        self.cached = Some(fresh.clone());
        Ok(fresh)
    }
}

impl WebIdentity {
    async fn token(&self) -> Result<SecretValue, ProviderError> {
        self.store
            .service_account_token(&self.account, self.audiences.clone(), None)
            .await
    }
}

async fn web_identity(
    store: &StoreContext,
    jwt: &AwsJwtAuth,
) -> Result<WebIdentity, ProviderError> {
    let account = jwt
        .service_account_ref
        .clone()
        .ok_or_else(|| ProviderError::other("auth.jwt names no serviceAccountRef"))?;
    let found = store.service_account(&account).await.map_err(|error| {
        // ESO reads service accounts from its cache, which names the kind and not the resource.
        let text = error.to_string();
        match text.strip_prefix("serviceaccounts ") {
            Some(rest) => ProviderError::other(format!("ServiceAccount {rest}")),
            None => error,
        }
    })?;
    let annotations = found.metadata.annotations.unwrap_or_default();
    let annotation = |name| {
        annotations
            .get(name)
            .filter(|text: &&String| !text.is_empty())
    };
    let Some(role) = annotation(ROLE_ANNOTATION) else {
        return Err(ProviderError::other(format!(
            "an IAM role must be associated with service account {} (namespace: {})",
            account.name,
            store.namespace_of(account.namespace.as_deref())
        )));
    };
    let first = annotation(AUDIENCE_ANNOTATION).map_or(DEFAULT_AUDIENCE, String::as_str);
    let mut audiences = vec![first.to_owned()];
    audiences.extend(account.audiences.iter().cloned());
    Ok(WebIdentity {
        store: store.clone(),
        audiences,
        role: role.clone(),
        account,
    })
}

async fn static_keys(
    store: &StoreContext,
    keys: &AwsAuthSecretRef,
) -> Result<Credentials, ProviderError> {
    let read = async |selector: Option<&SecretKeySelector>, what: &str| {
        let selector = selector.cloned().unwrap_or_default();
        store.secret_key(&selector).await.map_err(|error| {
            ProviderError::other(format!("could not fetch {what} secret: {error}"))
        })
    };
    let secret = read(
        keys.secret_access_key_secret_ref.as_ref(),
        "SecretAccessKey",
    )
    .await?;
    let id = read(keys.access_key_id_secret_ref.as_ref(), "accessKeyID").await?;
    let token = match keys.session_token_secret_ref.as_ref() {
        Some(selector) => Some(read(Some(selector), "SessionToken").await?),
        None => None,
    };
    Ok(Credentials {
        access_key_id: id.expose_str().unwrap_or_default().to_owned(),
        secret_access_key: secret,
        session_token: token.filter(|token| !token.expose().is_empty()),
        expires: None,
    })
}

/// `additionalRoles`, then `role` with its external id and tags.
fn hops(store: &StoreContext, spec: &AwsProvider) -> Vec<Hop> {
    let mut hops: Vec<Hop> = spec
        .additional_roles
        .iter()
        .map(|role| Hop {
            role: role.clone(),
            extra: Vec::new(),
        })
        .collect();
    let Some(role) = spec.role.as_ref().filter(|role| !role.is_empty()) else {
        return hops;
    };
    let mut extra = Vec::new();
    if let Some(id) = spec.external_id.as_ref().filter(|id| !id.is_empty()) {
        extra.push(("ExternalId".to_owned(), id.clone()));
    }
    let tags = session_tags(store, spec);
    for (index, (key, value)) in tags.iter().enumerate() {
        let member = format!("Tags.member.{}", index + 1);
        extra.push((format!("{member}.Key"), key.clone()));
        extra.push((format!("{member}.Value"), value.clone()));
    }
    if !tags.is_empty() {
        for (index, key) in spec.transitive_tag_keys.iter().enumerate() {
            extra.push((
                format!("TransitiveTagKeys.member.{}", index + 1),
                key.clone(),
            ));
        }
    }
    hops.push(Hop {
        role: role.clone(),
        extra,
    });
    hops
}

/// `sessionTags` as they are, or what `sessionTagsPolicy` makes of the store; those in the order of their keys, since
/// Go's is random.
fn session_tags(store: &StoreContext, spec: &AwsProvider) -> Vec<(String, String)> {
    let policy = spec.session_tags_policy.as_deref().unwrap_or_default();
    if !matches!(policy, "Simple" | "Custom") {
        let tags = spec.session_tags.iter();
        return tags
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect();
    }
    let mut tags = std::collections::BTreeMap::new();
    if policy == "Custom" {
        let custom = spec.custom_session_tags.iter();
        tags.extend(
            custom
                .filter(|(key, value)| !key.is_empty() && !value.is_empty())
                .map(|(key, value)| (key.clone(), value.clone())),
        );
    }
    let kind = match store.kind {
        StoreKind::SecretStore => "SecretStore",
        StoreKind::ClusterSecretStore => "ClusterSecretStore",
    };
    tags.insert("esoNamespace".into(), store.namespace.clone());
    tags.insert("esoStoreName".into(), store.name.clone());
    tags.insert("esoStoreKind".into(), kind.into());
    tags.into_iter().collect()
}
