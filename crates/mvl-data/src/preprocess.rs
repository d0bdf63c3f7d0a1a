//! Runs a [`Preprocess`]: the same code prepares an image for training and for serving.
//!
//! The order is torchvision's: channels, resize, centre crop, all on 8-bit pixels, then `(pixel * scale - mean) / std`. Resize
//! and crop are one pass that computes only the pixels that are kept; scaling and normalising are one look-up a value.

use mvl_core::{ByteSize, ChannelOrder, Channels, DataError, Image, Preprocess, ResizeTo};

use crate::ops::{CropBox, center_crop, center_crop_box, pad_to, resize, resize_then_crop, short_side_size};

/// One image as a network wants it, still on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct InputTensor {
    /// `[C, H, W]`.
    pub shape: [usize; 3],
    /// Row-major.
    pub values: Vec<f32>,
}

impl ByteSize for InputTensor {
    fn byte_size(&self) -> usize {
        size_of::<Self>() + size_of_val(self.values.as_slice())
    }
}

/// Makes the network's input of an image.
///
/// # Errors
/// [`DataError::Invalid`] with every problem of the spec, see [`Preprocess::problems`].
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image, Preprocess};
/// let spec = Preprocess::exact(1, 2, Channels::Gray, &[0.5], &[0.5]);
/// let input = mvl_data::preprocess(&spec, Image::new(2, 1, Channels::Gray, vec![0, 255])?)?;
/// assert_eq!((input.shape, input.values), ([1, 1, 2], vec![-1.0, 1.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn preprocess(spec: &Preprocess, image: Image) -> Result<InputTensor, DataError> {
    check(spec)?;
    Ok(normalise(spec, &geometry(spec, image)))
}

/// All problems of a spec as one error.
pub(crate) fn check(spec: &Preprocess) -> Result<(), DataError> {
    let problems = spec.problems();
    if problems.is_empty() {
        return Ok(());
    }
    Err(DataError::invalid(format!("the preprocessing cannot run: {}", problems.join("; "))))
}

/// Channels, resize and centre crop of a checked spec.
pub(crate) fn geometry(spec: &Preprocess, image: Image) -> Image {
    let image = image.into_channels(spec.channels);
    let before = [image.height(), image.width()];
    let resized = match spec.resize.map(|resize| resize.to) {
        Some(ResizeTo::Exact(size)) => size,
        Some(ResizeTo::ShortSide(side)) => short_side_size(before, side),
        _ => before,
    };
    let filter = spec.resize.map(|resize| resize.filter).unwrap_or_default();
    match spec.crop {
        _ if resized == before => match spec.crop {
            Some(size) => center_crop(image, size),
            None => image,
        },
        None => resize(&image, resized, filter),
        Some([height, width]) => {
            // The part of the crop that the resized image can fill; zeros come around it.
            let filled = [height.min(resized[0]), width.min(resized[1])];
            let area: CropBox = center_crop_box(resized, filled);
            pad_to(resize_then_crop(&image, resized, area, filter), [height, width])
        }
    }
}

/// 8-bit `[H, W, C]` to floats `[C, H, W]`; the image has the spec's channels.
pub(crate) fn normalise(spec: &Preprocess, image: &Image) -> InputTensor {
    let (height, width) = (image.height() as usize, image.width() as usize);
    let count = spec.channels.count();
    let tables: Vec<[f32; 256]> = (0..count).map(|channel| table(spec, channel)).collect();
    let mut values = vec![0.0; count * height * width];
    match (spec.channels, values.len() / 3) {
        (Channels::Rgb, plane) if count == 3 => {
            let (first, rest) = values.split_at_mut(plane);
            let (second, third) = rest.split_at_mut(plane);
            let from = match spec.order {
                ChannelOrder::Rgb => [0, 1, 2],
                ChannelOrder::Bgr => [2, 1, 0],
            };
            let planes = first.iter_mut().zip(second).zip(third);
            for (pixel, ((a, b), c)) in image.pixels().as_chunks::<3>().0.iter().zip(planes) {
                *a = tables[0][usize::from(pixel[from[0]])];
                *b = tables[1][usize::from(pixel[from[1]])];
                *c = tables[2][usize::from(pixel[from[2]])];
            }
        }
        _ => {
            for (value, &pixel) in values.iter_mut().zip(image.pixels()) {
                *value = tables[0][usize::from(pixel)];
            }
        }
    }
    InputTensor { shape: [count, height, width], values }
}

/// What becomes of each of the 256 levels in one channel of the tensor.
fn table(spec: &Preprocess, channel: usize) -> [f32; 256] {
    const UNIT: f32 = 1.0 / 255.0;
    std::array::from_fn(|level| {
        let level = level as f32;
        // torchvision divides by 255, which differs from the product in the last bit
        let scaled = if spec.scale == UNIT { level / 255.0 } else { level * spec.scale };
        (scaled - spec.mean[channel]) / spec.std[channel]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{Filter, Resize};

    fn plain(channels: Channels) -> Preprocess {
        let count = channels.count();
        let (mean, std) = (vec![0.0; count], vec![1.0; count]);
        Preprocess { channels, resize: None, crop: None, scale: 1.0, mean, std, order: ChannelOrder::Rgb }
    }

    fn pattern(width: u32, height: u32) -> Image {
        let pixels = (0..width * height * 3).map(|at| (at * at * 13 + at) as u8).collect();
        Image::new(width, height, Channels::Rgb, pixels).expect("filled")
    }

    #[test]
    fn channels_become_planes_in_the_asked_order() {
        let image = Image::new(2, 1, Channels::Rgb, vec![1, 2, 3, 4, 5, 6]).expect("six bytes");
        let mut spec = plain(Channels::Rgb);
        let rgb = preprocess(&spec, image.clone()).expect("runs");
        assert_eq!((rgb.shape, rgb.values), ([3, 1, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
        spec.order = ChannelOrder::Bgr;
        spec.mean = vec![3.0, 0.0, 0.0]; // of blue, the tensor's first channel
        assert_eq!(preprocess(&spec, image).expect("runs").values, [0.0, 3.0, 2.0, 5.0, 1.0, 4.0]);
    }

    #[test]
    fn the_fused_steps_equal_the_single_ones() {
        let image = pattern(40, 30);
        for (to, crop) in [
            (ResizeTo::ShortSide(20), [16, 16]),
            (ResizeTo::ShortSide(20), [16, 40]), // wider than the resized 26: padded
            (ResizeTo::Exact([11, 13]), [15, 13]),
            (ResizeTo::ShortSide(30), [50, 50]),
        ] {
            let mut spec = plain(Channels::Rgb);
            spec.resize = Some(Resize { to, filter: Filter::Bicubic });
            let resized = geometry(&spec, image.clone());
            spec.crop = Some(crop);
            assert_eq!(geometry(&spec, image.clone()), center_crop(resized, crop), "{to:?} {crop:?}");
        }
    }

    #[test]
    fn levels_are_torchvisions_to_the_last_bit() {
        let spec = Preprocess::imagenet(256, 224);
        assert_eq!(table(&spec, 0)[124], (124.0_f32 / 255.0 - 0.485) / 0.229);
    }

    #[test]
    fn a_bad_spec_is_an_error() {
        let mut spec = plain(Channels::Rgb);
        spec.std = vec![1.0];
        let error = preprocess(&spec, pattern(1, 1)).expect_err("one std for three channels");
        assert_eq!(error.to_string(), "the preprocessing cannot run: std: expected 3 values, got 1");
    }
}
