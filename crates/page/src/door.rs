//! Who may see the page: who knows its address, in which is a random token, and has come by an address of loopback.
//!
//! Other users of the machine, and pages of the web in the same browser, know the port or try them all. They lack the token. A page of the web
//! that has its own name resolve to 127.0.0.1 (DNS rebinding) is told by the name, which the browser sends as `Host`.

use std::io;
use std::net::IpAddr;

use hyper::Request;
use hyper::header::HOST;
use ring::hmac::{self, HMAC_SHA256, Key};
use ring::rand::{SecureRandom, SystemRandom};

/// How many random bytes the token has: as many as no one can try.
const TOKEN_BYTES: usize = 24;

/// The token, and how a guess is compared with it.
pub(crate) struct Door {
    token: String,
    /// A guess is compared by its code under a key that nobody knows: so the time tells nothing about how much of it was right.
    key: Key,
    code: hmac::Tag,
}

impl Door {
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn new() -> io::Result<Door> {
        let random = SystemRandom::new();
        let none = |_| io::Error::other("the system has no random numbers");
        let mut bytes = [0; TOKEN_BYTES];
        random.fill(&mut bytes).map_err(none)?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = Key::generate(HMAC_SHA256, &random).map_err(none)?;
        let code = hmac::sign(&key, token.as_bytes());
        Ok(Door { token, key, code })
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// What is asked for behind the token, without the slash before it: empty for the page itself, `None` in it where there is no slash.
    /// `None` for whoever may not come in; they are not told why.
    pub(crate) fn admits<'r, B>(&self, request: &'r Request<B>) -> Option<Option<&'r str>> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = hosts.next()?.to_str().ok()?;
        if hosts.next().is_some() || !is_loopback(host) {
            return None;
        }
        let path = request.uri().path().strip_prefix('/')?;
        let (guess, rest) = path.split_once('/').map_or((path, None), |(guess, rest)| (guess, Some(rest)));
        hmac::verify(&self.key, guess.as_bytes(), self.code.as_ref()).ok()?;
        Some(rest)
    }
}

/// Whether a `Host` is of this machine: an address of loopback or `localhost`, with any port, for a tunnel's end has another.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() && ip.is_ipv6() == (address.len() < name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_loopback_are_let_in() {
        for host in ["127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "localhost", "LOCALHOST:8080", "[::1]", "[::1]:8080"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            ":",
            ":80",
            "evil.example",
            "evil.example:80",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "localhost.",
            "0.0.0.0",
            "192.168.1.1:80",
            "127.1",
            "2130706433",
            "0x7f000001",
            "::1",
            "[::1",
            "[127.0.0.1]",
            "[::ffff:127.0.0.1]",
            "127.0.0.1:",
            "127.0.0.1:80:80",
            "user@127.0.0.1",
            "127.0.0.1 ",
            "[::1]:x",
            "[::]",
            "xn--localhost",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_long_and_no_two_are_the_same() {
        let tokens = [Door::new().unwrap(), Door::new().unwrap()].map(|door| door.token().to_owned());
        assert_ne!(tokens[0], tokens[1]);
        assert!(tokens.iter().all(|token| token.len() == 48 && token.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}
