//! Rectangles cut out of images, and zeros put around them, with torchvision's rounding.
//!
//! # Source
//! `center_crop`, `crop` and `pad` of `torchvision/transforms/functional.py`, <https://github.com/pytorch/vision>.

use mvl_core::{Channels, Image};

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CropBox {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl CropBox {
    /// The box of a whole image.
    #[must_use]
    pub fn whole(image: &Image) -> Self {
        Self { top: 0, left: 0, height: image.height(), width: image.width() }
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> std::ops::Range<u32> {
        self.top..self.top.saturating_add(self.height)
    }

    /// Whether it lies inside an image of this size and holds a pixel.
    #[must_use]
    pub fn fits(&self, height: u32, width: u32) -> bool {
        let inside = |start: u32, len: u32, side: u32| len > 0 && start.checked_add(len).is_some_and(|end| end <= side);
        inside(self.top, self.height, height) && inside(self.left, self.width, width)
    }
}

/// Cuts a rectangle out.
///
/// # Panics
/// If the rectangle is empty or leaves the image.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// use mvl_data::{CropBox, crop};
/// let image = Image::new(3, 2, Channels::Gray, vec![1, 2, 3, 4, 5, 6])?;
/// assert_eq!(crop(image, CropBox { top: 1, left: 1, height: 1, width: 2 }).pixels(), [5, 6]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn crop(image: Image, area: CropBox) -> Image {
    assert!(
        area.fits(image.height(), image.width()),
        "{area:?} leaves an image of {}x{} pixels",
        image.width(),
        image.height()
    );
    if area == CropBox::whole(&image) {
        return image;
    }
    let count = image.channels().count();
    let (row_bytes, kept_bytes) = (image.width() as usize * count, area.width as usize * count);
    let mut pixels = Vec::with_capacity(area.height as usize * kept_bytes);
    let rows = image.pixels().chunks_exact(row_bytes).skip(area.top as usize).take(area.height as usize);
    for row in rows {
        pixels.extend_from_slice(&row[area.left as usize * count..][..kept_bytes]);
    }
    Image::new(area.width, area.height, image.channels(), pixels).expect("every row was cut to the same length")
}

/// Where torchvision cuts the centre of an image at least as large as `[height, width]`: a half goes to the even neighbour.
///
/// # Panics
/// If the image is smaller.
#[must_use]
pub fn center_crop_box(image_size: [u32; 2], size: [u32; 2]) -> CropBox {
    let start = |side: u32, kept: u32| {
        assert!(kept <= side, "a centre crop of {kept} pixels does not fit into {side}");
        (f64::from(side - kept) / 2.0).round_ties_even() as u32
    };
    CropBox { top: start(image_size[0], size[0]), left: start(image_size[1], size[1]), height: size[0], width: size[1] }
}

/// The centre, `[height, width]`; zeros are put around a smaller image first.
///
/// # Panics
/// If a side is 0.
#[must_use]
pub fn center_crop(image: Image, size: [u32; 2]) -> Image {
    let image = pad_to(image, size);
    let area = center_crop_box([image.height(), image.width()], size);
    crop(image, area)
}

/// Zeros around an image that is smaller than `[height, width]`, the odd one on the right and at the bottom.
pub(crate) fn pad_to(image: Image, [height, width]: [u32; 2]) -> Image {
    let missing = [height.saturating_sub(image.height()), width.saturating_sub(image.width())];
    let [vertical, horizontal] = missing.map(|missing| [missing / 2, missing.div_ceil(2)]);
    pad(image, vertical, horizontal)
}

/// Zeros above and below, left and right.
fn pad(image: Image, [above, below]: [u32; 2], [left, right]: [u32; 2]) -> Image {
    if [above, below, left, right] == [0; 4] {
        return image;
    }
    let (width, height) = (image.width() + left + right, image.height() + above + below);
    let count = image.channels().count();
    let bytes = |side: u32| side as usize * count;
    let mut pixels = vec![0; bytes(width) * height as usize];
    let inner = pixels[bytes(width) * above as usize..].chunks_exact_mut(bytes(width));
    for (to, from) in inner.zip(image.pixels().chunks_exact(bytes(image.width()))) {
        to[bytes(left)..][..from.len()].copy_from_slice(from);
    }
    rebuild(width, height, image.channels(), pixels)
}

fn rebuild(width: u32, height: u32, channels: Channels, pixels: Vec<u8>) -> Image {
    Image::new(width, height, channels, pixels).expect("the buffer was made for this size")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32) -> Image {
        Image::new(width, height, Channels::Gray, (1..=(width * height) as u8).collect()).expect("one byte a pixel")
    }

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        // torchvision: int(round((5 - 2) / 2.0)) is 2, int(round((3 - 2) / 2.0)) is 0
        assert_eq!(center_crop_box([5, 3], [2, 2]), CropBox { top: 2, left: 0, height: 2, width: 2 });
        assert_eq!(center_crop_box([383, 256], [224, 224]).top, 80); // 79.5
        assert_eq!(center_crop_box([385, 256], [224, 224]).top, 80); // 80.5
    }

    #[test]
    fn a_small_image_is_padded() {
        let padded = center_crop(gray(1, 2), [5, 2]);
        assert_eq!(padded.pixels(), [0, 0, 1, 0, 2, 0, 0, 0, 0, 0]);
        let mixed = center_crop(gray(4, 1), [2, 2]);
        assert_eq!(mixed.pixels(), [2, 3, 0, 0]);
    }

    #[test]
    #[should_panic(expected = "leaves an image of 2x2 pixels")]
    fn a_crop_outside_panics() {
        let _ = crop(gray(2, 2), CropBox { top: 1, left: 0, height: 2, width: 2 });
    }
}
