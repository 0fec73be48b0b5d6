//! Where logs go: `DD_SITE`, `DD_URL` and what goes with them.

use pipeline::site::SITES;

use super::network::{self, Network};
use super::reader::VariableReader;

/// Where the intake takes logs. Source: Datadog API reference, "Send logs".
const INTAKE_PATH: &str = "/api/v2/logs";

/// How many payloads are on their way at once, unless `DD_MAX_WORKERS` says otherwise. A Lambda of 256 MB has a sixth of a
/// processor; more connections only mean more handshakes.
const DEFAULT_WORKERS: usize = 8;

/// How to reach the intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySettings {
    /// The whole address that payloads are posted to.
    pub url: String,
    /// `DD_SKIP_SSL_VALIDATION`: take any certificate from the intake.
    pub skip_ssl_validation: bool,
    pub network: Network,
    /// `DD_MAX_WORKERS`: how many requests are under way at once.
    pub workers: usize,
}

impl DeliverySettings {
    /// The site's API (`https://api.datadoghq.eu`), where the intake's host says the site; a proxy's or a stand-in's does not.
    /// Source: Datadog, "Getting started with Datadog sites"; the second host is the Agent's.
    pub fn api_url(&self) -> Option<String> {
        let url = reqwest::Url::parse(&self.url).ok()?;
        let host = url.host_str()?;
        let of_host =
            ["http-intake.logs.", "agent-http-intake.logs."].iter().find_map(|start| host.strip_prefix(start));
        of_host.map(|site| format!("https://api.{site}"))
    }
}

pub(super) fn read(reader: &mut VariableReader) -> DeliverySettings {
    let scheme = if reader.flag("DD_NO_SSL") { "http" } else { "https" };
    let port = reader.number("DD_PORT", 1..=65535);
    let site = reader.get("DD_SITE").map_or_else(|| SITES[0].to_owned(), |site| site.to_ascii_lowercase());
    let url = match reader.get("DD_URL") {
        Some(url) => from_url(&url, scheme, port).unwrap_or_else(|problem| {
            reader.mistake("DD_URL", problem);
            String::new()
        }),
        None => from_site(reader, &site, scheme, port),
    };
    let skip_ssl_validation = reader.flag("DD_SKIP_SSL_VALIDATION");
    if skip_ssl_validation {
        reader.warnings.push(
            "DD_SKIP_SSL_VALIDATION is on: the intake's certificate is not verified, so anyone on the network path can \
             read the logs and the API key; if a proxy ends TLS, name its root with PODFERRY_CA_BUNDLE instead"
                .to_owned(),
        );
    }
    if is_in_the_clear(&url) {
        reader.warnings.push(
            "the intake's address is not https (DD_URL, DD_NO_SSL): the logs and the API key are sent unencrypted"
                .to_owned(),
        );
    }
    let network = network::read(reader);
    let workers = reader.number("DD_MAX_WORKERS", 1..=64).map_or(DEFAULT_WORKERS, |workers| workers as usize);
    DeliverySettings { url, skip_ssl_validation, network, workers }
}

fn from_site(reader: &mut VariableReader, site: &str, scheme: &str, port: Option<u64>) -> String {
    if !is_host(site) {
        reader.mistake("DD_SITE", format!("must be a Datadog site, such as one of {}", SITES.join(", ")));
    } else if !SITES.contains(&site) {
        reader
            .warnings
            .push(format!("DD_SITE is not a site podferry knows ({}); it is used as it is", SITES.join(", ")));
    }
    format!("{scheme}://http-intake.logs.{site}{}{INTAKE_PATH}", colon(port))
}

/// Whether an address is one to send a key to: https, or loopback.
pub fn may_take_keys(url: &str) -> bool {
    let is_http = reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    is_http && !is_in_the_clear(url)
}

/// Whether others could listen: not on loopback, where tests and the demo are.
fn is_in_the_clear(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let is_loopback =
        url.host_str().is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."));
    url.scheme() == "http" && !is_loopback
}

fn colon(port: Option<u64>) -> String {
    port.map(|port| format!(":{port}")).unwrap_or_default()
}

fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    !name.is_empty() && name.split('.').all(is_label)
}

/// A bare host as Datadog's forwarder takes it (`DD_PORT` and `DD_NO_SSL` apply), or a whole URL.
fn from_url(url: &str, scheme: &str, port: Option<u64>) -> Result<String, &'static str> {
    const EXPECTED: &str =
        "must be a host such as `http-intake.logs.datadoghq.eu`, or a URL such as `http://127.0.0.1:8080`";
    let whole = if url.contains("://") { url.to_owned() } else { format!("{scheme}://{url}") };
    let mut parsed = reqwest::Url::parse(&whole).map_err(|_| EXPECTED)?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none_or(str::is_empty) {
        return Err(EXPECTED);
    }
    if let (Some(port), None) = (port, parsed.port()) {
        // The range was checked when the variable was read.
        parsed.set_port(u16::try_from(port).ok()).map_err(|()| EXPECTED)?;
    }
    if parsed.path() == "/" {
        parsed.set_path(INTAKE_PATH);
    }
    Ok(parsed.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, VariableSource};
    use super::*;

    fn url<const N: usize>(pairs: [(&str, &str); N]) -> String {
        struct WithKey<S>(S);
        impl<S: VariableSource> VariableSource for WithKey<S> {
            fn get(&self, name: &str) -> Option<String> {
                if name == "DD_API_KEY" { Some("k".to_owned()) } else { self.0.get(name) }
            }
        }
        match Settings::read(&WithKey(pairs)) {
            Ok(settings) => settings.delivery.url,
            Err(mistakes) => mistakes.to_string(),
        }
    }

    #[test]
    fn every_site_has_its_intake() {
        for site in SITES {
            assert_eq!(url([("DD_SITE", site)]), format!("https://http-intake.logs.{site}/api/v2/logs"));
        }
        assert_eq!(url([]), "https://http-intake.logs.datadoghq.com/api/v2/logs");
        assert_eq!(url([("DD_SITE", "new.example.com")]), "https://http-intake.logs.new.example.com/api/v2/logs");
        assert!(url([("DD_SITE", "https://datadoghq.eu")]).contains("DD_SITE: must be"));
    }

    #[test]
    fn keys_go_nowhere_in_the_clear() {
        assert!(may_take_keys("https://api.datadoghq.eu") && may_take_keys("http://127.0.0.1:80"));
        assert!(
            !may_take_keys("http://api.datadoghq.eu")
                && !may_take_keys("api.datadoghq.eu")
                && !may_take_keys("ftp://x")
        );
    }

    #[test]
    fn the_api_is_of_the_same_site() {
        let api = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .chain(&[("DD_API_KEY", "k")])
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Settings::read(&pairs.collect::<std::collections::HashMap<_, _>>()).unwrap().delivery.api_url()
        };
        assert_eq!(api(&[("DD_SITE", "us5.datadoghq.com")]).as_deref(), Some("https://api.us5.datadoghq.com"));
        assert_eq!(
            api(&[("DD_URL", "agent-http-intake.logs.datadoghq.eu")]).as_deref(),
            Some("https://api.datadoghq.eu")
        );
        assert_eq!(api(&[("DD_URL", "http://127.0.0.1:8080")]), None);
    }

    #[test]
    fn an_unknown_site_is_warned_of() {
        let settings = Settings::read(&[("DD_API_KEY", "k"), ("DD_SITE", "new.example.com")]).unwrap();
        assert_eq!(settings.warnings.len(), 1);
        assert!(Settings::read(&[("DD_API_KEY", "k"), ("DD_SITE", "DataDogHQ.eu")]).unwrap().warnings.is_empty());
    }

    #[test]
    fn urls_are_hosts_or_whole() {
        assert_eq!(url([("DD_URL", "intake.local")]), "https://intake.local/api/v2/logs");
        assert_eq!(url([("DD_URL", "intake.local"), ("DD_PORT", "8443")]), "https://intake.local:8443/api/v2/logs");
        assert_eq!(url([("DD_URL", "intake.local:81"), ("DD_NO_SSL", "true")]), "http://intake.local:81/api/v2/logs");
        assert_eq!(url([("DD_URL", "http://127.0.0.1:8080")]), "http://127.0.0.1:8080/api/v2/logs");
        assert_eq!(url([("DD_URL", "https://proxy.local/datadog")]), "https://proxy.local/datadog");
        for wrong in ["ftp://x", "http://", "a b", "http://x:99999"] {
            assert!(url([("DD_URL", wrong)]).contains("DD_URL: must be"), "{wrong}");
        }
    }

    #[test]
    fn ports_at_the_edges() {
        for (port, ok) in [("0", false), ("1", true), ("65535", true), ("65536", false)] {
            assert_eq!(!url([("DD_PORT", port)]).contains("DD_PORT: must"), ok, "{port}");
        }
    }
}
