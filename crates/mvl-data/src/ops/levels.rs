//! Changes to single levels as a table: what becomes of each of the 256, looked up for every value of an image.

use mvl_core::Image;

/// What becomes of each level.
pub(super) type Levels = [u8; 256];

/// The table of a function.
pub(super) fn levels(change: impl Fn(u8) -> u8) -> Levels {
    std::array::from_fn(|level| change(level as u8))
}

/// The same table for every channel.
pub(super) fn map_levels(mut image: Image, table: &Levels) -> Image {
    for value in image.pixels_mut() {
        *value = table[usize::from(*value)];
    }
    image
}

/// A table for each of an image's channels.
pub(super) fn map_channels<const C: usize>(mut image: Image, tables: &[Levels; C]) -> Image {
    for pixel in image.pixels_mut().as_chunks_mut::<C>().0 {
        for (value, table) in pixel.iter_mut().zip(tables) {
            *value = table[usize::from(*value)];
        }
    }
    image
}

/// How often each level occurs, for each of an image's channels.
pub(super) fn histograms<const C: usize>(image: &Image) -> [[u32; 256]; C] {
    let mut histograms = [[0; 256]; C];
    for pixel in image.pixels().as_chunks::<C>().0 {
        for (histogram, &level) in histograms.iter_mut().zip(pixel) {
            histogram[usize::from(level)] += 1;
        }
    }
    histograms
}
