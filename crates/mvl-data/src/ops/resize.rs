//! Resampling like Pillow's: filters widen when they shrink (antialiasing), pixel centres lie at half coordinates.
//!
//! Bilinear, bicubic and Lanczos run in `fast_image_resize` and stay within one level of Pillow, which runs its two passes in
//! the other order; nearest is Pillow's to the byte. Pretrained weights expect exactly this: a resize without antialiasing
//! costs them accuracy.

use std::cell::RefCell;

use fast_image_resize::images::{CroppedImage, Image as Buffer, ImageRef};
use fast_image_resize::{FilterType, IntoImageView, PixelType, ResizeAlg, ResizeOptions, Resizer};
use mvl_core::{Channels, Filter, Image, MAX_SIDE_PX};

use super::CropBox;

/// A thread keeps its resizer's buffers up to this size.
const KEPT_BUFFER_BYTES: usize = 16 << 20;

thread_local! {
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

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
    let Some(algorithm) = convolution(filter) else {
        return nearest(image, area, size, CropBox { top: 0, left: 0, height: size[0], width: size[1] });
    };
    let options = ResizeOptions::new().resize_alg(algorithm);
    if area == CropBox::whole(image) {
        return run(&view(image), image.channels(), size, &options);
    }
    let view = view(image);
    let part = CroppedImage::new(&view, area.left, area.top, area.width, area.height).expect("the area fits");
    run(&part, image.channels(), size, &options)
}

/// `crop(resize(image, size), area)`, of which only the pixels that are kept are computed.
pub(crate) fn resize_then_crop(image: &Image, size: [u32; 2], area: CropBox, filter: Filter) -> Image {
    assert!(area.fits(size[0], size[1]), "{area:?} leaves the resized image");
    let Some(algorithm) = convolution(filter) else {
        return nearest(image, CropBox::whole(image), size, area);
    };
    let (left, width) = in_source(area.left, area.width, size[1], image.width());
    let (top, height) = in_source(area.top, area.height, size[0], image.height());
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, width, height);
    run(&view(image), image.channels(), [area.height, area.width], &options)
}

/// Where an interval of the resized axis begins in the source, and how long it is there.
fn in_source(start: u32, len: u32, resized: u32, source: u32) -> (f64, f64) {
    let (source, resized) = (f64::from(source), f64::from(resized));
    let start = f64::from(start) * source / resized;
    let mut len = f64::from(len) * source / resized;
    while start + len > source {
        len = len.next_down(); // rounding may have carried it past the edge
    }
    (start, len)
}

/// `None` for nearest neighbour.
fn convolution(filter: Filter) -> Option<ResizeAlg> {
    let filter = match filter {
        Filter::Nearest => return None,
        Filter::Bicubic => FilterType::CatmullRom,
        Filter::Lanczos => FilterType::Lanczos3,
        _ => FilterType::Bilinear,
    };
    Some(ResizeAlg::Convolution(filter))
}

fn pixel_type(channels: Channels) -> PixelType {
    match channels {
        Channels::Gray => PixelType::U8,
        _ => PixelType::U8x3,
    }
}

fn view(image: &Image) -> ImageRef<'_> {
    ImageRef::new(image.width(), image.height(), image.pixels(), pixel_type(image.channels()))
        .expect("an image's pixels fill its size, and bytes are always aligned")
}

fn run(source: &impl IntoImageView, channels: Channels, [height, width]: [u32; 2], options: &ResizeOptions) -> Image {
    let mut target = Buffer::new(width, height, pixel_type(channels));
    RESIZER.with_borrow_mut(|resizer| {
        resizer.resize(source, &mut target, options).expect("equal pixel types, and a crop box inside the source");
        if resizer.size_of_internal_buffers() > KEPT_BUFFER_BYTES {
            resizer.reset_internal_buffers();
        }
    });
    Image::new(width, height, channels, target.into_vec()).expect("a resized image has a pixel")
}

/// Pillow's nearest neighbour of `source_area`, brought to `size`, of which `kept` is returned.
fn nearest(image: &Image, source_area: CropBox, size: [u32; 2], kept: CropBox) -> Image {
    let columns = nearest_places(source_area.left, source_area.width, size[1], kept.left, kept.width);
    let rows = nearest_places(source_area.top, source_area.height, size[0], kept.top, kept.height);
    let count = image.channels().count();
    let row_bytes = image.width() as usize * count;
    let mut pixels = Vec::with_capacity(rows.len() * columns.len() * count);
    for row in rows {
        let row = &image.pixels()[row * row_bytes..][..row_bytes];
        match count {
            1 => pixels.extend(columns.iter().map(|&column| row[column])),
            _ => pixels.extend(columns.iter().flat_map(|&column| row.as_chunks::<3>().0[column])),
        }
    }
    Image::new(kept.width, kept.height, image.channels(), pixels).expect("a resized image has a pixel")
}

/// The source pixel of each target pixel along one axis. Pillow adds the step up instead of multiplying it, and so do we:
/// where a centre falls on a pixel's edge, the rounding decides.
fn nearest_places(start: u32, len: u32, resized: u32, kept_start: u32, kept: u32) -> Vec<usize> {
    let step = f64::from(len) / f64::from(resized);
    let mut centre = step * 0.5;
    let mut places = Vec::with_capacity(kept as usize);
    for at in 0..kept_start + kept {
        if at >= kept_start {
            places.push(start as usize + (centre as usize).min(len as usize - 1));
        }
        centre += step;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crop;

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
                    let apart = crop(resize(&image, size, filter), area);
                    assert_eq!(fused, apart, "{channels:?} {size:?} {filter:?}");
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

    #[test]
    fn nearest_takes_the_pixel_under_the_centre() {
        assert_eq!(nearest_places(0, 4, 2, 0, 2), [1, 3]);
        assert_eq!(nearest_places(0, 2, 5, 0, 5), [0, 0, 1, 1, 1]);
        assert_eq!(nearest_places(10, 3, 3, 1, 2), [11, 12]);
    }
}
