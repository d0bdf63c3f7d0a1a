//! Prepared samples to one tensor.
//!
//! On the CPU their pixels become the batch's floats in one pass. For any other device they are put together as bytes, a quarter of
//! the size, moved once and normalised there; burn stages them in pinned memory, as it does for bytes from files.

use burn::tensor::{AllocationProperty, Bytes, DType, Device, Tensor, TensorData};
use mvl_core::{Collate, DataError, ImageBatch, Preprocess};

use super::Prepared;
use super::buffers::{Buffers, Lent};
use crate::normaliser::Normaliser;

/// Batches that may be with the consumer while their memory still goes round.
const SPARE_BATCHES: usize = 4;

/// Stacks images `[H, W, C]` of one size into a normalised batch `[N, C, H, W]`.
///
/// The batch's memory comes back for a later one when the tensor is dropped.
///
/// # Example
/// ```
/// use mvl_core::{Annotations, Backend, Channels, Collate, Cpu, Image, Preprocess};
/// use mvl_data::{Prepared, StackImages};
/// let spec = Preprocess::exact(1, 2, Channels::Gray, &[0.0], &[1.0]);
/// let image = Image::new(2, 1, Channels::Gray, vec![0, 255])?;
/// let items = vec![Prepared::new(image, Annotations::default(), "a.png"); 3];
/// let batch = StackImages::new(&spec)?.collate(items, &Cpu::device(0)?)?;
/// assert_eq!(batch.images.dims(), [3, 1, 1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StackImages {
    normaliser: Normaliser,
    /// Where the images' memory goes.
    pixels: Buffers<u8>,
    floats: Buffers<f32>,
    bytes: Buffers<u8>,
    on_device: bool,
}

impl StackImages {
    /// For images that were prepared as `spec` says, but for the normalisation.
    ///
    /// # Errors
    /// [`DataError::Invalid`] with every problem of the spec.
    pub fn new(spec: &Preprocess) -> Result<Self, DataError> {
        crate::preprocess::check(spec)?;
        Ok(Self::with_buffers(spec, Buffers::new(0), false))
    }

    /// Normalises on the device if asked, and gives the images' memory to `pixels`.
    pub(super) fn with_buffers(spec: &Preprocess, pixels: Buffers<u8>, on_device: bool) -> Self {
        let (floats, bytes) = (Buffers::new(SPARE_BATCHES), Buffers::new(SPARE_BATCHES));
        Self { normaliser: Normaliser::new(spec), pixels, floats, bytes, on_device }
    }

    /// `[N, C, H, W]` on the device, computed here.
    fn normalised(&self, items: &[Prepared], shape: [usize; 4], device: &Device) -> Tensor<4> {
        let mut values = self.floats.take();
        values.resize(shape.iter().product(), 0.0);
        let image_len = values.len() / items.len();
        for (item, values) in items.iter().zip(values.chunks_exact_mut(image_len)) {
            self.normaliser.apply(item.image.pixels(), values);
        }
        let owner = bytes::Bytes::from_owner(Lent::new(values, self.floats.clone()));
        let bytes = Bytes::from_shared(owner, AllocationProperty::Other);
        Tensor::from_data(TensorData::from_bytes(bytes, shape, DType::F32), device)
    }

    /// `[N, C, H, W]` on the device, computed there.
    fn moved(&self, items: &[Prepared], [count, channels, height, width]: [usize; 4], device: &Device) -> Tensor<4> {
        let mut levels = self.bytes.take();
        levels.clear();
        items.iter().for_each(|item| levels.extend_from_slice(item.image.pixels()));
        let owner = bytes::Bytes::from_owner(Lent::new(levels, self.bytes.clone()));
        let bytes = Bytes::from_shared(owner, AllocationProperty::File);
        let shape = [count, height, width, channels];
        let levels = Tensor::<4, burn::tensor::Int>::from_data(
            TensorData::from_bytes(bytes, shape, DType::U8),
            (device, DType::U8),
        );
        self.normaliser.apply_on_device(levels.float())
    }
}

impl Collate<Prepared> for StackImages {
    type Batch = ImageBatch;

    fn collate(&self, items: Vec<Prepared>, device: &Device) -> Result<ImageBatch, DataError> {
        let Some(first) = items.first() else {
            return Err(DataError::invalid("expected at least one image in a batch, got none"));
        };
        let shape = first.shape();
        if let Some(other) = items.iter().find(|item| item.shape() != shape) {
            return Err(DataError::invalid(format!(
                "the images of a batch differ in shape: {shape:?} of {} against {:?} of {}; \
                 set a resize or a crop in the preprocessing",
                first.source,
                other.shape(),
                other.source
            )));
        }
        let [channels, height, width] = shape;
        if channels != self.normaliser.channels() {
            let expected = self.normaliser.channels();
            let what = format!("expected images of {expected} channels, got {channels} of {}", first.source);
            return Err(DataError::invalid(what));
        }
        let shape = [items.len(), channels, height, width];
        let images =
            if self.on_device { self.moved(&items, shape, device) } else { self.normalised(&items, shape, device) };
        let mut annotations = Vec::with_capacity(items.len());
        for item in items {
            self.pixels.give(item.image.into_pixels());
            annotations.push(item.annotations);
        }
        Ok(ImageBatch { images, annotations })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{Annotations, Backend, Channels, Cpu, Image};

    #[test]
    fn bytes_normalised_on_the_device_come_to_the_same() {
        let spec = Preprocess::imagenet(2, 2);
        let pixels = (0..24).map(|at| (at * 11) as u8).collect();
        let item =
            Prepared::new(Image::new(4, 2, Channels::Rgb, pixels).expect("24 bytes"), Annotations::default(), "x");
        let device = Cpu::device(0).expect("a CPU");
        let [here, there] = [false, true].map(|on_device| {
            let stack = StackImages::with_buffers(&spec, Buffers::new(2), on_device);
            let batch = stack.collate(vec![item.clone(), item.clone()], &device).expect("one shape");
            assert_eq!(batch.images.dims(), [2, 3, 2, 4]);
            batch.images.into_data().try_to_vec::<f32>().expect("floats")
        });
        assert!(here.iter().zip(&there).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn memory_goes_round() {
        let spec = Preprocess::exact(1, 1, Channels::Gray, &[0.0], &[1.0]);
        let stack = StackImages::with_buffers(&spec, Buffers::new(1), false);
        let image = Image::new(1, 1, Channels::Gray, vec![7]).expect("one byte");
        let item = Prepared::new(image, Annotations::default(), "x");
        let batch = stack.collate(vec![item], &Cpu::device(0).expect("a CPU")).expect("one image");
        assert_eq!(stack.pixels.take(), [7]);
        assert!(stack.floats.take().is_empty(), "the tensor has it");
        drop(batch);
        assert_eq!(stack.floats.take(), [7.0 / 255.0]);
    }
}
