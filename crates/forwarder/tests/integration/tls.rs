//! TLS in front of a stand-in, on loopback.

use std::sync::Arc;

use intake::StandIn;
use rcgen::{Certificate, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, crypto};

/// Ends TLS of these versions with a certificate of its own in front of the stand-in; gives its port.
pub(crate) async fn behind_tls(intake: &StandIn, versions: &[&'static SupportedProtocolVersion]) -> u16 {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    behind_certificate(&intake.url(), versions, &cert, &signing_key).await
}

/// The same with this certificate, in front of whatever has this address.
pub(crate) async fn behind_certificate(
    url: &str,
    versions: &[&'static SupportedProtocolVersion],
    certificate: &Certificate,
    key: &KeyPair,
) -> u16 {
    let config = ServerConfig::builder_with_provider(crypto::ring::default_provider().into())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let target = url.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up here.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut inner = TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
            });
        }
    });
    port
}
