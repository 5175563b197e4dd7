//! Addresses in networks, IPv4 and IPv6.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer};

/// A network: an address without its host bits, and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Read `address/prefix`, or one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(width), |prefix| prefix.parse().ok().filter(|prefix| *prefix <= width))?;
        Some(Self { address, prefix })
    }

    /// Whether it holds an address. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is in its IPv4 networks too.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address, address.to_canonical()) {
            (IpAddr::V4(network), _, IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                (network.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address), _) => {
                let shift = 128 - u32::from(self.prefix);
                (network.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no network")))
    }
}

/// The address a text is; the zone of an IPv6 address (`%eth0`) does not count.
pub fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    text.split_once('%').map_or(text, |(address, _)| address).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        for (network, text, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::/0", "::1", true),
            ("::ffff:0:0/96", "::ffff:10.0.0.1", true),
            ("fe80::/10", "fe80::1%eth0", true),
            ("2001:db8::/32", "2001:db9::", false),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(address(text.as_bytes()).is_some_and(|address| network.contains(address)), holds, "{text}");
        }
    }

    #[test]
    fn other_text_is_no_network() {
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "example.org/8", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
