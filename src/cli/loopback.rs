//! Addresses to listen on: of loopback, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};

use super::error::CommandError;

/// `127.0.0.1:8092`, `[::1]:8092`, `localhost:8092`, `:8092` or `8092`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse().map_err(|_| "give a port, such as 8092, or an address with a port, such as 127.0.0.1:8092".to_owned())
}

/// Refuses an address that others than this machine can reach.
pub(super) fn only(address: SocketAddr) -> Result<SocketAddr, CommandError> {
    if address.ip().is_loopback() { Ok(address) } else { Err(CommandError::NotLoopback(address)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_a_port_alone() {
        for text in ["8092", ":8092", "localhost:8092", "127.0.0.1:8092"] {
            assert_eq!(address(text).unwrap().to_string(), "127.0.0.1:8092", "{text}");
        }
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
        for text in ["", "65536", "-1", "127.0.0.1", "host:80", "localhost"] {
            assert!(address(text).unwrap_err().contains("such as 8092"), "{text}");
        }
    }

    #[test]
    fn what_the_network_reaches_is_refused() {
        for text in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1"] {
            assert!(only(address(text).unwrap()).is_ok(), "{text}");
        }
        for text in ["0.0.0.0:1", "[::]:1", "192.168.0.1:1", "[::ffff:127.0.0.1]:1"] {
            assert!(only(address(text).unwrap()).is_err(), "{text}");
        }
    }
}
