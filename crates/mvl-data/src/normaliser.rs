//! 8-bit pixels to the floats that a network sees, `(pixel * scale - mean) / std`: on the host one look-up a value, on another
//! device a few operations on the whole batch.

use burn::tensor::Tensor;
use mvl_core::{ChannelOrder, Preprocess};

/// The last step of a [`Preprocess`].
#[derive(Debug, Clone)]
pub(crate) struct Normaliser {
    /// Which of an image's channels each channel of the tensor is made of.
    from: Vec<usize>,
    /// What becomes of each level, for each channel of the tensor.
    tables: Vec<[f32; 256]>,
    /// What becomes of all levels on a device: `level / divisor * scale`, less `mean`, divided by `std`.
    divisor: f32,
    scale: f32,
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normaliser {
    /// For a checked spec.
    pub(crate) fn new(spec: &Preprocess) -> Self {
        const UNIT: f32 = 1.0 / 255.0;
        let count = spec.channels.count();
        let mut from: Vec<usize> = (0..count).collect();
        if spec.order == ChannelOrder::Bgr {
            from.reverse();
        }
        // torchvision divides by 255, which differs from the product in the last bit
        let (divisor, scale) = if spec.scale == UNIT { (255.0, 1.0) } else { (1.0, spec.scale) };
        let (mean, std) = (spec.mean.clone(), spec.std.clone());
        let value = |level: usize, channel: usize| (level as f32 / divisor * scale - mean[channel]) / std[channel];
        let tables = (0..count).map(|channel| std::array::from_fn(|level| value(level, channel))).collect();
        Self { from, tables, divisor, scale, mean, std }
    }

    /// Channels of image and tensor.
    pub(crate) fn channels(&self) -> usize {
        self.from.len()
    }

    /// `[H, W, C]` to `[C, H, W]`.
    ///
    /// # Panics
    /// If there are not as many values as pixels' channels.
    pub(crate) fn apply(&self, pixels: &[u8], values: &mut [f32]) {
        assert_eq!(pixels.len(), values.len(), "a value for each channel of each pixel");
        match (&self.from[..], &self.tables[..]) {
            ([0, ..], [first, second, third]) => planes::<0, 2>([first, second, third], pixels, values),
            (_, [first, second, third]) => planes::<2, 0>([first, second, third], pixels, values),
            (_, tables) => {
                for (value, &pixel) in values.iter_mut().zip(pixels) {
                    *value = tables[0][usize::from(pixel)];
                }
            }
        }
    }

    /// Levels `[N, H, W, C]` on a device to `[N, C, H, W]`, with the device's own rounding.
    pub(crate) fn apply_on_device(&self, levels: Tensor<4>) -> Tensor<4> {
        let count = self.channels();
        let device = levels.device();
        let planes = levels.permute([0, 3, 1, 2]);
        let planes = if self.from[0] == 0 { planes } else { planes.flip([1]) };
        let of_channel = |values: &[f32]| Tensor::<1>::from_floats(values, &device).reshape([1, count, 1, 1]);
        let scaled = planes.div_scalar(self.divisor).mul_scalar(self.scale);
        (scaled - of_channel(&self.mean)) / of_channel(&self.std)
    }
}

/// Three planes of pixels of three bytes; the first and the last plane are of the bytes `A` and `C`. Known to the compiler, they cost
/// no look and no check a pixel.
fn planes<const A: usize, const C: usize>(tables: [&[f32; 256]; 3], pixels: &[u8], values: &mut [f32]) {
    let (reds, others) = values.split_at_mut(values.len() / 3);
    let (greens, blues) = others.split_at_mut(reds.len());
    let planes = reds.iter_mut().zip(greens).zip(blues);
    for (pixel, ((x, y), z)) in pixels.as_chunks::<3>().0.iter().zip(planes) {
        *x = tables[0][usize::from(pixel[A])];
        *y = tables[1][usize::from(pixel[1])];
        *z = tables[2][usize::from(pixel[C])];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;
    use mvl_core::{Backend, Channels, Cpu};

    fn bgr() -> Preprocess {
        Preprocess { order: ChannelOrder::Bgr, ..Preprocess::imagenet(2, 2) }
    }

    #[test]
    fn levels_are_torchvisions_to_the_last_bit() {
        let normaliser = Normaliser::new(&Preprocess::imagenet(256, 224));
        assert_eq!(normaliser.tables[0][124], (124.0_f32 / 255.0 - 0.485) / 0.229);
    }

    #[test]
    fn a_device_comes_to_the_same_values() {
        let gray = Preprocess { scale: 0.5, ..Preprocess::exact(2, 3, Channels::Gray, &[0.25], &[3.0]) };
        for spec in [Preprocess::imagenet(2, 2), bgr(), gray] {
            let normaliser = Normaliser::new(&spec);
            let count = normaliser.channels();
            let pixels: Vec<u8> = (0..6 * count).map(|at| (at * 37) as u8).collect();
            let mut expected = vec![0.0; pixels.len()];
            normaliser.apply(&pixels, &mut expected);
            let levels: Vec<f32> = pixels.iter().map(|&level| f32::from(level)).collect();
            let device = Cpu::device(0).expect("a CPU");
            let levels = Tensor::from_data(TensorData::new(levels, [1, 2, 3, count]), &device);
            let got: Vec<f32> = normaliser.apply_on_device(levels).into_data().try_to_vec().expect("floats");
            assert!(got.iter().zip(&expected).all(|(got, value)| (got - value).abs() < 1e-5), "{got:?} {expected:?}");
        }
    }
}
