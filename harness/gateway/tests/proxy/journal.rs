//! The journal's promises.

use std::time::Duration;

use rotaproof_base::TaskGroup;
use rotaproof_gateway::ClientKind;
use rotaproof_gateway::fault::Latency;

use crate::world::{World, every, get, soon, text};

#[tokio::test(start_paused = true)]
async fn an_entry_says_who_asked_for_what_and_what_they_got() {
    let world = World::new();
    tokio::time::sleep(Duration::from_secs(90)).await;
    world
        .client()
        .send(get("https://vault.example/prod/db?version=3"))
        .await
        .unwrap();
    let entry = world.gateway.journal().get(1).unwrap();
    let json = serde_json::to_value(&*entry).unwrap();
    let expected = serde_json::json!({
        "seq": 1, "at": "2025-11-08T00:01:30Z", "elapsed": 90.0, "client": "operator", "vault": "tiny",
        "host": "vault.example", "method": "GET", "path": "/prod/db", "operation": "read",
        "identity": "tester", "secret": "prod/db",
        "versions": [{"secret": "prod/db", "version": "1", "value": "0123456789ab"}],
        "refusal": null, "status": 200, "duration": 0.0, "fault": null,
    });
    assert_eq!(json, expected);
    assert_eq!(entry.client, ClientKind::Operator);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_order_of_the_journal_is_the_order_of_the_decisions() {
    let world = World::new();
    let clients = TaskGroup::new();
    let (done, mut finished) = tokio::sync::mpsc::channel(1);
    for n in 0..8 {
        let (client, done) = (world.client(), done.clone());
        clients.spawn(async move {
            for m in 0..50 {
                let uri = format!("https://vault.example/{n}/{m}");
                client.send(get(&uri)).await.unwrap();
            }
            done.send(()).await.unwrap();
        });
    }
    for _ in 0..8 {
        finished.recv().await.unwrap();
    }
    let entries = world.gateway.journal().entries();
    assert_eq!(entries.len(), 400);
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, index as u64 + 1);
        assert_eq!(entry.versions[0].version, (index + 1).to_string());
        assert_eq!(entry.status, Some(200));
    }
    assert!(entries.is_sorted_by_key(|entry| entry.elapsed));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_learns_of_each_new_and_each_completed_entry() {
    let world = World::new();
    let journal = world.gateway.journal();
    let mut wake = journal.subscribe();
    let id = world
        .gateway
        .faults()
        .inject(every("slow", Latency(Duration::from_secs(10))));
    let client = world.client();
    let watching = async {
        let mut seen = 0;
        let mut told = Vec::new();
        while told.len() < 2 {
            soon(wake.changed()).await.unwrap();
            let changes = journal.changes(seen);
            seen = changes.seen;
            told.extend(
                changes
                    .entries
                    .iter()
                    .map(|e| (e.seq, e.status, world.clock.elapsed())),
            );
        }
        (told, seen)
    };
    let (answer, (told, seen)) =
        tokio::join!(client.send(get("https://vault.example/a")), watching);
    assert_eq!(text(&answer.unwrap()), "decision 1 /a");
    let ten = Duration::from_secs(10);
    assert_eq!(told, [(1, None, Duration::ZERO), (1, Some(200), ten)]);
    world.gateway.faults().heal(id);
    for _ in 0..3 {
        client.send(get("https://vault.example/b")).await.unwrap();
    }
    let changes = journal.changes(seen);
    let seqs: Vec<_> = changes.entries.iter().map(|e| e.seq).collect();
    assert_eq!(seqs, [2, 3, 4], "each once");
    assert!(journal.changes(changes.seen).entries.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_length_is_a_bookmark() {
    let world = World::new();
    let (client, journal) = (world.client(), world.gateway.journal());
    client.send(get("https://vault.example/a")).await.unwrap();
    let bookmark = journal.len();
    assert!(journal.since(bookmark).is_empty());
    client.send(get("https://vault.example/b")).await.unwrap();
    let later: Vec<_> = journal
        .since(bookmark)
        .iter()
        .map(|e| e.path.to_string())
        .collect();
    assert_eq!(later, ["/b"]);
    assert!(journal.since(u64::MAX).is_empty());
}
