//! A Kubernetes API for kubectl and every client library:
//!
//! ```text
//! cargo run -p rotaproof-apiserver --example serve -- /tmp/lab.kubeconfig
//! kubectl --kubeconfig /tmp/lab.kubeconfig get namespaces
//! ```

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use rotaproof_apiserver::{Access, ApiServer, Config};
use rotaproof_base::{Clock, Entropy, TaskGroup, jwt::Issuer};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .ok_or("usage: serve KUBECONFIG [ADDRESS]")?;
    let address = arguments.next().unwrap_or("127.0.0.1:0".to_owned());

    let clock = Clock::system();
    let access = Access::new(&clock)?;
    let api = ApiServer::new(Config {
        entropy: Entropy::from_seed(clock.unix_seconds().unsigned_abs()),
        issuer: Issuer::generate("https://kubernetes.default.svc.cluster.local")?,
        clock,
    });
    let listener = TcpListener::bind(address).await?;
    let url = format!("https://{}", listener.local_addr()?);
    let tasks = TaskGroup::new();
    api.start(&tasks);
    api.serve(listener, &access, &tasks);

    let mut private = OpenOptions::new();
    private.write(true).create(true).truncate(true).mode(0o600);
    private
        .open(&file)?
        .write_all(access.kubeconfig(&url, "default").expose())?;
    println!("serving {url}; try: kubectl --kubeconfig {file} get namespaces");
    tokio::signal::ctrl_c().await?;
    tasks.shutdown().await;
    Ok(())
}
