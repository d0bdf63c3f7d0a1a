//! Resizing like Pillow's, to the bit: filters widen when they shrink (antialiasing), pixel centres lie at half coordinates.
//!
//! Pretrained weights expect exactly this: a resize without antialiasing costs them accuracy.

use mvl_core::{Filter, Image, MAX_SIDE_PX};

use super::cut::{Cut, CutWorkspace};
use super::{CropBox, View};

/// Resizes to `[height, width]`.
///
/// # Panics
/// If a side is 0.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Filter, Image};
/// let image = Image::new(2, 1, Channels::Gray, vec![0, 100])?;
/// assert_eq!(mvl_data::resize(&image, [1, 4], Filter::Bilinear).pixels(), [0, 25, 75, 100]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn resize(image: &Image, size: [u32; 2], filter: Filter) -> Image {
    resize_box(image, CropBox::whole(image), size, filter)
}

/// Resizes so that the shorter side has `short_side` pixels; the longer one keeps the aspect ratio, see [`short_side_size`].
///
/// # Panics
/// If `short_side` is 0.
#[must_use]
pub fn resize_short_side(image: &Image, short_side: u32, filter: Filter) -> Image {
    resize(image, short_side_size([image.height(), image.width()], short_side), filter)
}

/// The `[height, width]` to which torchvision's `Resize(short_side)` brings an image: the longer side is truncated,
/// `int(short_side * long / short)`. Ours also stops at [`MAX_SIDE_PX`], so that a hair-thin image cannot ask for all of memory.
#[must_use]
pub fn short_side_size([height, width]: [u32; 2], short_side: u32) -> [u32; 2] {
    let longer = |long: u32, short: u32| {
        let exact = u64::from(short_side) * u64::from(long) / u64::from(short.max(1));
        exact.min(u64::from(MAX_SIDE_PX.max(short_side))) as u32
    };
    if width <= height { [longer(height, width), short_side] } else { [short_side, longer(width, height)] }
}

/// Resizes a part of an image to `[height, width]`, as if it had been cut out first, but without the copy.
///
/// # Panics
/// If `area` leaves the image or a side is 0.
#[must_use]
pub fn resize_box(image: &Image, area: CropBox, size: [u32; 2], filter: Filter) -> Image {
    assert!(area.fits(image.height(), image.width()), "{area:?} leaves the image");
    let all = CropBox { top: 0, left: 0, height: size[0], width: size[1] };
    resize_part(image, area, size, all, filter)
}

/// `crop(resize(image, size), area)`, of which only the pixels that are kept are computed.
pub(crate) fn resize_then_crop(image: &Image, size: [u32; 2], area: CropBox, filter: Filter) -> Image {
    assert!(area.fits(size[0], size[1]), "{area:?} leaves the resized image");
    resize_part(image, CropBox::whole(image), size, area, filter)
}

/// `source_area` brought to `size`, of which `kept` is computed.
fn resize_part(image: &Image, source_area: CropBox, size: [u32; 2], kept: CropBox, filter: Filter) -> Image {
    let cut = Cut { area: source_area, size, kept, filter, mirrored: false };
    let mut pixels = Vec::new();
    cut.apply(View::from(image).into(), &mut CutWorkspace::default(), &mut pixels);
    Image::new(kept.width, kept.height, image.channels(), pixels).expect("a resized image has a pixel")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crop;
    use mvl_core::Channels;

    const FILTERS: [Filter; 4] = [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos];

    fn pattern(width: u32, height: u32, channels: Channels) -> Image {
        let len = width as usize * height as usize * channels.count();
        let pixels = (0..len).map(|at| (at * at * 31 + at * 7) as u8).collect();
        Image::new(width, height, channels, pixels).expect("filled")
    }

    #[test]
    fn the_longer_side_is_truncated() {
        assert_eq!(short_side_size([427, 640], 256), [256, 383]); // 383.7
        assert_eq!(short_side_size([640, 427], 256), [383, 256]);
        assert_eq!(short_side_size([300, 300], 256), [256, 256]);
        assert_eq!(short_side_size([1, 16_384], 256), [256, MAX_SIDE_PX]);
    }

    #[test]
    fn only_what_is_kept_is_computed_and_nothing_else_changes() {
        for channels in [Channels::Gray, Channels::Rgb] {
            let image = pattern(41, 29, channels);
            for size in [[20, 31], [29, 50], [60, 41], [29, 41], [77, 93]] {
                let area = CropBox { top: 3, left: 5, height: size[0] - 7, width: size[1] - 9 };
                for filter in FILTERS {
                    let fused = resize_then_crop(&image, size, area, filter);
                    assert_eq!(fused, crop(resize(&image, size, filter), area), "{channels:?} {size:?} {filter:?}");
                }
            }
        }
    }

    #[test]
    fn a_box_is_resized_as_if_it_had_been_cut_out() {
        let image = pattern(41, 29, Channels::Rgb);
        let area = CropBox { top: 2, left: 11, height: 20, width: 17 };
        for filter in FILTERS {
            let apart = resize(&crop(image.clone(), area), [8, 30], filter);
            assert_eq!(resize_box(&image, area, [8, 30], filter), apart, "{filter:?}");
        }
    }
}
