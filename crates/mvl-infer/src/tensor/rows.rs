//! Several requests' tensors joined along their first axis into a batch's, and a batch's answer parted again.

use bytes::{Bytes, BytesMut};

use super::{HostTensor, TensorError};

/// Joins tensors of one type that differ in their first axis only.
///
/// # Panics
/// Without one.
pub(crate) fn joined(parts: Vec<HostTensor>) -> HostTensor {
    let mut shape = parts[0].shape.clone();
    shape[0] = parts.iter().map(|part| part.shape[0]).sum();
    let mut bytes = BytesMut::with_capacity(parts.iter().map(|part| part.bytes.len()).sum());
    parts.iter().for_each(|part| bytes.extend_from_slice(&part.bytes));
    HostTensor { datatype: parts[0].datatype, shape, bytes: bytes.freeze() }
}

/// Parts a tensor along its first axis into so many rows each. Nothing is copied.
///
/// # Errors
/// When the tensor has other rows than these.
pub(crate) fn parted(whole: &HostTensor, rows: &[usize]) -> Result<Vec<HostTensor>, TensorError> {
    let expected: usize = rows.iter().sum();
    let inner: usize = whole.shape.iter().skip(1).product();
    match whole.shape.first() {
        Some(&got) if got == expected => {}
        got => return Err(TensorError(format!("expected {expected} rows, got {got:?}"))),
    }
    let mut start = 0;
    let parts = rows.iter().map(|&rows| {
        let end = match whole.datatype.size() {
            Some(size) => start + rows * inner * size,
            None => after_texts(&whole.bytes, start, rows * inner),
        };
        let mut shape = whole.shape.clone();
        shape[0] = rows;
        let part = HostTensor { datatype: whole.datatype, shape, bytes: whole.bytes.slice(start..end) };
        start = end;
        part
    });
    Ok(parts.collect())
}

/// Where so many elements end that begin somewhere.
fn after_texts(bytes: &Bytes, start: usize, count: usize) -> usize {
    (0..count).fold(start, |at, _| {
        let length = bytes[at..].first_chunk::<4>().expect("checked when the tensor was made");
        at + 4 + usize::try_from(u32::from_le_bytes(*length)).expect("checked when the tensor was made")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;

    #[test]
    fn what_is_joined_is_parted_again() {
        let numbers = vec![HostTensor::from_f32(vec![1, 2], &[1.0, 2.0]), HostTensor::from_f32(vec![2, 2], &[3.0; 4])];
        let texts = vec![HostTensor::from_texts(vec![2, 1], &["a", "bcd"]), HostTensor::from_texts(vec![1, 1], &[""])];
        for parts in [numbers, texts] {
            let rows: Vec<usize> = parts.iter().map(|part| part.shape[0]).collect();
            let whole = joined(parts.clone());
            assert_eq!(whole.shape[0], 3);
            assert_eq!(parted(&whole, &rows).expect("the same rows"), parts);
            parted(&whole, &[1, 1]).expect_err("a row too few");
        }
        let scalar = HostTensor::new(DataType::Uint8, vec![], Bytes::from_static(&[1])).expect("a scalar");
        parted(&scalar, &[1]).expect_err("no rows");
    }
}
