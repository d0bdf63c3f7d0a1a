//! A stem for pictures of other channels than the weights were trained on.

use burn::store::bridge;
use burn::tensor::{DType, Shape, TensorData};
use mvl_core::ModelConfig;

use super::fit::FileTensor;
use super::parameters::ParameterSlot;

/// A first convolution whose weights were changed to another number of input channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdaptedInput {
    /// The convolution's key in the file.
    pub key: String,
    /// Input channels in the file.
    pub from: usize,
    /// Input channels of the model.
    pub to: usize,
}

/// The position of the convolution that sees the picture: the backbone's first parameter of rank 4 with the picture's channels.
pub(super) fn find(slots: &[ParameterSlot], config: &ModelConfig) -> Option<usize> {
    slots
        .iter()
        .position(|slot| slot.path.starts_with("backbone.") && slot.shape.len() == 4)
        .filter(|&index| slots[index].shape[1] == config.in_channels)
}

/// Whether two shapes `[K, C, h, w]` differ in C alone.
pub(super) fn differ_in_channels(found: &[usize], expected: &[usize]) -> bool {
    matches!(
        (found, expected),
        ([k1, c1, h1, w1], [k2, c2, h2, w2]) if (k1, h1, w1) == (k2, h2, w2) && c1 != c2 && *c1 > 0
    )
}

/// Changes `[K, from, h, w]` of 32-bit floats to `to` input channels. One: the sum over the channels, so that a grey picture
/// answers as it did in all colours. More: the channels repeated in turn and scaled by `from / to`.
///
/// # Source
/// timm's `adapt_input_conv`.
pub(super) fn adapt(tensor: FileTensor, to: usize) -> FileTensor {
    let [out, from, height, width] = tensor.shape.dims::<4>();
    let shape = Shape::from([out, to, height, width]);
    let (name, declared) = (tensor.name.clone(), shape.clone());
    bridge::map_data(tensor, name, DType::F32, declared, move |data| {
        let values = data.try_into_vec::<f32>().expect("cast to 32-bit floats before");
        TensorData::new(adapt_values(&values, from, to, height * width), shape.clone())
    })
}

fn adapt_values(values: &[f32], from: usize, to: usize, area: usize) -> Vec<f32> {
    let scale = from as f32 / to as f32;
    let kernels = values.chunks_exact(from * area);
    if to == 1 {
        let sum = |kernel: &[f32], cell: usize| kernel.iter().skip(cell).step_by(area).sum::<f32>();
        return kernels.flat_map(|kernel| (0..area).map(move |cell| sum(kernel, cell))).collect();
    }
    let channel = |kernel: &'_ [f32], index: usize| kernel[index % from * area..][..area].to_vec();
    kernels
        .flat_map(|kernel| (0..to).flat_map(move |index| channel(kernel, index)))
        .map(|value| value * scale)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_channel_sums_and_more_repeat() {
        // two kernels of 3 channels and 2 cells
        let values: Vec<f32> = (1..=12).map(|value| value as f32).collect();
        assert_eq!(adapt_values(&values, 3, 1, 2), [9.0, 12.0, 27.0, 30.0]);
        let four = adapt_values(&values, 3, 4, 2);
        assert_eq!(four[..8], [0.75, 1.5, 2.25, 3.0, 3.75, 4.5, 0.75, 1.5]);
        assert_eq!(four.len(), 16);
    }
}
