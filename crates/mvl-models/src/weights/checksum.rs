//! SHA-256 in digits, whole or only the first of them, as names of published files end in.

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// The fewest digits that tell anything.
const MIN_DIGITS: usize = 8;
/// All of them.
const ALL_DIGITS: usize = 64;
const BUFFER_BYTES: usize = 1 << 18;

/// A SHA-256, or how one begins, as lower-case digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sha256Digits(String);

impl Sha256Digits {
    /// `None` when these are not the first 8 to 64 digits of a SHA-256.
    pub(super) fn new(digits: &str) -> Option<Self> {
        let plausible =
            (MIN_DIGITS..=ALL_DIGITS).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        plausible.then(|| Self(digits.to_ascii_lowercase()))
    }

    /// Of all bytes that are left to read.
    pub(super) fn of(mut from: impl Read) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        digest_all(&mut from, &mut hasher)?;
        Ok(Self::from_hasher(hasher))
    }

    pub(super) fn from_hasher(hasher: Sha256) -> Self {
        Self(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(super) fn begins_with(&self, expected: &Self) -> bool {
        self.0.starts_with(&expected.0)
    }
}

/// Hashes all bytes that are left to read.
pub(super) fn digest_all(from: &mut impl Read, hasher: &mut Sha256) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            bytes => hasher.update(&buffer[..bytes]),
        }
    }
}

impl fmt::Display for Sha256Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_sha_256() {
        let abc = Sha256Digits::of(&b"abc"[..]).expect("in memory");
        assert_eq!(abc.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(abc.begins_with(&Sha256Digits::new("BA7816bf").expect("eight digits")));
        assert_eq!(Sha256Digits::new("ba7816b"), None);
        assert_eq!(Sha256Digits::new("owt-7be5"), None);
    }
}
