//! Prepared samples to one tensor: a single copy on the host, a single one to the device.

use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{Collate, DataError, ImageBatch};

use super::Prepared;

/// Stacks `[C, H, W]` inputs of one shape into `[N, C, H, W]`.
///
/// # Example
/// ```
/// use mvl_core::{Annotations, Backend, Collate, Cpu};
/// use mvl_data::{InputTensor, Prepared, StackImages};
/// let input = InputTensor { shape: [1, 1, 2], values: vec![0.5, 1.5] };
/// let items = vec![Prepared::new(input, Annotations::default(), "a.png"); 3];
/// let batch = StackImages.collate(items, &Cpu::device(0)?)?;
/// assert_eq!(batch.images.dims(), [3, 1, 1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StackImages;

impl Collate<Prepared> for StackImages {
    type Batch = ImageBatch;

    fn collate(&self, items: Vec<Prepared>, device: &Device) -> Result<ImageBatch, DataError> {
        let Some(first) = items.first() else {
            return Err(DataError::invalid("expected at least one image in a batch, got none"));
        };
        let shape @ [channels, height, width] = first.input.shape;
        if let Some(other) = items.iter().find(|item| item.input.shape != shape) {
            return Err(DataError::invalid(format!(
                "the images of a batch differ in shape: {shape:?} of {} against {:?} of {}; \
                 set a resize or a crop in the preprocessing",
                first.source, other.input.shape, other.source
            )));
        }
        let count = items.len();
        let mut values = Vec::with_capacity(count * first.input.values.len());
        let mut annotations = Vec::with_capacity(count);
        for item in items {
            values.extend_from_slice(&item.input.values);
            annotations.push(item.annotations);
        }
        let images = Tensor::from_data(TensorData::new(values, [count, channels, height, width]), device);
        Ok(ImageBatch { images, annotations })
    }
}
