//! A class-balanced part of Fashion-MNIST that is compiled in, so that a fresh machine needs no download.
//!
//! # Source
//! Xiao, Rasul and Vollgraf 2017, <https://arxiv.org/abs/1708.07747>, MIT licence. `scripts/make_fashion_mnist_part.py` made it:
//! the first 1,000 training and 200 test images of every class. The full set reads with
//! [`IdxDataset::open_split`](crate::IdxDataset::open_split).

use mvl_core::{DataError, Labels};

use super::{IdxDataset, Split};

/// The class names, in index order.
pub const FASHION_MNIST_CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

const TRAIN_IMAGES: &[u8] = include_bytes!("../../assets/fashion_mnist/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../../assets/fashion_mnist/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../../assets/fashion_mnist/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../../assets/fashion_mnist/t10k-labels-idx1-ubyte.gz");

/// 10,000 training or 2,000 test images of clothes, grey, 28×28; [`Split::All`] is both, training first.
///
/// # Errors
/// [`DataError::Image`] when the compiled-in bytes are damaged; [`DataError::Invalid`] for [`Split::Valid`], which the set lacks.
///
/// # Example
/// ```
/// use mvl_core::Dataset;
/// use mvl_data::{LabelledDataset, Split, fashion_mnist_part};
/// let clothes = fashion_mnist_part(Split::Test)?;
/// assert_eq!((clothes.len(), clothes.labels().name(9)), (2_000, Some("Ankle boot")));
/// # Ok::<(), mvl_core::DataError>(())
/// ```
pub fn fashion_mnist_part(split: Split) -> Result<IdxDataset, DataError> {
    let train = || IdxDataset::from_bytes("fashion_mnist/train", TRAIN_IMAGES, TRAIN_LABELS);
    let test = || IdxDataset::from_bytes("fashion_mnist/test", TEST_IMAGES, TEST_LABELS);
    let part = match split {
        Split::Train => train()?,
        Split::Valid => {
            return Err(DataError::invalid(
                "the embedded Fashion-MNIST has no validation part; hold a part of train out",
            ));
        }
        Split::Test => test()?,
        Split::All => IdxDataset::concatenate(vec![train()?, test()?]).map_err(DataError::invalid)?,
    };
    part.with_labels(Labels::new(FASHION_MNIST_CLASSES))
}
