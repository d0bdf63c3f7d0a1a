//! Rows of a second table belong to things that a first one gave.

use std::collections::HashMap;
use std::hash::Hash;

/// The thing that a row's key belongs to, by the places of all keys.
pub(crate) fn placed<'a, K: Eq + Hash, T>(
    things: &'a mut [T],
    places: &HashMap<K, usize>,
    key: &K,
) -> Option<&'a mut T> {
    places.get(key).and_then(|place| things.get_mut(*place))
}
