//! Changes to single levels as a table: what becomes of each of the 256, looked up for every value of an image.

use mvl_core::{Channels, Image};

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

/// A table for each channel, of which there must be as many.
pub(super) fn map_channels(mut image: Image, tables: &[Levels]) -> Image {
    match (image.channels(), tables) {
        (Channels::Rgb, [red, green, blue]) => {
            for [r, g, b] in image.pixels_mut().as_chunks_mut::<3>().0 {
                *r = red[usize::from(*r)];
                *g = green[usize::from(*g)];
                *b = blue[usize::from(*b)];
            }
            image
        }
        (_, [table]) => map_levels(image, table),
        (channels, _) => unreachable!("{} tables for {channels:?}", tables.len()),
    }
}

/// How often each level occurs, for each channel.
pub(super) fn histograms(image: &Image) -> Vec<[u32; 256]> {
    match image.channels() {
        Channels::Rgb => count::<3>(image.pixels()).to_vec(),
        _ => count::<1>(image.pixels()).to_vec(),
    }
}

fn count<const C: usize>(pixels: &[u8]) -> [[u32; 256]; C] {
    let mut histograms = [[0; 256]; C];
    for pixel in pixels.as_chunks::<C>().0 {
        for (histogram, &level) in histograms.iter_mut().zip(pixel) {
            histogram[usize::from(level)] += 1;
        }
    }
    histograms
}
