//! Names that no two processes share.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::now_ms;

/// 32 hexadecimal digits that were not seen before: half from the system's randomness, half with time and process in them.
pub(crate) fn unique_id() -> String {
    let (first, second) = (RandomState::new(), RandomState::new());
    format!("{:016x}{:016x}", first.hash_one(0), second.hash_one((now_ms(), std::process::id())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_are_the_same() {
        let names: std::collections::BTreeSet<_> = (0..1_000).map(|_| super::unique_id()).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| name.len() == 32));
    }
}
