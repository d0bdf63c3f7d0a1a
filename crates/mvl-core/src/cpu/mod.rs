//! Layers that learn on the CPU, each one operation with a backward pass of its own, where burn's general ones take twice the time.

mod batch_norm;
mod convolution;

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Device, Shape};

pub(crate) use batch_norm::learnt_batch_norm;
pub(crate) use convolution::learnt_convolution;

/// Whether what lies there learns, and on the CPU.
fn learns_on_cpu(device: &Device) -> bool {
    device.is_autodiff() && *device == Device::flex()
}

/// The numbers of a contiguous tensor.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous, of 32-bit floats")
}

/// A tensor of these numbers.
fn tensor(numbers: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(numbers), Layout::contiguous(Shape::from(shape.to_vec())), DType::F32)
}

/// A new tensor with what `compute` puts into it.
fn computed(shape: &[usize], compute: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut numbers = vec![0.0; shape.iter().product()];
    compute(&mut numbers);
    tensor(numbers, shape)
}
