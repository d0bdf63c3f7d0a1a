//! [`Number`]: Rust's numbers as elements of tensors.

use bytes::Bytes;

use super::{DataType, HostTensor, TensorError};

/// A number that a tensor can hold.
pub(crate) trait Number: Copy {
    /// What the tensor's elements are called then.
    const DATATYPE: DataType;

    /// Numbers from little-endian bytes; what does not fill a number is left out.
    fn read(bytes: &[u8]) -> Vec<Self>;

    /// Numbers as little-endian bytes.
    fn write(values: &[Self]) -> Vec<u8>;
}

macro_rules! numbers {
    ($($number:ty, $size:literal, $datatype:ident;)*) => {$(
        impl Number for $number {
            const DATATYPE: DataType = DataType::$datatype;

            fn read(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks::<$size>().0.iter().map(|&number| Self::from_le_bytes(number)).collect()
            }

            fn write(values: &[Self]) -> Vec<u8> {
                let mut bytes = vec![0; values.len() * $size];
                let places = bytes.as_chunks_mut::<$size>().0.iter_mut();
                places.zip(values).for_each(|(place, value)| *place = value.to_le_bytes());
                bytes
            }
        }
    )*};
}

numbers! {
    u8, 1, Uint8;
    u16, 2, Uint16;
    u32, 4, Uint32;
    u64, 8, Uint64;
    i8, 1, Int8;
    i16, 2, Int16;
    i32, 4, Int32;
    i64, 8, Int64;
    f32, 4, Fp32;
    f64, 8, Fp64;
}

impl HostTensor {
    /// A tensor of numbers.
    ///
    /// # Panics
    /// When there are not as many values as the shape asks for.
    pub(crate) fn from_numbers<T: Number>(shape: Vec<usize>, values: &[T]) -> Self {
        let bytes = Bytes::from(T::write(values));
        Self::new(T::DATATYPE, shape, bytes).expect("as many values as the shape asks for")
    }

    /// The numbers.
    ///
    /// # Errors
    /// When the tensor holds others.
    pub(crate) fn to_numbers<T: Number>(&self) -> Result<Vec<T>, TensorError> {
        if self.datatype() != T::DATATYPE {
            return Err(TensorError(format!("expected {}, got {}", T::DATATYPE, self.datatype())));
        }
        Ok(T::read(self.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let tensor = HostTensor::from_numbers(vec![2], &[-2_i16, 258]);
        assert_eq!((tensor.datatype(), &tensor.bytes()[..]), (DataType::Int16, &[0xfe, 0xff, 2, 1][..]));
        assert_eq!(tensor.to_numbers::<i16>().expect("of this type"), [-2, 258]);
        tensor.to_numbers::<u16>().expect_err("of another type");
    }
}
