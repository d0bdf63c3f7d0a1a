//! A size in a config file: one number for a square, or `[height, width]`.

use mvl_core::MAX_SIDE_PX;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a side in pixels, or [height, width]")]
enum Sides {
    Square(u32),
    Both([u32; 2]),
}

/// For `#[serde(deserialize_with)]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u32; 2], D::Error> {
    Ok(match Sides::deserialize(deserializer)? {
        Sides::Square(side) => [side, side],
        Sides::Both(sides) => sides,
    })
}

/// What is wrong with a size, if anything.
pub(super) fn problem(size: [u32; 2]) -> Option<String> {
    let fits = size.iter().all(|side| (1..=MAX_SIDE_PX).contains(side));
    (!fits).then(|| format!("size: expected sides of 1 to {MAX_SIDE_PX} pixels, got {size:?}"))
}
