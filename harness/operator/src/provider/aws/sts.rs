//! The two STS operations that ESO uses.

use bytes::Bytes;
use http::Response;
use rotaproof_base::{Clock, Entropy, SecretValue};
use rotaproof_egress::Client;

use super::api::{self, Attempt, Endpoint, Post};
use super::credentials::Credentials;
use super::failure::{Failure, Retry, Verdict};

const SERVICE: &str = "STS";
/// The error codes that the operations' models name.
const MODELLED: [&str; 7] = [
    "ExpiredTokenException",
    "IDPCommunicationError",
    "IDPRejectedClaim",
    "InvalidIdentityToken",
    "MalformedPolicyDocument",
    "PackedPolicyTooLarge",
    "RegionDisabledException",
];

/// STS in one region, over connections of its own: ESO makes its client anew for each reconcile.
pub(super) struct Sts {
    egress: Client,
    clock: Clock,
    entropy: Entropy,
    endpoint: Endpoint,
}

impl Sts {
    pub(super) fn new(egress: Client, clock: Clock, entropy: Entropy, region: &str) -> Self {
        Self {
            egress,
            clock,
            entropy,
            endpoint: Endpoint::new("sts", region),
        }
    }

    /// AssumeRoleWithWebIdentity, unsigned. An invalid token is tried again, as `stscreds` has it.
    pub(super) async fn assume_with_web_identity(
        &self,
        role: &str,
        token: &SecretValue,
    ) -> Result<Credentials, Failure> {
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("RoleArn", role),
            ("RoleSessionName", "external-secrets-provider-aws"),
            ("Version", "2011-06-15"),
            ("WebIdentityToken", token.expose_str().unwrap_or_default()),
        ];
        let retry = Retry::standard(self.entropy.clone()).also_on(&["InvalidIdentityToken"]);
        self.call("AssumeRoleWithWebIdentity", &form, None, &retry)
            .await
    }

    /// AssumeRole for 15 minutes, signed by `credentials`; `extra` are the external id and session tags.
    pub(super) async fn assume(
        &self,
        role: &str,
        extra: &[(String, String)],
        credentials: &Credentials,
    ) -> Result<Credentials, Failure> {
        let session = format!("aws-go-sdk-{}", self.clock.now().as_nanosecond());
        let mut form = vec![
            ("Action", "AssumeRole"),
            ("DurationSeconds", "900"),
            ("RoleArn", role),
            ("RoleSessionName", session.as_str()),
            ("Version", "2011-06-15"),
        ];
        form.extend(
            extra
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let retry = Retry::standard(self.entropy.clone());
        self.call("AssumeRole", &form, Some(credentials), &retry)
            .await
    }

    async fn call(
        &self,
        operation: &str,
        form: &[(&str, &str)],
        credentials: Option<&Credentials>,
        retry: &Retry,
    ) -> Result<Credentials, Failure> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let body = Bytes::from(body);
        let invocation = self.entropy.uuid();
        let mut number = 0;
        loop {
            number += 1;
            let attempt = Attempt {
                invocation,
                number,
                of: retry.attempts(),
            };
            let post = Post {
                content_type: "application/x-www-form-urlencoded",
                target: None,
                body: body.clone(),
            };
            let answer = api::post(
                &self.egress,
                &self.clock,
                &self.endpoint,
                post,
                credentials,
                attempt,
            );
            let failure = match answer.await.and_then(|answer| read(&answer)) {
                Ok(credentials) => return Ok(credentials),
                Err(failure) => failure,
            };
            match retry.judge(number, &failure) {
                Verdict::Again(wait) => tokio::time::sleep(wait).await,
                Verdict::Fail(exhausted) => return Err(failure.of(SERVICE, operation, exhausted)),
            }
        }
    }
}

fn read(answer: &Response<Bytes>) -> Result<Credentials, Failure> {
    let body = String::from_utf8_lossy(answer.body());
    if !answer.status().is_success() {
        // What is no XML has no code; the SDK then says so twice.
        let part = |name| element(&body, name).unwrap_or_else(|| "UnknownError".to_owned());
        return Err(Failure::answered(
            answer,
            part("Code"),
            part("Message"),
            &MODELLED,
        ));
    }
    let part = |name| {
        element(&body, name)
            .ok_or_else(|| Failure::unreadable(answer, &format!("no {name} in the answer")))
    };
    let expires = part("Expiration")?;
    Ok(Credentials {
        access_key_id: part("AccessKeyId")?,
        secret_access_key: SecretValue::new(part("SecretAccessKey")?),
        session_token: Some(SecretValue::new(part("SessionToken")?)),
        expires: expires.parse().ok(),
    })
}

/// The text of the first element of this name; STS's elements have no attributes.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let mut plain = text.to_owned();
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(entity, character);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_with_its_entities() {
        let xml = "<A><Code>x</Code><Message>a &lt;b&gt; &amp;amp; &apos;c&apos;</Message></A>";
        assert_eq!(element(xml, "Message").as_deref(), Some("a <b> &amp; 'c'"));
        assert_eq!(element(xml, "Other"), None);
    }
}
