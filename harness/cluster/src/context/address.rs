//! Where pods of the cluster reach this process.

use std::net::{IpAddr, TcpListener};

use crate::{Error, kind};

const PART: &str = "the gateway";
/// What kind calls the contexts of its clusters.
const OF_KIND: &str = "kind-";

/// Listens where pods reach this process: at the address that is given; in a pod, at its own; of a kind cluster, at the
/// gateway of its network.
pub(super) async fn door(
    given: Option<IpAddr>,
    pod: Option<IpAddr>,
    context: Option<&str>,
) -> Result<TcpListener, Error> {
    let address = match (given.or(pod), context) {
        (Some(address), _) => address,
        (None, Some(context)) if context.starts_with(OF_KIND) => {
            kind::gateway_address().await?.into()
        }
        (None, _) => {
            return Err(unknown(
                "where the cluster's pods reach this process is not known",
            ));
        }
    };
    TcpListener::bind((address, 0)).map_err(|error| unknown(&format!("{address}: {error}")))
}

fn unknown(reason: &str) -> Error {
    Error {
        next: Some(
            "give --gateway-address IP (ROTAPROOF_GATEWAY_ADDRESS), an address of this machine that pods reach; in a pod, \
             POD_IP from its status.podIP"
                .into(),
        ),
        ..Error::starting(PART)(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_given_counts_before_the_pods_own() {
        let given = "127.0.0.1".parse().ok();
        let nobodys = "192.0.2.1".parse().ok();
        let door = door(given, nobodys, None).await.unwrap();
        assert_eq!(door.local_addr().unwrap().ip(), given.unwrap());
    }

    #[tokio::test]
    async fn where_nothing_says_an_address_it_is_asked_for() {
        for (pod, context) in [
            (None, Some("prod")),
            (None, None),
            ("192.0.2.1".parse().ok(), None),
        ] {
            let error = door(None, pod, context).await.unwrap_err();
            assert!(error.next.unwrap().contains("--gateway-address"));
        }
    }
}
