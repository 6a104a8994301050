//! The AWS SDK on our own client, clock and timers, so that it works in virtual time and over any stream.

use std::fmt;
use std::time::SystemTime;

use aws_sdk_secretsmanager::Client as Sdk;
use aws_sdk_secretsmanager::config::{
    AsyncSleep, BehaviorVersion, Config, Credentials as SdkCredentials, Region, Sleep,
    StalledStreamProtectionConfig,
};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use rotaproof_base::Clock;
use rotaproof_egress::Client;

use super::config::Credentials;

/// AWS's own SDK, speaking through `client` to `endpoint` (`http://secretsmanager.us-east-1.amazonaws.com`).
pub fn sdk(
    client: Client,
    endpoint: &str,
    region: &str,
    credentials: &Credentials,
    clock: Clock,
) -> Sdk {
    let connector = SharedHttpConnector::new(Connector(client));
    let text =
        |value: &rotaproof_base::SecretValue| value.expose_str().unwrap_or_default().to_owned();
    let credentials = SdkCredentials::new(
        credentials.access_key_id.clone(),
        text(&credentials.secret_access_key),
        credentials.session_token.as_ref().map(text),
        None,
        "rotaproof",
    );
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .time_source(Time(clock))
        .sleep_impl(Timer)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Sdk::from_conf(config)
}

struct Connector(Client);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
            let answer = client
                .send(http::Request::from_parts(parts, body))
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

#[derive(Debug)]
struct Time(Clock);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        (&self.0).into()
    }
}

#[derive(Debug)]
struct Timer;

impl AsyncSleep for Timer {
    fn sleep(&self, duration: std::time::Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}
