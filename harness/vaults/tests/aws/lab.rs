//! An AWS account behind in-memory connections, in virtual time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, Listen, SecretValue, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_vaults::aws::{
    self, AwsConfig, AwsVault, AwsWriter, Credentials, Role, Statement, StaticKey,
};
use rotaproof_vaults::{Served, Vault, Witness};
use serde_json::json;

pub(crate) const REGION: &str = "us-east-1";
/// The version with which [`Lab::with_secret`] starts.
pub(crate) const V1: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/eso";

/// `code: message` of a refusal.
macro_rules! refusal {
    ($call:expr) => {{
        let error = $call.send().await.unwrap_err();
        let error = error.as_service_error().expect("a service error");
        format!(
            "{}: {}",
            aws_sdk_secretsmanager::error::ProvideErrorMetadata::code(error).unwrap_or_default(),
            aws_sdk_secretsmanager::error::ProvideErrorMetadata::message(error).unwrap_or_default()
        )
    }};
}
pub(crate) use refusal;

/// Keeps what a vault tells the journal.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<Served>>>);

impl Journal {
    pub(crate) fn last(&self) -> Served {
        self.0.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Witness for Journal {
    fn record(&self, served: Served) {
        self.0.lock().unwrap().push(served);
    }
}

pub(crate) struct Lab {
    pub(crate) vault: Arc<AwsVault>,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) issuer: Issuer,
    pub(crate) client: Client,
    pub(crate) fingerprinter: Fingerprinter,
    _tasks: TaskGroup,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let issuer = Issuer::generate("https://oidc.cluster.example").unwrap();
        let fingerprinter = Fingerprinter::from_key([1; 32]);
        let vault = Arc::new(AwsVault::new(AwsConfig {
            region: REGION.into(),
            account: "123456789012".into(),
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            fingerprinter: fingerprinter.clone(),
            verifier: issuer.verifier(),
            roles: vec![
                role(ROLE, ("external-secrets", "eso"), "sts.amazonaws.com"),
                role(
                    "arn:aws:iam::123456789012:role/other",
                    ("other", "other"),
                    "other.example",
                ),
            ],
            keys: vec![
                key(
                    "reader",
                    "AKIAREADERREADERREAD",
                    &["secretsmanager:GetSecretValue"],
                    &["prod/*"],
                ),
                key(
                    "assumer",
                    "AKIAASSUMERASSUMERAS",
                    &["sts:AssumeRole"],
                    &[ROLE],
                ),
                key("nobody", "AKIANOBODYNOBODYNOBO", &[], &[]),
            ],
        }));
        let journal = Journal::default();
        let (dialer, mut listener) = memory();
        let tasks = TaskGroup::new();
        let (serving, handle, witness) = (vault.clone(), tasks.handle(), journal.clone());
        tasks.spawn(async move {
            while let Ok(stream) = listener.accept().await {
                let (vault, witness) = (serving.clone(), witness.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (vault, witness) = (vault.clone(), witness.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let request = Request::from_parts(parts, body);
                        Ok::<_, Infallible>(vault.serve(request, &witness).await)
                    }
                });
                handle.spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let client = Client::builder(clock.clone())
            .direct(Arc::new(dialer))
            .build()
            .unwrap();
        Self {
            vault,
            clock,
            journal,
            issuer,
            client,
            fingerprinter,
            _tasks: tasks,
        }
    }

    /// With secret `prod/a`, whose version [`V1`] holds `one`; and the administrator's SDK.
    pub(crate) async fn with_secret() -> (Self, aws_sdk_secretsmanager::Client) {
        let lab = Self::new();
        let sdk = lab.administrator();
        let create = sdk.create_secret().name("prod/a");
        let create = create.client_request_token(V1).secret_string("one");
        create.send().await.unwrap();
        (lab, sdk)
    }

    pub(crate) fn sdk(&self, credentials: &Credentials) -> aws_sdk_secretsmanager::Client {
        self.sdk_in(REGION, credentials)
    }

    pub(crate) fn sdk_in(
        &self,
        region: &str,
        credentials: &Credentials,
    ) -> aws_sdk_secretsmanager::Client {
        aws::sdk(
            self.client.clone(),
            &aws::endpoint(region),
            region,
            credentials,
            self.clock.clone(),
        )
    }

    pub(crate) fn administrator(&self) -> aws_sdk_secretsmanager::Client {
        self.sdk(&self.vault.administrator())
    }

    pub(crate) fn writer(&self) -> AwsWriter {
        AwsWriter::new(
            self.client.clone(),
            &aws::endpoint(REGION),
            REGION,
            &self.vault.administrator(),
            self.clock.clone(),
            Entropy::from_seed(9),
        )
    }

    /// A token as the cluster issues it, with some claims replaced.
    pub(crate) fn token(&self, change: impl FnOnce(&mut serde_json::Value)) -> String {
        let now = self.clock.unix_seconds();
        let mut claims = json!({
            "iss": "https://oidc.cluster.example", "sub": "system:serviceaccount:external-secrets:eso",
            "aud": ["sts.amazonaws.com"], "iat": now, "nbf": now, "exp": now + 3600,
        });
        change(&mut claims);
        self.issuer.sign(&claims).unwrap()
    }

    /// Posts a form to STS.
    pub(crate) async fn sts(&self, form: &[(&str, &str)]) -> (u16, String) {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post("http://sts.us-east-1.amazonaws.com/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        text(self.client.send(request).await.unwrap())
    }

    pub(crate) async fn assume(&self, role: &str, token: &str) -> (u16, String) {
        self.sts(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", "external-secrets-provider-aws"),
            ("WebIdentityToken", token),
        ])
        .await
    }

    pub(crate) async fn session(&self) -> Credentials {
        let (status, xml) = self.assume(ROLE, &self.token(|_| {})).await;
        assert_eq!(status, 200, "{xml}");
        Credentials {
            access_key_id: element(&xml, "AccessKeyId"),
            secret_access_key: SecretValue::new(element(&xml, "SecretAccessKey")),
            session_token: Some(SecretValue::new(element(&xml, "SessionToken"))),
        }
    }
}

pub(crate) fn text(response: Response<Bytes>) -> (u16, String) {
    let (parts, body) = response.into_parts();
    (
        parts.status.as_u16(),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

pub(crate) fn element(xml: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (_, rest) = xml.split_once(&open).unwrap_or_else(|| panic!("no {name}"));
    rest.split_once(&close).unwrap().0.to_owned()
}

fn role(arn: &str, trusted: (&str, &str), audience: &str) -> Role {
    Role {
        arn: arn.into(),
        trusts: vec![(trusted.0.into(), trusted.1.into())],
        audience: audience.into(),
        allows: vec![Statement {
            actions: vec![
                "secretsmanager:GetSecretValue".into(),
                "secretsmanager:DescribeSecret".into(),
            ],
            secrets: vec!["prod/*".into()],
        }],
    }
}

fn key(name: &str, id: &str, actions: &[&str], resources: &[&str]) -> StaticKey {
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    StaticKey {
        name: name.into(),
        access_key_id: id.into(),
        secret_access_key: SecretValue::new(format!("secret-of-{name}")),
        allows: vec![Statement {
            actions: texts(actions),
            secrets: texts(resources),
        }],
    }
}

pub(crate) fn static_key(name: &str, id: &str) -> Credentials {
    Credentials {
        access_key_id: id.into(),
        secret_access_key: SecretValue::new(format!("secret-of-{name}")),
        session_token: None,
    }
}

pub(crate) fn reader() -> Credentials {
    static_key("reader", "AKIAREADERREADERREAD")
}
