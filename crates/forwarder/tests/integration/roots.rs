//! `PODFERRY_CA_BUNDLE`: servers whose certificate a root of one's own has signed, as behind a proxy that ends TLS; on loopback.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::{Invocation, InvocationFailure};
use forwarder::settings::Settings;
use intake::StandIn;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::events::*;
use testkit::runtime_api::{ForwarderProcess, RuntimeCall};
use tokio_rustls::rustls::DEFAULT_VERSIONS;

use crate::tls::behind_certificate;

const FORWARDER: &str = env!("CARGO_BIN_EXE_forwarder");

/// A root, and the file that it is in.
struct Root {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    file: PathBuf,
}

impl Root {
    /// `name` tells it from others.
    fn new(name: &str) -> Root {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let base64 = STANDARD.encode(certificate.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("podferry-root-{}-{number}.pem", std::process::id()));
        std::fs::write(&file, &pem).unwrap();
        Root { issuer: Issuer::new(params, key), pem, file }
    }

    fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }

    fn signs(&self, params: CertificateParams) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// Ends TLS with a certificate for 127.0.0.1 in front of an address.
    async fn in_front_of(&self, url: &str) -> String {
        let (certificate, key) = self.signs(loopback());
        let port = behind_certificate(url, DEFAULT_VERSIONS, &certificate, &key).await;
        format!("https://127.0.0.1:{port}")
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

fn loopback() -> CertificateParams {
    CertificateParams::new(["127.0.0.1".to_owned()]).unwrap()
}

async fn send(variables: &[(&str, &str)]) -> Result<usize, InvocationFailure> {
    let mut map: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if !map.keys().any(|name| name.starts_with("DD_API_KEY")) {
        map.insert("DD_API_KEY".to_owned(), "k".to_owned());
    }
    let handler = Handler::new(Settings::read(&map).unwrap()).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let invocation =
        Invocation { deadline_ms: u64::try_from(now.as_millis()).unwrap() + 2_000, ..Invocation::default() };
    let event = event(&content("my-app", "s", &[(1, "x")]));
    handler.handle(event.into(), &invocation).await.map(|delivered| delivered.delivered)
}

#[tokio::test]
async fn what_ones_own_root_signed_is_trusted_and_nothing_else() {
    let intake = StandIn::start().await.unwrap();
    let (own, other) = (Root::new("own"), Root::new("other"));
    let url = own.in_front_of(&intake.url()).await;
    let refused = send(&[("DD_URL", &url)]).await.unwrap_err();
    assert_eq!(refused.error_type(), "LogsUndelivered");
    assert!(send(&[("DD_URL", &url), ("PODFERRY_CA_BUNDLE", other.path())]).await.is_err());
    // A root of the same name has another key.
    assert!(send(&[("DD_URL", &url), ("PODFERRY_CA_BUNDLE", Root::new("own").path())]).await.is_err());
    assert_eq!(intake.accepted().len(), 0);
    assert_eq!(send(&[("DD_URL", &url), ("PODFERRY_CA_BUNDLE", own.path())]).await.unwrap(), 1);
    // It may be any of the file's certificates.
    let both = Root::new("both");
    std::fs::write(&both.file, format!("{}{}", other.pem, own.pem)).unwrap();
    assert_eq!(send(&[("DD_URL", &url), ("PODFERRY_CA_BUNDLE", both.path())]).await.unwrap(), 1);
    assert_eq!(intake.accepted().len(), 2);
}

#[tokio::test]
async fn a_root_of_ones_own_does_not_excuse_the_certificate() {
    let intake = StandIn::start().await.unwrap();
    let own = Root::new("own");
    let (mut expired, mut not_yet) = (loopback(), loopback());
    expired.not_after = date_time_ymd(2020, 1, 1);
    not_yet.not_before = date_time_ymd(4000, 1, 1);
    let of_another_host = CertificateParams::new(["intake.example".to_owned()]).unwrap();
    for params in [expired, not_yet, of_another_host] {
        let (certificate, key) = own.signs(params);
        let port = behind_certificate(&intake.url(), DEFAULT_VERSIONS, &certificate, &key).await;
        let url = format!("https://127.0.0.1:{port}");
        let variables = [("DD_URL", url.as_str()), ("PODFERRY_CA_BUNDLE", own.path())];
        assert!(send(&variables).await.is_err());
        // Where nothing is checked, the file makes no difference.
        assert_eq!(send(&[variables[0], variables[1], ("DD_SKIP_SSL_VALIDATION", "true")]).await.unwrap(), 1);
    }
    assert_eq!(intake.accepted().len(), 3);
}

#[tokio::test]
async fn calls_to_aws_trust_it_too_and_never_go_unchecked() {
    let intake = StandIn::start().await.unwrap();
    let aws = AwsStandIn::start(AwsBehavior::Healthy);
    aws.set_secret("key");
    let own = Root::new("own");
    let set = aws.variables();
    let (_, plain) = set.iter().find(|(name, _)| *name == "AWS_ENDPOINT_URL_SECRETS_MANAGER").unwrap();
    let (behind_tls, url) = (own.in_front_of(plain).await, intake.url());
    let mut variables: Vec<(&str, &str)> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Without the queues: what is not delivered fails.
    variables.retain(|(name, _)| !name.contains("QUEUE") && !name.contains("ENDPOINT"));
    variables.extend([("AWS_ENDPOINT_URL", behind_tls.as_str()), ("DD_URL", &url), ("DD_API_KEY_SECRET_ARN", "key")]);
    let without = [&variables[..], &[("DD_SKIP_SSL_VALIDATION", "true")]].concat();
    assert!(send(&without).await.is_err(), "the intake's certificate is none of AWS's");
    assert_eq!(aws.signed().len(), 0);
    let with = [&variables[..], &[("PODFERRY_CA_BUNDLE", own.path())]].concat();
    assert_eq!(send(&with).await.unwrap(), 1);
}

#[test]
fn a_file_that_is_not_there_stops_the_start() {
    let missing = std::env::temp_dir().join("podferry-no-such-file.pem");
    let variables = [("DD_API_KEY", "k"), ("PODFERRY_CA_BUNDLE", missing.to_str().unwrap())];
    let forwarder = ForwarderProcess::start(FORWARDER, &variables);
    let RuntimeCall::InitError(error) = forwarder.next_call() else { panic!("no init error") };
    let said = error["errorMessage"].as_str().unwrap();
    assert!(said.contains("PODFERRY_CA_BUNDLE: names a file that does not exist"), "{said}");
    assert!(!said.contains("no-such-file"), "{said}");
}
