//! A kube-apiserver and its etcd: loopback ports, a folder and an environment of their own, ended with the test
//! whatever becomes of it.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

use crate::binaries::Binaries;
use crate::side::Remote;

/// What both servers' tokens say of their issuer.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";
const TOKEN: &str = "administrator";
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends its program when its input ends, which it does with the test, even a killed one.
const GUARD: &str = r#"exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -KILL "$program"; } &
wait "$program"
kill "$!" 2>/dev/null"#;

pub(crate) struct Real {
    // In this order: the API first, then what it stands on, then the folder.
    api: Guarded,
    _etcd: Guarded,
    folder: tempfile::TempDir,
    pub(crate) remote: Remote,
}

struct Guarded(Child);

impl Guarded {
    fn start(
        program: &Path,
        arguments: &[String],
        folder: &Path,
        log: &str,
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start {}: {error}", program.display());
        let log = std::fs::File::create(folder.join(log)).map_err(failed)?;
        let child = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        Ok(Self(child))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Real {
    pub(crate) async fn start(binaries: &Binaries) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let at = folder.path();
        let [client, peer, secure] = free_ports();
        let text = |parts: &[String]| parts.to_vec();
        let store = format!("http://127.0.0.1:{client}");
        let etcd = Guarded::start(
            &binaries.etcd,
            &text(&[
                "--data-dir=data".to_owned(),
                format!("--listen-client-urls={store}"),
                format!("--advertise-client-urls={store}"),
                format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
                "--unsafe-no-fsync".to_owned(),
            ]),
            at,
            "etcd.log",
        )?;
        let authority = write_secrets(at)?;
        let api = Guarded::start(
            &binaries.api,
            &text(&[
                format!("--etcd-servers={store}"),
                format!("--secure-port={secure}"),
                "--bind-address=127.0.0.1".to_owned(),
                "--tls-cert-file=tls.crt".to_owned(),
                "--tls-private-key-file=tls.key".to_owned(),
                "--cert-dir=certs".to_owned(),
                format!("--service-account-issuer={ISSUER}"),
                "--service-account-key-file=sa.pub".to_owned(),
                "--service-account-signing-key-file=sa.key".to_owned(),
                "--token-auth-file=tokens.csv".to_owned(),
                "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
                // As envtest: no controller makes the accounts that it asks for.
                "--disable-admission-plugins=ServiceAccount".to_owned(),
            ]),
            at,
            "kube-apiserver.log",
        )?;
        let mut real = Self {
            api,
            _etcd: etcd,
            folder,
            remote: Remote::new(secure, TOKEN, client_config(authority)),
        };
        real.until_ready().await?;
        Ok(real)
    }

    async fn until_ready(&mut self) -> Result<(), String> {
        let start = Instant::now();
        let mut last = String::new();
        while start.elapsed() < PATIENCE {
            let exited = self.api.0.try_wait().ok().flatten();
            match self.remote.connect().await {
                Ok(()) => match self.remote.is_ready().await {
                    Ok(true) => return Ok(()),
                    Ok(false) => "not ready".clone_into(&mut last),
                    Err(error) => last = error,
                },
                Err(error) => last = error,
            }
            if exited.is_some() {
                break;
            }
            // A process tells nobody that it is ready: it is asked.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!(
            "the kube-apiserver did not get ready ({last}); its last lines:\n{}",
            self.tail()
        ))
    }

    fn tail(&self) -> String {
        let mut log = String::new();
        if let Ok(mut file) = std::fs::File::open(self.folder.path().join("kube-apiserver.log")) {
            let _ = file.read_to_string(&mut log);
        }
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

fn free_ports() -> [u16; 3] {
    // Held together, so that they are different.
    let bound = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    bound.map(|listener| listener.local_addr().unwrap().port())
}

/// Certificates, keys and the administrator's token; returns the authority.
fn write_secrets(folder: &Path) -> Result<CertificateDer<'static>, String> {
    let wrong = |error: rcgen::Error| error.to_string();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().map_err(wrong)?;
    let certificate = authority.self_signed(&key).map_err(wrong)?;
    let authority = Issuer::new(authority, key);
    let key = KeyPair::generate().map_err(wrong)?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let leaf = CertificateParams::new(names).map_err(wrong)?;
    let leaf = leaf.signed_by(&key, &authority).map_err(wrong)?;
    let accounts = KeyPair::generate().map_err(wrong)?;
    for (name, text) in [
        ("tls.crt", leaf.pem()),
        ("tls.key", key.serialize_pem()),
        ("sa.key", accounts.serialize_pem()),
        ("sa.pub", accounts.public_key_pem()),
        (
            "tokens.csv",
            format!("{TOKEN},admin,admin,\"system:masters\"\n"),
        ),
    ] {
        std::fs::write(folder.join(name), text).map_err(|error| error.to_string())?;
    }
    Ok(certificate.der().clone())
}

fn client_config(authority: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}
