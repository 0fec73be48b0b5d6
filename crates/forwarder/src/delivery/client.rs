//! The one HTTP client: rustls with ring, roots compiled in, further roots and proxies from the settings and from nowhere else.
//!
//! A client lives for one invocation. Between invocations the sandbox is frozen and the peer hangs up, so a connection
//! kept for the next one is a failure kept for the next one. The TLS configuration is made once and shared: with it go
//! the tickets that make the next handshake short.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy, redirect};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme};

use crate::settings::{Network, Proxies};

/// How long to wait for a connection. The Agent waits ten seconds for the whole request; a host that does not even
/// take a connection within five is better asked again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What our requests call themselves.
pub(crate) const USER_AGENT: &str = concat!("podferry/", env!("CARGO_PKG_VERSION"));

/// Makes clients that share one TLS configuration.
#[derive(Debug, Clone)]
pub struct Clients {
    tls: ClientConfig,
    proxies: Proxies,
}

/// A client could not be created: a proxy's address was refused.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be created; check the proxy settings")]
pub struct ClientError;

impl Clients {
    /// `skip_validation` takes any certificate. Else a root counts that is compiled in, or that the settings name.
    ///
    /// # Errors
    /// [`ClientError`] if TLS cannot be set up at all.
    pub fn new(skip_validation: bool, network: Network) -> Result<Clients, ClientError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|_| ClientError)?;
        let tls = if skip_validation {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth()
        } else {
            let compiled_in = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
            let roots = RootCertStore { roots: compiled_in.chain(network.own_roots).collect() };
            builder.with_root_certificates(roots).with_no_client_auth()
        };
        Ok(Clients { tls, proxies: network.proxies })
    }

    /// A client for one invocation.
    ///
    /// # Errors
    /// [`ClientError`] if the address of a proxy is refused.
    pub fn client(&self) -> Result<Client, ClientError> {
        // Redirects are not followed: a POST with a key goes where it was told to, or nowhere.
        let mut builder = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy();
        let direct = self.proxies.none.as_deref().and_then(NoProxy::from_string);
        let http = self.proxies.http.as_deref().map(Proxy::http);
        let https = self.proxies.https.as_deref().map(Proxy::https);
        for proxy in http.into_iter().chain(https) {
            builder = builder.proxy(proxy.map_err(|_| ClientError)?.no_proxy(direct.clone()));
        }
        builder.build().map_err(|_| ClientError)
    }
}

/// Takes any certificate: `DD_SKIP_SSL_VALIDATION`, for a proxy that ends TLS with one of its own.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
