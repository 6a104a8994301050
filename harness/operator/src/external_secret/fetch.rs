//! What the provider holds, as the keys and values of the target (ESO 2.9.0, `GetProviderSecretData`).

use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{
    DeletionPolicy, ExternalSecret, ExternalSecretData, ExternalSecretDataFrom, Find, RemoteRef,
    SecretStoreRef,
};

use super::failure::{Consequence, Failure};
use super::shape;
use crate::controller::Subject;
use crate::engine::Engine;
use crate::provider::SecretMap;
use crate::store::Clients;

/// Fetches every entry, `dataFrom` before `data`, with one set of clients that is closed at the end.
pub(super) async fn provider_data(
    engine: &Engine,
    external: &ExternalSecret,
) -> Result<SecretMap, Failure> {
    let mut fetch = Fetch {
        engine,
        external,
        namespace: external.metadata.namespace.clone().unwrap_or_default(),
        clients: Clients::new(engine, engine.options.flood_gate),
    };
    let outcome = fetch.all().await;
    fetch.clients.close().await;
    outcome
}

struct Fetch<'a> {
    engine: &'a Engine,
    external: &'a ExternalSecret,
    namespace: String,
    clients: Clients<'a>,
}

impl Fetch<'_> {
    async fn all(&mut self) -> Result<SecretMap, Failure> {
        let external = self.external;
        let retain = external.spec.target.deletion_policy == DeletionPolicy::Retain;
        let missing = |text: String| {
            self.engine.recorder.normal(
                &Subject::of(external),
                "MissingProviderSecret",
                format!("secret does not exist at provider using {text}"),
            );
        };
        let mut data = SecretMap::new();
        for (index, entry) in external.spec.data_from.iter().enumerate() {
            match Self::many(&mut self.clients, external, &self.namespace, index, entry).await {
                Ok(map) => data.extend(map),
                Err(failure) if failure.consequence == Consequence::NoSecret && !retain => {
                    missing(format!("spec.dataFrom[{index}]"));
                }
                Err(failure) => return Err(failure),
            }
        }
        for (index, entry) in external.spec.data.iter().enumerate() {
            let key = &entry.remote_ref.key;
            match Self::one(&mut self.clients, external, &self.namespace, entry).await {
                Ok(value) => {
                    data.insert(entry.secret_key.clone(), value);
                }
                Err(failure) if failure.consequence == Consequence::NoSecret && !retain => {
                    // ESO names `dataFrom` here too.
                    missing(format!("spec.dataFrom[{index}] (key={key})"));
                }
                Err(failure) => {
                    let context = format!("error processing spec.data[{index}] (key: {key}), err");
                    return Err(failure.within(&context));
                }
            }
        }
        Ok(data)
    }

    async fn one(
        clients: &mut Clients<'_>,
        external: &ExternalSecret,
        namespace: &str,
        entry: &ExternalSecretData,
    ) -> Result<SecretValue, Failure> {
        let reference = match &entry.source_ref {
            // A source without a store means a store without a name, as in ESO.
            Some(source) => source.store_ref.clone().unwrap_or_default(),
            None => default_store(external),
        };
        let client = clients.get(&reference, namespace).await?;
        let value = client.get_secret(&entry.remote_ref).await?;
        let strategy = entry.remote_ref.decoding_strategy.unwrap_or_default();
        let value = shape::decode(strategy, &value)?;
        shape::check_null_bytes(
            entry.remote_ref.null_byte_policy,
            [(&entry.secret_key, &value)],
        )?;
        Ok(value)
    }

    async fn many(
        clients: &mut Clients<'_>,
        external: &ExternalSecret,
        namespace: &str,
        index: usize,
        entry: &ExternalSecretDataFrom,
    ) -> Result<SecretMap, Failure> {
        let source = entry.source_ref.as_ref();
        let reference = source
            .and_then(|source| source.store_ref.clone())
            .unwrap_or_else(|| default_store(external));
        if let Some(find) = &entry.find {
            let context = format!("error processing spec.dataFrom[{index}].find, err");
            return Self::find(clients, &reference, namespace, entry, find)
                .await
                .map_err(|failure| failure.within(&context));
        }
        if let Some(extract) = &entry.extract {
            let context = format!("error processing spec.dataFrom[{index}].extract, err");
            return Self::extract(clients, &reference, namespace, entry, extract)
                .await
                .map_err(|failure| failure.within(&context));
        }
        if let Some(generator) = source.and_then(|source| source.generator_ref.as_ref()) {
            return Err(Failure::new(format!(
                "error processing spec.dataFrom[{index}].sourceRef.generatorRef, err: \
                 generator {} {:?}: generators are not part of the embedded operator",
                generator.kind, generator.name
            )));
        }
        Ok(SecretMap::new())
    }

    async fn find(
        clients: &mut Clients<'_>,
        reference: &SecretStoreRef,
        namespace: &str,
        entry: &ExternalSecretDataFrom,
        find: &Find,
    ) -> Result<SecretMap, Failure> {
        let client = clients.get(reference, namespace).await?;
        let map = client
            .get_all_secrets(find)
            .await
            .map_err(|error| Failure::from(error).within("error getting all secrets"))?;
        let conversion = find.conversion_strategy.unwrap_or_default();
        let decoding = find.decoding_strategy.unwrap_or_default();
        let map = shape::keys_and_values(map, &entry.rewrite, conversion, decoding)?;
        shape::check_null_bytes(find.null_byte_policy, &map)?;
        Ok(map)
    }

    async fn extract(
        clients: &mut Clients<'_>,
        reference: &SecretStoreRef,
        namespace: &str,
        entry: &ExternalSecretDataFrom,
        extract: &RemoteRef,
    ) -> Result<SecretMap, Failure> {
        let client = clients.get(reference, namespace).await?;
        let map = client.get_secret_map(extract).await?;
        let conversion = extract.conversion_strategy.unwrap_or_default();
        let decoding = extract.decoding_strategy.unwrap_or_default();
        let map = shape::keys_and_values(map, &entry.rewrite, conversion, decoding)?;
        shape::check_null_bytes(extract.null_byte_policy, &map)?;
        Ok(map)
    }
}

fn default_store(external: &ExternalSecret) -> SecretStoreRef {
    external.spec.secret_store_ref.clone().unwrap_or_default()
}
