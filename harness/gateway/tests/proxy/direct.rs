//! The plain endpoint of one vault.

use std::sync::Arc;

use rotaproof_base::memory;
use rotaproof_egress::Client;
use rotaproof_gateway::fault::Hang;
use rotaproof_gateway::{ClientKind, Error};

use crate::world::{World, every, get, soon, text};

#[tokio::test(start_paused = true)]
async fn the_direct_endpoint_ignores_faults_and_is_journaled_as_the_harness() {
    let world = World::new();
    world.gateway.faults().inject(every("stuck", Hang));
    let (dialer, listener) = memory();
    world
        .gateway
        .serve_direct("tiny", listener, &world.tasks)
        .unwrap();
    let client = Client::builder(world.clock.clone())
        .direct(Arc::new(dialer))
        .build()
        .unwrap();
    let answer = soon(client.send(get("http://whatever.example/a")))
        .await
        .unwrap();
    assert_eq!(text(&answer), "decision 1 /a");
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!(entry.client, ClientKind::Harness);
    assert_eq!(
        (entry.vault.as_deref(), entry.fault.as_deref()),
        (Some("tiny"), None)
    );
    assert_eq!(world.gateway.faults().active()[0].hits, 0);
}

#[tokio::test]
async fn a_direct_endpoint_needs_a_vault() {
    let world = World::new();
    let (_, listener) = memory();
    let unknown = world
        .gateway
        .serve_direct("none", listener, &world.tasks)
        .unwrap_err();
    assert!(matches!(unknown, Error::UnknownVault(_)));
}
