//! Sixty-four bits that stay nearly the same when a picture is scaled, compressed or brightened.
//!
//! Source: the difference hash of N. Krawetz, "Kind of Like That" (2013), <https://www.hackerfactor.com/blog/?/archives/529>:
//! reduce to 9x8 grey pixels; each bit says whether a pixel is brighter than its left neighbour.

use mvl_core::{Channels, Filter, Image};

use crate::ops::resize;

const COLUMNS: u32 = 9;
const ROWS: u32 = 8;
/// A picture whose reduced pixels differ by less than this is flat: its bits would be noise.
const LEAST_CONTRAST: u8 = 6;

/// The hash of a picture; `None` for one that is nearly flat, which is like every other flat one.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// use mvl_data::perceptual_hash;
/// let rising = Image::new(9, 8, Channels::Gray, (0..72).map(|at| at % 9 * 20).collect())?;
/// assert_eq!(perceptual_hash(&rising), Some(u64::MAX));
/// assert_eq!(perceptual_hash(&Image::new(9, 8, Channels::Gray, vec![7; 72])?), None);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn perceptual_hash(image: &Image) -> Option<u64> {
    let small = resize(image, [ROWS, COLUMNS], Filter::Bilinear).into_channels(Channels::Gray);
    let pixels = small.pixels();
    let (darkest, brightest) = (pixels.iter().min()?, pixels.iter().max()?);
    if brightest - darkest < LEAST_CONTRAST {
        return None;
    }
    let rises = pixels.chunks_exact(COLUMNS as usize).flat_map(|row| row.windows(2).map(|pair| pair[1] > pair[0]));
    Some(rises.fold(0, |hash, rises| hash << 1 | u64::from(rises)))
}
