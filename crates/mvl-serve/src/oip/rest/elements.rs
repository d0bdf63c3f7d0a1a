//! Elements read into bytes as JSON is parsed, where the datatype and the shape stand before the data, as clients write them.
//!
//! Numbers of 64 bits with a fraction are left to [`super::numbers`]: serde's numbers may be wrong in their last digit.

use std::fmt;

use bytes::{BufMut, BytesMut};
use half::{bf16, f16};
use mvl_infer::{DataType, HostTensor, MAX_RANK};
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// Whether data of this type are read here.
pub(super) fn reads(datatype: DataType) -> bool {
    datatype != DataType::Fp64
}

/// Reads `data` of a tensor with a datatype and a shape.
pub(super) struct Elements<'a> {
    pub(super) datatype: DataType,
    pub(super) shape: &'a [usize],
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = HostTensor;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<HostTensor, D::Error> {
        let Self { datatype, shape } = self;
        let elements = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side)).unwrap_or(usize::MAX);
        // What is said of the shape reserves a little; what is really there grows it.
        let room = elements.min(1 << 14) * datatype.size().unwrap_or(8);
        let mut sink = Sink { datatype, shape, nested: None, count: 0, bytes: BytesMut::with_capacity(room) };
        deserializer.deserialize_seq(Level { sink: &mut sink, axis: 0 })?;
        if sink.count != elements {
            let what = format!("expected {elements} elements for shape {shape:?}, got {}", sink.count);
            return Err(D::Error::custom(what));
        }
        HostTensor::new(datatype, shape.to_vec(), sink.bytes.freeze()).map_err(D::Error::custom)
    }
}

/// Where elements go.
struct Sink<'a> {
    datatype: DataType,
    shape: &'a [usize],
    /// Whether arrays are nested as the shape says, or flat; the first element tells.
    nested: Option<bool>,
    count: usize,
    bytes: BytesMut,
}

impl Sink<'_> {
    /// Before an element within so many arrays.
    fn at<E: Error>(&mut self, axis: usize) -> Result<(), E> {
        let nested = *self.nested.get_or_insert(axis > 1);
        if nested && axis != self.shape.len() || !nested && axis != 1 {
            return Err(E::custom("expected data flat, or nested as its shape"));
        }
        self.count += 1;
        Ok(())
    }

    fn refuse<E: Error>(&self, got: impl fmt::Display) -> E {
        E::custom(format!("expected {} for element {}, got {got}", self.datatype, self.count - 1))
    }

    fn whole<N, E: Error>(&mut self, value: N) -> Result<(), E>
    where
        N: Copy
            + fmt::Display
            + TryInto<u8>
            + TryInto<u16>
            + TryInto<u32>
            + TryInto<u64>
            + TryInto<i8>
            + TryInto<i16>
            + TryInto<i32>
            + TryInto<i64>,
    {
        macro_rules! put {
            ($put:ident, $type:ty) => {
                match TryInto::<$type>::try_into(value) {
                    Ok(value) => self.bytes.$put(value),
                    Err(_) => return Err(self.refuse(value)),
                }
            };
        }
        match self.datatype {
            DataType::Uint8 => put!(put_u8, u8),
            DataType::Uint16 => put!(put_u16_le, u16),
            DataType::Uint32 => put!(put_u32_le, u32),
            DataType::Uint64 => put!(put_u64_le, u64),
            DataType::Int8 => put!(put_i8, i8),
            DataType::Int16 => put!(put_i16_le, i16),
            DataType::Int32 => put!(put_i32_le, i32),
            DataType::Int64 => put!(put_i64_le, i64),
            DataType::Bool => match TryInto::<u8>::try_into(value) {
                Ok(value @ 0..=1) => self.bytes.put_u8(value),
                _ => return Err(self.refuse(value)),
            },
            _ => return Err(self.refuse(value)),
        }
        Ok(())
    }

    fn real<E: Error>(&mut self, value: f64) -> Result<(), E> {
        match self.datatype {
            DataType::Fp32 if (value as f32).is_finite() => self.bytes.put_f32_le(value as f32),
            DataType::Fp16 => self.bytes.put_u16_le(f16::from_f64(value).to_bits()),
            DataType::Bf16 => self.bytes.put_u16_le(bf16::from_f64(value).to_bits()),
            _ => return Err(self.refuse(value)),
        }
        Ok(())
    }

    fn is_real(&self) -> bool {
        matches!(self.datatype, DataType::Fp32 | DataType::Fp16 | DataType::Bf16)
    }
}

/// An array, or an element, within so many arrays.
struct Level<'s, 'a> {
    sink: &'s mut Sink<'a>,
    axis: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "elements of {}, flat or nested as the shape", self.sink.datatype)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Self { sink, axis } = self;
        if axis > 0 && (axis >= sink.shape.len().min(MAX_RANK) || sink.nested == Some(false)) {
            return Err(A::Error::custom("expected data flat, or nested as its shape"));
        }
        if axis > 0 {
            sink.nested = Some(true);
        }
        let mut sides = 0;
        while array.next_element_seed(Level { sink: &mut *sink, axis: axis + 1 })?.is_some() {
            sides += 1;
        }
        if sink.nested == Some(true) && sides != sink.shape[axis] {
            let what = format!("expected {} elements on axis {axis}, got {sides}", sink.shape[axis]);
            return Err(A::Error::custom(what));
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.sink.at(self.axis)?;
        match self.sink.datatype {
            DataType::Bool => self.sink.bytes.put_u8(value.into()),
            _ => return Err(self.sink.refuse(value)),
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.sink.at(self.axis)?;
        if self.sink.is_real() { self.sink.real(value as f64) } else { self.sink.whole(value) }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.sink.at(self.axis)?;
        if self.sink.is_real() { self.sink.real(value as f64) } else { self.sink.whole(value) }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.sink.at(self.axis)?;
        self.sink.real(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.sink.at(self.axis)?;
        match (self.sink.datatype, u32::try_from(value.len())) {
            (DataType::Bytes, Ok(length)) => {
                self.sink.bytes.put_u32_le(length);
                self.sink.bytes.put_slice(value.as_bytes());
                Ok(())
            }
            _ => Err(self.sink.refuse("text")),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.sink.at(self.axis)?;
        Err(self.sink.refuse("null"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oip::rest::numbers::read;

    fn direct(text: &str, datatype: DataType, shape: &[usize]) -> Result<HostTensor, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        Elements { datatype, shape }.deserialize(&mut json)
    }

    #[test]
    fn what_is_read_as_it_is_parsed_is_what_is_read_from_text() {
        for (text, shape) in [
            ("[1, 2,3 ,4]", &[2, 2][..]),
            ("[[1,2],[3,4]]", &[2, 2]),
            ("[[1,2],[3]]", &[2, 2]),
            ("[[1,2,3],[4]]", &[2, 2]),
            ("[[1],[2],[3],[4]]", &[2, 2]),
            ("[1,[2],3,4]", &[2, 2]),
            ("[[1,2],3,4]", &[2, 2]),
            ("[[[1,2]],[[3,4]]]", &[2, 2]),
            ("[]", &[0]),
            ("[[],[]]", &[2, 0]),
            ("[7]", &[]),
            ("[[7]]", &[]),
            ("[7]", &[1]),
            ("[1,2]", &[1]),
            ("{}", &[0]),
            ("[0]", &[1]),
            ("[256]", &[1]),
            ("[-1]", &[1]),
            ("[65535]", &[1]),
            ("[4294967296]", &[1]),
            ("[18446744073709551615]", &[1]),
            ("[-9223372036854775808]", &[1]),
            ("[1.5]", &[1]),
            ("[0.1]", &[1]),
            ("[-3.4028235e38]", &[1]),
            ("[1e39]", &[1]),
            ("[1e400]", &[1]),
            ("[true]", &[1]),
            ("[null]", &[1]),
            ("[\"1\"]", &[1]),
            ("[\"a \\\"quoted\\\" ü\\n\"]", &[1]),
        ] {
            for datatype in DataType::ALL.into_iter().filter(|&datatype| reads(datatype)) {
                // The text's reader sees valid JSON only.
                let valid = serde_json::from_str::<&serde_json::value::RawValue>(text).expect("JSON");
                let (direct, read) = (direct(text, datatype, shape), read(valid.get(), datatype, shape));
                match (direct, read) {
                    (Ok(direct), Ok(read)) => assert_eq!(direct.bytes(), read.bytes(), "{datatype} {text}"),
                    (Err(_), Err(_)) => {}
                    (direct, read) => panic!("{datatype} {text} {shape:?}: {direct:?}, {read:?}"),
                }
            }
        }
    }
}
