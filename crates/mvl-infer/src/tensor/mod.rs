//! [`HostTensor`]: numbers or bytes on their way to or from a model, in the host's memory, as a protocol carries them.

mod data_type;
mod numbers;
mod rows;
mod signature;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

pub use data_type::DataType;
#[cfg(any(feature = "ort", feature = "rten"))]
pub(crate) use numbers::Number;
pub(crate) use rows::{joined, parted};
pub use signature::{Signature, TensorSpec};

/// The most dimensions a tensor may have.
pub const MAX_RANK: usize = 8;

/// A tensor in the host's memory: a type, a shape, and the elements in row-major order, little endian.
///
/// Elements of [`DataType::Bytes`] are each preceded by their length in four bytes, as Triton's binary tensors are. Cheap to clone.
///
/// ```
/// # use mvl_infer::{DataType, HostTensor};
/// let tensor = HostTensor::from_f32(vec![1, 2], &[0.5, 2.0]);
/// assert_eq!(tensor.datatype(), DataType::Fp32);
/// assert_eq!(tensor.to_f32().unwrap(), [0.5, 2.0]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HostTensor {
    datatype: DataType,
    shape: Vec<usize>,
    bytes: Bytes,
}

/// Why bytes are not the tensor that they are said to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TensorError(pub(crate) String);

impl HostTensor {
    /// A tensor from its bytes, which are checked against type and shape.
    ///
    /// # Errors
    /// When there are more than [`MAX_RANK`] dimensions, or more or fewer bytes than the shape asks for.
    pub fn new(datatype: DataType, shape: Vec<usize>, bytes: Bytes) -> Result<Self, TensorError> {
        let elements = elements(&shape)?;
        let shown = || format!("{datatype} of shape {shape:?}");
        match datatype.size() {
            Some(size) => {
                let expected = elements.checked_mul(size);
                if expected != Some(bytes.len()) {
                    let expected = expected.map_or("more than can be counted".to_owned(), |n| n.to_string());
                    return Err(TensorError(format!("expected {expected} bytes for {}, got {}", shown(), bytes.len())));
                }
            }
            None => {
                let held = count_texts(&bytes).ok_or_else(|| {
                    TensorError(format!("{}: an element's length goes beyond the end of the tensor", shown()))
                })?;
                if held != elements {
                    return Err(TensorError(format!("expected {elements} elements for {}, got {held}", shown())));
                }
            }
        }
        if datatype == DataType::Bool && bytes.iter().any(|&byte| byte > 1) {
            return Err(TensorError(format!("{}: expected elements of 0 and 1", shown())));
        }
        Ok(Self { datatype, shape, bytes })
    }

    /// A tensor of [`DataType::Fp32`].
    ///
    /// # Panics
    /// When there are not as many values as the shape asks for.
    pub fn from_f32(shape: Vec<usize>, values: &[f32]) -> Self {
        Self::from_numbers(shape, values)
    }

    /// A tensor of [`DataType::Bytes`].
    ///
    /// # Panics
    /// When there are not as many elements as the shape asks for, or one has 4 GiB.
    pub fn from_texts<T: AsRef<[u8]>>(shape: Vec<usize>, texts: &[T]) -> Self {
        let mut bytes = BytesMut::with_capacity(texts.iter().map(|text| text.as_ref().len() + 4).sum());
        for text in texts {
            let text = text.as_ref();
            bytes.put_u32_le(u32::try_from(text.len()).expect("an element below 4 GiB"));
            bytes.put_slice(text);
        }
        Self::new(DataType::Bytes, shape, bytes.freeze()).expect("as many elements as the shape asks for")
    }

    /// The elements' type.
    pub fn datatype(&self) -> DataType {
        self.datatype
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many elements there are.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The elements as the protocol's binary form carries them.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// When it asks for another number of elements.
    pub fn reshaped(self, shape: Vec<usize>) -> Result<Self, TensorError> {
        if elements(&shape)? != self.elements() {
            return Err(TensorError(format!("expected as many elements as {:?} has, got {shape:?}", self.shape)));
        }
        Ok(Self { shape, ..self })
    }

    /// The values of a tensor of [`DataType::Fp32`].
    ///
    /// # Errors
    /// For another type.
    pub fn to_f32(&self) -> Result<Vec<f32>, TensorError> {
        self.to_numbers()
    }

    /// The elements of a tensor of [`DataType::Bytes`].
    ///
    /// # Errors
    /// For another type.
    pub fn to_texts(&self) -> Result<Vec<Bytes>, TensorError> {
        if self.datatype != DataType::Bytes {
            return Err(TensorError(format!("expected BYTES, got {}", self.datatype)));
        }
        Ok(texts(&self.bytes).collect())
    }
}

impl fmt::Debug for HostTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.datatype, self.shape)
    }
}

/// How many elements a shape has.
fn elements(shape: &[usize]) -> Result<usize, TensorError> {
    if shape.len() > MAX_RANK {
        return Err(TensorError(format!("expected at most {MAX_RANK} dimensions, got {}", shape.len())));
    }
    // Not only the product: in [0, 2^63, 2^63] it would be small again.
    let counted = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side.max(1)));
    match counted.filter(|&count| isize::try_from(count).is_ok()) {
        Some(_) => Ok(shape.iter().product()),
        None => Err(TensorError(format!("a shape of {shape:?} has more elements than can be counted"))),
    }
}

/// How many elements with a length before each there are; `None` when one goes beyond the end.
fn count_texts(mut bytes: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        bytes = rest.get(usize::try_from(u32::from_le_bytes(*length)).ok()?..)?;
        count += 1;
    }
    Some(count)
}

/// The elements of bytes that were checked.
fn texts(bytes: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let length = bytes.get(at..)?.first_chunk::<4>()?;
        let start = at + 4;
        at = start + usize::try_from(u32::from_le_bytes(*length)).expect("checked");
        Some(bytes.slice(start..at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_must_fit_type_and_shape() {
        let zeros = |n| Bytes::from(vec![0; n]);
        HostTensor::new(DataType::Int16, vec![2, 3], zeros(12)).expect("fits");
        HostTensor::new(DataType::Int16, vec![2, 0], zeros(0)).expect("empty");
        HostTensor::new(DataType::Fp64, vec![], zeros(8)).expect("a scalar");
        for (kind, shape, length) in [
            (DataType::Int16, vec![2, 3], 11),
            (DataType::Int16, vec![2, 3], 13),
            (DataType::Uint8, vec![1; 9], 1),
            (DataType::Uint8, vec![usize::MAX, 2], 4),
            (DataType::Uint8, vec![0, usize::MAX, usize::MAX], 0),
            (DataType::Fp64, vec![usize::MAX / 4], 8),
        ] {
            HostTensor::new(kind, shape.clone(), zeros(length)).expect_err(&format!("{kind}{shape:?} {length}"));
        }
        HostTensor::new(DataType::Bool, vec![1], Bytes::from_static(&[2])).expect_err("no truth value");
    }

    #[test]
    fn texts_keep_their_bytes() {
        let tensor = HostTensor::from_texts(vec![2], &[&b"ab\0"[..], &[]]);
        assert_eq!(&tensor.bytes()[..], b"\x03\0\0\0ab\0\0\0\0\0");
        assert_eq!(tensor.to_texts().expect("bytes"), [&b"ab\0"[..], &[]]);
        for (bad, shape) in [(&b"\x03\0\0\0ab"[..], 1), (b"\x03\0\0", 1), (b"\xff\xff\xff\xff", 1), (b"\0\0\0\0", 2)] {
            HostTensor::new(DataType::Bytes, vec![shape], Bytes::from_static(bad)).expect_err("lengths lie");
        }
    }
}
