//! Which addresses are the world's, and which are somebody's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public internet. Whatever is reserved for anything else is not (RFC 6890 and the registries of
/// special addresses), nor what carries another address within it, where that could be one of these.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let reserved = matches!(
        (first, second, third),
        (0 | 10 | 127, ..)          // this host, private, loopback
            | (100, 64..=127, _)    // shared by carriers
            | (169, 254, _)         // link-local
            | (172, 16..=31, _)     // private
            | (192, 0, 0 | 2)       // protocols, documentation
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 88, 99)         // relays of 6to4
            | (192, 168, _)         // private
            | (192, 175, 48)
            | (198, 18 | 19, _)     // benchmarks
            | (198, 51, 100)        // documentation
            | (203, 0, 113)         // documentation
            | (224..=255, ..) // multicast, reserved, broadcast
    );
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    // Global unicast alone; in it, what is set apart for protocols (Teredo, ORCHID …), documentation and 6to4 is not.
    let global = parts[0] & 0xe000 == 0x2000;
    let apart = matches!((parts[0], parts[1]), (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff));
    global && !apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_world_is_public() {
        for public in
            ["8.8.8.8", "1.1.1.1", "100.63.0.1", "172.32.0.1", "192.167.0.1", "2606:4700::1111", "2a00:1450::1"]
        {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        for other in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!is_public(other.parse().expect("an address")), "{other}");
        }
    }
}
