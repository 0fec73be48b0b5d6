//! How anything outside is reached, Datadog and AWS alike: `HTTPS_PROXY` and its sisters, and `PODFERRY_CA_BUNDLE`.

use rustls::RootCertStore;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, TrustAnchor};

use super::reader::VariableReader;
use super::variables::FileProblem;

/// Names a file of certificates in PEM.
const CA_BUNDLE: &str = "PODFERRY_CA_BUNDLE";

/// The name by which the AWS CLI takes such a file, for commands. Source: AWS CLI User Guide, "Environment variables".
const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// How large the file may be. All of Mozilla's roots have about 220 kB of it, and no proxy needs them: they are compiled in.
pub(super) const MAX_BUNDLE_BYTES: usize = 1024 * 1024;

/// How to reach anything: by which proxies, and whose certificates count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    pub proxies: Proxies,
    /// Roots besides those that are compiled in.
    pub(crate) own_roots: Vec<TrustAnchor<'static>>,
}

/// The proxy variables, in either case of letters; the lower-case name wins, as with curl.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    pub(crate) http: Option<String>,
    pub(crate) https: Option<String>,
    /// Comma-separated hosts to reach directly.
    pub none: Option<String>,
}

/// The function's.
pub(super) fn read(reader: &mut VariableReader) -> Network {
    Network { proxies: proxies(reader), own_roots: own_roots(reader, CA_BUNDLE).unwrap_or_default() }
}

/// A command's: it runs where the AWS CLI runs, and behind the same proxy.
pub(super) fn read_for_command(reader: &mut VariableReader) -> Network {
    let own_roots = own_roots(reader, CA_BUNDLE).or_else(|| own_roots(reader, AWS_CA_BUNDLE));
    Network { proxies: proxies(reader), own_roots: own_roots.unwrap_or_default() }
}

/// The certificates in the file that a variable names; `None` if it is not set.
fn own_roots(reader: &mut VariableReader, variable: &'static str) -> Option<Vec<TrustAnchor<'static>>> {
    let path = reader.get(variable)?;
    let roots = match reader.source.file(&path, MAX_BUNDLE_BYTES) {
        Ok(bytes) => certificates(&bytes),
        // Its settings are looked at from elsewhere, and nothing is sent by them.
        Err(FileProblem::Elsewhere) => Ok(Roots::default()),
        Err(problem) => Err(what_is_wrong(problem)),
    };
    let roots = roots.unwrap_or_else(|problem| {
        reader.mistake(variable, problem);
        Roots::default()
    });
    if roots.beside_a_key {
        reader.warnings.push(format!(
            "{variable} names a file with a private key in it: whoever can read the file has the key; keep only certificates there"
        ));
    }
    Some(roots.anchors)
}

fn what_is_wrong(problem: FileProblem) -> String {
    let seen = match problem {
        FileProblem::Missing => "names a file that does not exist",
        FileProblem::Denied => "names a file that may not be read",
        FileProblem::NoFile => "does not name a file, but a directory or a device",
        FileProblem::TooLarge => return format!("names a file of more than {MAX_BUNDLE_BYTES} bytes"),
        FileProblem::Unreadable | FileProblem::Elsewhere => "names a file that cannot be read",
    };
    format!("{seen}; it must be the path of a file with certificates in PEM, such as `/opt/ca.pem` of a layer")
}

/// What begins a certificate in PEM. Source: RFC 7468, section 5.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[derive(Debug, Default, PartialEq, Eq)]
struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    beside_a_key: bool,
}

/// All certificates of a text in PEM. What is in no section, or in a section of another kind, is passed over, as usual.
fn certificates(pem: &[u8]) -> Result<Roots, String> {
    const FORM: &str =
        "each must stand between `-----BEGIN CERTIFICATE-----` and `-----END CERTIFICATE-----`, in base64";
    let mut store = RootCertStore::empty();
    let mut beside_a_key = false;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let number = store.len() + 1;
        match section {
            Err(_) => return Err(format!("names a file that is not PEM, at its certificate {number}: {FORM}")),
            Ok((SectionKind::Certificate, der)) => store.add(CertificateDer::from(der)).map_err(|_| {
                format!("names a file whose certificate {number} is damaged, or is no X.509 certificate")
            })?,
            Ok((SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey, _)) => {
                beside_a_key = true;
            }
            Ok(_) => {}
        }
    }
    if store.is_empty() {
        return Err(format!("names a file without a certificate in PEM: {FORM}"));
    }
    // A mark behind a byte order mark or an indent begins no section: that certificate would be missing, and nothing said.
    let marks = pem.windows(BEGIN.len()).filter(|part| *part == BEGIN).count();
    if marks != store.len() {
        return Err(format!(
            "names a file with {marks} certificates, of which {} can be read: each line of a certificate has to begin at its first column, without a byte order mark",
            store.len()
        ));
    }
    Ok(Roots { anchors: store.roots, beside_a_key })
}

fn proxies(reader: &mut VariableReader) -> Proxies {
    Proxies {
        http: proxy(reader, "http_proxy", "HTTP_PROXY"),
        https: proxy(reader, "https_proxy", "HTTPS_PROXY"),
        none: reader.get("no_proxy").or_else(|| reader.get("NO_PROXY")),
    }
}

fn proxy(reader: &mut VariableReader, lower: &'static str, upper: &'static str) -> Option<String> {
    let value = reader.get(lower).or_else(|| reader.get(upper))?;
    let whole = if value.contains("://") { value } else { format!("http://{value}") };
    if reqwest::Url::parse(&whole).is_err() {
        reader.mistake(upper, "must be the URL of a proxy, such as `http://proxy.example.com:3128`");
        return None;
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::{Settings, VariableSource};
    use super::*;

    fn certificate(name: &str) -> String {
        section("CERTIFICATE", rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.der())
    }

    fn section(kind: &str, der: &[u8]) -> String {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
    }

    /// Variables, and one file at any path.
    struct WithFile<'f> {
        variables: Vec<(&'static str, &'static str)>,
        file: Result<&'f [u8], FileProblem>,
        asked: RefCell<Vec<String>>,
    }

    impl<'f> WithFile<'f> {
        fn new(variables: &[(&'static str, &'static str)], file: Result<&'f [u8], FileProblem>) -> WithFile<'f> {
            WithFile { variables: variables.to_vec(), file, asked: RefCell::default() }
        }
    }

    impl VariableSource for WithFile<'_> {
        fn get(&self, name: &str) -> Option<String> {
            self.variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        }

        fn file(&self, path: &str, _: usize) -> Result<Vec<u8>, FileProblem> {
            self.asked.borrow_mut().push(path.to_owned());
            self.file.map(<[u8]>::to_vec)
        }
    }

    const SET: [(&str, &str); 2] = [("DD_API_KEY", "k"), (CA_BUNDLE, "/geheim/ca.pem")];

    fn read_file(file: &[u8]) -> Result<Settings, String> {
        Settings::read(&WithFile::new(&SET, Ok(file))).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn all_certificates_of_the_file_count() {
        let (one, two) = (certificate("one"), certificate("two"));
        let roots = |file: &str| read_file(file.as_bytes()).unwrap().delivery.network.own_roots.len();
        assert_eq!(roots(&one), 1);
        // With comments and Windows' ends of lines, as bundles have them.
        assert_eq!(roots(&format!("# One\n{one}\nsubject=Two\n{two}").replace('\n', "\r\n")), 2);
        let csr = section("CERTIFICATE REQUEST", b"x");
        assert_eq!(roots(&format!("{csr}{one}")), 1);
        assert_eq!(Settings::read(&[("DD_API_KEY", "k")]).unwrap().delivery.network, Network::default());
    }

    #[test]
    fn what_is_no_bundle_is_a_mistake_that_repeats_nothing_of_it() {
        let good = certificate("one");
        let cut = &good[..good.len() / 2];
        let foreign = section("CERTIFICATE", b"geheim");
        let not_base64 = "-----BEGIN CERTIFICATE-----\ngeheim!\n-----END CERTIFICATE-----\n";
        for (file, problem) in [
            ("", "without a certificate in PEM"),
            ("geheim", "without a certificate in PEM"),
            ("\u{30}\u{82}\u{1}geheim", "without a certificate in PEM"),
            (&section("PRIVATE KEY", b"geheim"), "without a certificate in PEM"),
            (&section("TRUSTED CERTIFICATE", b"geheim"), "without a certificate in PEM"),
            (cut, "is not PEM, at its certificate 1"),
            (not_base64, "is not PEM, at its certificate 1"),
            (&format!("{good}{cut}"), "is not PEM, at its certificate 2"),
            (&foreign, "certificate 1 is damaged"),
            (&format!("{good}{foreign}"), "certificate 2 is damaged"),
            (&format!("\u{feff}{good}{good}"), "2 certificates, of which 1 can be read"),
            (&format!("{good}{}", good.replace("-----BEGIN", " -----BEGIN")), "2 certificates, of which 1 can be read"),
        ] {
            let said = read_file(file.as_bytes()).unwrap_err();
            assert!(
                said.contains(&format!("\n  {CA_BUNDLE}: names a file")) && said.contains(problem),
                "{file}: {said}"
            );
            assert!(!said.contains("geheim"), "{said}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_mistake() {
        for (problem, said) in [
            (FileProblem::Missing, "does not exist"),
            (FileProblem::Denied, "may not be read"),
            (FileProblem::NoFile, "a directory or a device"),
            (FileProblem::TooLarge, "more than 1048576 bytes"),
            (FileProblem::Unreadable, "cannot be read"),
        ] {
            let mistakes = Settings::read(&WithFile::new(&SET, Err(problem))).unwrap_err();
            assert_eq!(mistakes.0.len(), 1);
            let mistake = mistakes.to_string();
            assert!(mistake.contains(CA_BUNDLE) && mistake.contains(said) && !mistake.contains("geheim"), "{mistake}");
        }
        // The doctor looks at a function's variables, and has none of its files.
        let elsewhere = Settings::read(&WithFile::new(&SET, Err(FileProblem::Elsewhere))).unwrap();
        assert_eq!(elsewhere.delivery.network, Network::default());
    }

    #[test]
    fn a_private_key_in_the_file_is_warned_of() {
        let file = certificate("one") + &section("PRIVATE KEY", b"x");
        let settings = read_file(file.as_bytes()).unwrap();
        assert!(
            settings.warnings.len() == 1 && settings.warnings[0].contains("private key"),
            "{:?}",
            settings.warnings
        );
        assert_eq!(read_file(certificate("one").as_bytes()).unwrap().warnings.len(), 0);
    }

    #[test]
    fn a_command_takes_the_bundle_of_the_aws_cli_unless_there_is_one_of_podferry() {
        let file = certificate("one");
        let asked = |variables: &[(&'static str, &'static str)]| {
            let source = WithFile::new(variables, Ok(file.as_bytes()));
            let network = Settings::read_network(&source).unwrap();
            assert_eq!(network.own_roots.len(), source.asked.borrow().len());
            source.asked.into_inner()
        };
        assert_eq!(asked(&[(AWS_CA_BUNDLE, "/aws")]), ["/aws"]);
        assert_eq!(asked(&[(AWS_CA_BUNDLE, "/aws"), (CA_BUNDLE, "/own")]), ["/own"]);
        assert_eq!(asked(&[(AWS_CA_BUNDLE, "/aws"), (CA_BUNDLE, " ")]), ["/aws"]);
        assert!(asked(&[]).is_empty());
        let missing = WithFile::new(&[(AWS_CA_BUNDLE, "/aws")], Err(FileProblem::Missing));
        assert!(Settings::read_network(&missing).unwrap_err().to_string().contains("AWS_CA_BUNDLE: names a file"));
        // The function does not: nobody meant it for Datadog.
        let function = WithFile::new(&[("DD_API_KEY", "k"), (AWS_CA_BUNDLE, "/aws")], Ok(b"x"));
        assert_eq!(Settings::read(&function).unwrap().delivery.network, Network::default());
        assert!(function.asked.borrow().is_empty());
    }
}
