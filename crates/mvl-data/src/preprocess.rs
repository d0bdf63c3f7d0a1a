//! Runs a [`Preprocess`]: the same code prepares an image for training and for serving.
//!
//! The order is torchvision's: channels, resize, centre crop, all on 8-bit pixels, then `(pixel * scale - mean) / std`. Resize
//! and crop are one pass that computes only the pixels that are kept; scaling and normalising are one look-up a value.

use mvl_core::{ByteSize, DataError, Filter, Image, Preprocess, ResizeTo};

use crate::normaliser::Normaliser;
use crate::ops::{CropBox, Cut, center_crop, center_crop_box, pad_to, resize, resize_then_crop, short_side_size};

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
    Ok(normalised(spec, &geometry(spec, image)))
}

/// What comes after [`geometry`].
pub(crate) fn normalised(spec: &Preprocess, image: &Image) -> InputTensor {
    let shape = [spec.channels.count(), image.height() as usize, image.width() as usize];
    let mut values = vec![0.0; image.pixels().len()];
    Normaliser::new(spec).apply(image.pixels(), &mut values);
    InputTensor { shape, values }
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
    let (resized, filter) = resized(spec, before);
    match spec.crop {
        _ if resized == before => match spec.crop {
            Some(size) => center_crop(image, size),
            None => image,
        },
        None => resize(&image, resized, filter),
        Some(size) => {
            let filled = filled(resized, size);
            pad_to(resize_then_crop(&image, resized, filled, filter), size)
        }
    }
}

/// What [`geometry`] does to an image of this `[height, width]` as one cut; `None` where it resizes nothing. Zeros come around
/// what is cut, see [`finish`].
pub(crate) fn as_cut(spec: &Preprocess, before: [u32; 2]) -> Option<Cut> {
    let (resized, filter) = resized(spec, before);
    let whole = CropBox { top: 0, left: 0, height: before[0], width: before[1] };
    let cut = Cut::new(whole, resized, filter);
    let kept = spec.crop.map_or(cut.kept, |size| filled(resized, size));
    (resized != before).then_some(Cut { kept, ..cut })
}

/// The channels of what was cut, and zeros around it up to the size of the centre crop.
pub(crate) fn finish(spec: &Preprocess, cut: Image) -> Image {
    let cut = cut.into_channels(spec.channels);
    match spec.crop {
        Some(size) => pad_to(cut, size),
        None => cut,
    }
}

/// The size after the resize, and its filter.
fn resized(spec: &Preprocess, before: [u32; 2]) -> ([u32; 2], Filter) {
    let size = match spec.resize.map(|resize| resize.to) {
        Some(ResizeTo::Exact(size)) => size,
        Some(ResizeTo::ShortSide(side)) => short_side_size(before, side),
        _ => before,
    };
    (size, spec.resize.map(|resize| resize.filter).unwrap_or_default())
}

/// The part of the centre crop that the resized image can fill; zeros come around it.
fn filled(resized: [u32; 2], [height, width]: [u32; 2]) -> CropBox {
    center_crop_box(resized, [height.min(resized[0]), width.min(resized[1])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{ChannelOrder, Channels, Resize};

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
    fn a_bad_spec_is_an_error() {
        let mut spec = plain(Channels::Rgb);
        spec.std = vec![1.0];
        let error = preprocess(&spec, pattern(1, 1)).expect_err("one std for three channels");
        assert_eq!(error.to_string(), "the preprocessing cannot run: std: expected 3 values, got 1");
    }
}
