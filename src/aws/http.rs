//! The SDK's requests over podferry's own HTTP client, so that there is one TLS stack with one list of roots, and one place that
//! knows proxies (`docs/decisions/0005-one-tls-stack.md`).
//!
//! The SDK handles timeouts and retries; here a request is sent once.

use std::fmt::Debug;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use reqwest::Client;

/// The HTTP client that the SDK uses.
#[derive(Debug, Clone)]
pub(crate) struct SdkHttp(Client);

impl SdkHttp {
    /// `client` is used for every request of every service.
    #[must_use]
    pub(crate) fn new(client: Client) -> SdkHttp {
        SdkHttp(client)
    }
}

impl HttpClient for SdkHttp {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        // The time to connect is the client's own.
        SharedHttpConnector::new(Connector { client: self.0.clone(), timeout: settings.read_timeout() })
    }
}

#[derive(Debug)]
struct Connector {
    client: Client,
    /// For the whole of a request.
    timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.client.clone();
        let timeout = self.timeout;
        HttpConnectorFuture::new(async move { carry(&client, timeout, request).await })
    }
}

async fn carry(
    client: &Client,
    timeout: Option<Duration>,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    // None of our calls streams its request.
    let body = body.bytes().ok_or_else(|| ConnectorError::user("the body of a request is a stream".into()))?.to_vec();
    let mut carried = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    if let Some(timeout) = timeout {
        carried = carried.timeout(timeout);
    }
    let answer = carried.send().await.map_err(failed)?;
    let status =
        StatusCode::try_from(answer.status().as_u16()).map_err(|error| ConnectorError::other(error.into(), None))?;
    let headers = answer.headers().clone();
    let body = answer.bytes().await.map_err(failed)?;
    let mut response = Response::new(status, SdkBody::from(body));
    for (name, value) in &headers {
        // What is no text is nothing that the SDK reads.
        if let Ok(value) = value.to_str() {
            response.headers_mut().append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(response)
}

/// The SDK retries timeouts and broken connections.
fn failed(error: reqwest::Error) -> ConnectorError {
    // Without the address: an operator's own endpoint may hold a password.
    let error = error.without_url();
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
