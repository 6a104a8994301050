//! What is left in Docker, and what a container looks like while it is there.

use std::time::Duration;

use rotaproof_backends::{Containers, Error};
use rotaproof_base::Entropy;

use crate::docker::{containers, docker};
use crate::failures::plain;
use crate::lab::{Lab, Shared, run, run_id, start, vault_only};

pub(crate) fn stopping_leaves_no_container(_: &Shared) {
    run(async {
        let id = run_id();
        let started = start(vault_only(), &id).await;
        assert_eq!(containers(&id.to_string()).len(), 1);
        started.stop().await.unwrap();
        assert!(containers(&id.to_string()).is_empty());
    });
}

pub(crate) fn dropping_leaves_no_container(_: &Shared) {
    let id = run_id();
    let started = run(start(vault_only(), &id));
    assert_eq!(containers(&id.to_string()).len(), 1);
    // Outside of any runtime, as where a panic unwinds.
    drop(started);
    assert!(containers(&id.to_string()).is_empty());
}

pub(crate) fn a_start_that_is_given_up_leaves_no_container(_: &Shared) {
    run(async {
        // At many points of a start, the creation among them.
        let given_up = (1..20).map(|step| async move {
            let id = run_id();
            let starting = Containers::start(vault_only(), &id, Entropy::from_seed(1));
            let given_up = tokio::time::timeout(Duration::from_millis(step * 9), starting);
            drop(given_up.await);
            id
        });
        let ids = futures::future::join_all(given_up).await;
        // What Docker was still to create is there once it has started one more.
        let last = start(vault_only(), &run_id()).await;
        last.stop().await.unwrap();
        for id in ids {
            assert_eq!(containers(&id.to_string()), Vec::<String>::new());
        }
    });
}

pub(crate) fn a_container_is_labelled_and_published_on_this_machine_only(_: &Shared) {
    run(async {
        let id = run_id();
        let started = start(vault_only(), &id).await;
        let name = format!("rotaproof-{id}-vault-1");
        assert_eq!(containers(&id.to_string()), [name.as_str()]);
        let published = docker(&["port", &name]).unwrap();
        for line in published.lines() {
            assert!(line.contains("-> 127.0.0.1:"), "{line}");
        }
        assert!(published.contains("8200/tcp"), "{published}");
        started.stop().await.unwrap();
    });
}

pub(crate) fn a_network_is_joined_later(_: &Shared) {
    run(async {
        let id = run_id();
        let network = format!("rotaproof-test-{id}");
        let label = format!("dev.rotaproof.run={id}");
        // As kind's: with IPv6, which Docker prefers for what it publishes.
        let subnet = format!("fd00:7270:{:x}::/64", std::process::id() & 0xffff);
        let create = ["network", "create", "--ipv6", "--subnet", &subnet];
        docker(&[&create[..], &["--label", &label, &network]].concat()).unwrap();
        let started = start(vault_only(), &id).await;
        started.join(&network).await.unwrap();
        let container = format!("rotaproof-{id}-vault-1");
        let networks = docker(&[
            "inspect",
            "--format",
            "{{json .NetworkSettings.Networks}}",
            &container,
        ]);
        let joined = networks.unwrap().contains(&network);
        // Docker publishes it at another port from then on.
        let lab = Lab::new();
        let vault = started.hashicorp(plain(&lab), None).await.unwrap();
        drop(vault);
        started.stop().await.unwrap();
        docker(&["network", "rm", &network]).unwrap();
        assert!(joined);
    });
}

pub(crate) fn a_name_that_is_taken_stays_its_owners(_: &Shared) {
    run(async {
        let id = run_id();
        let owner = start(vault_only(), &id).await;
        let second = Containers::start(vault_only(), &id, Entropy::from_seed(1)).await;
        assert!(matches!(second.err(), Some(Error::NameTaken { .. })));
        assert_eq!(containers(&id.to_string()).len(), 1);
        owner.stop().await.unwrap();
    });
}
