//! 1Password Connect: vaults, access tokens, documents, the administrator's writer.

use std::sync::Arc;

use rotaproof_base::Entropy;
use rotaproof_scenario::model::Value;
use rotaproof_scenario::model::vault as declared;
use rotaproof_vaults::onepassword;

use super::{Setting, Started, attach};
use crate::parts::credentials::Delivery;
use crate::{Access, Error, Transport};

pub(super) fn start(
    name: &str,
    declared: &declared::OnePasswordConnect,
    setting: &Setting<'_>,
    entropy: &Entropy,
    deliveries: &mut Vec<Delivery>,
) -> Result<Started, Error> {
    let mut tokens = Vec::new();
    for (bearer, token) in &declared.tokens {
        let value = onepassword::draw_token(&entropy.fork(bearer));
        deliveries.push(Delivery {
            namespace: token.secret.namespace.clone(),
            name: token.secret.name.clone(),
            data: vec![(token.key.clone(), value.clone())],
        });
        tokens.push(onepassword::ConnectToken {
            name: bearer.value.clone(),
            token: value,
            vaults: token
                .vaults
                .iter()
                .map(|(vault, granted)| (vault.value.clone(), access(granted)))
                .collect(),
            ttl: token.ttl.map(|ttl| ttl.0),
        });
    }
    let vaults = declared
        .vaults
        .iter()
        .map(|vault| onepassword::ConnectVault {
            name: vault.value.clone(),
            documents: documents(declared, vault),
        });
    let address = declared.address.value.as_str();
    let host = address.split_once("://").map_or(address, |(_, host)| host);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    let server = onepassword::OnePasswordConnect::new(onepassword::OnePasswordConfig {
        address: host.to_owned(),
        clock: setting.clock.clone(),
        entropy: entropy.clone(),
        fingerprinter: setting.fingerprinter.clone(),
        vaults: vaults.collect(),
        tokens,
    });
    let administrator = server.administrator();
    let client = attach(name, Arc::new(server), setting)?;
    let access = Access {
        // As Connect's own container serves it.
        transport: Transport::Plain,
        ..Access::default()
    };
    let access = access
        .endpoint("OP_CONNECT_HOST")
        .secret("OP_CONNECT_TOKEN", administrator.clone());
    let writer = onepassword::OnePasswordWriter::new(
        client,
        &format!("http://{host}"),
        administrator,
        setting.clock.clone(),
    );
    Ok(Started {
        writer: Box::new(writer),
        access,
    })
}

fn access(granted: &[declared::VaultAccess]) -> onepassword::Access {
    onepassword::Access {
        read: granted.contains(&declared::VaultAccess::Read),
        write: granted.contains(&declared::VaultAccess::Write),
    }
}

/// The documents of one vault.
fn documents(declared: &declared::OnePasswordConnect, vault: &str) -> Vec<onepassword::Document> {
    let documents = declared.documents.iter();
    documents
        .filter_map(|(name, document)| {
            let title = name.strip_prefix(vault)?.strip_prefix('/')?;
            // The check of the scenario lets nothing else pass.
            let Value::Literal(content) = &document.content else {
                return None;
            };
            Some(onepassword::Document {
                title: title.to_owned(),
                file: document.file.clone(),
                content: content.clone(),
            })
        })
        .collect()
}
