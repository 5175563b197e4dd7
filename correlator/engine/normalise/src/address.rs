//! Whether a text is an address, by what Python's `ipaddress` reads as one.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether it is one; none where the two may not agree (the scope of an IPv6 address).
pub fn is_address(text: &[u8]) -> Option<bool> {
    if text.contains(&b'%') {
        return None;
    }
    let Ok(text) = std::str::from_utf8(text) else { return Some(false) };
    Some(text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok())
}
