//! The thousand classes of ImageNet-1k in torchvision's order and words.

use mvl_core::Labels;

/// One name a line; `assets/NOTES.md` says where it comes from.
const NAMES: &str = include_str!("../../assets/imagenet1k_labels.txt");

/// Class names in index order, as torchvision's weights carry them.
///
/// # Example
/// ```
/// let labels = mvl_models::weights::imagenet1k_labels();
/// assert_eq!((labels.len(), labels.name(285)), (1000, Some("Egyptian cat")));
/// ```
#[must_use]
pub fn imagenet1k_labels() -> Labels {
    Labels::new(NAMES.lines())
}
