//! A tensor's elements in JSON: read into bytes, written from bytes.
//!
//! Reading goes over text that was parsed before; it is for what [`super::elements`] cannot read as it is parsed.

use bytes::{BufMut, BytesMut};
use half::{bf16, f16};
use mvl_infer::{DataType, HostTensor};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::ServiceError;

/// How deep arrays may be nested: as many as a tensor has axes.
const MAX_DEPTH: usize = mvl_infer::MAX_RANK;

/// Reads `data` of a tensor: an array of all elements, or arrays nested as the shape says. The text is valid JSON.
///
/// Numbers may be written in any way JSON knows; integers must be in their type's range, without a fraction. `BOOL` takes `true`, `false`,
/// 0 and 1. `FP16` and `BF16` are rounded to the nearest. `BYTES` takes text.
pub(super) fn read(text: &str, datatype: DataType, shape: &[usize]) -> Result<HostTensor, String> {
    let elements: usize = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side)).unwrap_or(usize::MAX);
    // Every element takes a character and a comma at least, so no shape reserves more than the text could hold.
    let room = elements.min(text.len()).saturating_mul(datatype.size().unwrap_or(4));
    let mut reader = Reader { rest: text.as_bytes(), text, datatype, bytes: BytesMut::with_capacity(room), count: 0 };
    reader.skip_blank();
    if reader.rest.first() != Some(&b'[') {
        return Err("expected data to be an array".to_owned());
    }
    let nested = reader.rest[1..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    match nested {
        true => reader.nested(shape, 0)?,
        false => reader.flat()?,
    }
    if reader.count != elements {
        return Err(format!("expected {elements} elements for shape {shape:?}, got {}", reader.count));
    }
    HostTensor::new(datatype, shape.to_vec(), reader.bytes.freeze()).map_err(|error| error.to_string())
}

/// Goes through JSON that is known to be valid.
struct Reader<'a> {
    rest: &'a [u8],
    text: &'a str,
    datatype: DataType,
    bytes: BytesMut,
    count: usize,
}

impl Reader<'_> {
    fn skip_blank(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Whether this byte comes next; then it is passed.
    fn pass(&mut self, byte: u8) -> bool {
        self.skip_blank();
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Arrays nested as the shape says.
    fn nested(&mut self, shape: &[usize], depth: usize) -> Result<(), String> {
        if shape.is_empty() {
            return self.element();
        }
        if depth > MAX_DEPTH || !self.pass(b'[') {
            return Err("expected data flat, or nested as its shape".to_owned());
        }
        let mut sides = 0;
        if !self.pass(b']') {
            loop {
                self.nested(&shape[1..], depth + 1)?;
                sides += 1;
                if !self.pass(b',') {
                    break;
                }
            }
            if !self.pass(b']') {
                return Err("expected data flat, or nested as its shape".to_owned());
            }
        }
        match sides == shape[0] {
            true => Ok(()),
            false => Err(format!("expected {} elements on axis {depth}, got {sides}", shape[0])),
        }
    }

    /// One array of all elements.
    fn flat(&mut self) -> Result<(), String> {
        self.pass(b'[');
        if self.pass(b']') {
            return Ok(());
        }
        loop {
            self.element()?;
            if !self.pass(b',') {
                return Ok(()); // the array's end: the text is valid
            }
        }
    }

    fn element(&mut self) -> Result<(), String> {
        self.skip_blank();
        let at = self.text.len() - self.rest.len();
        let length = match self.rest.first() {
            Some(b'"') => length_of_string(self.rest),
            _ => self
                .rest
                .iter()
                .position(|byte| matches!(byte, b',' | b']' | b' ' | b'\t'..=b'\r'))
                .unwrap_or(self.rest.len()),
        };
        let text = self.text.get(at..at + length).unwrap_or_default();
        self.rest = &self.rest[length..];
        put(&mut self.bytes, self.datatype, text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            format!("expected {} for element {}, got {shown}", self.datatype, self.count)
        })?;
        self.count += 1;
        Ok(())
    }
}

/// How long a JSON string at the start is, quotes included.
fn length_of_string(bytes: &[u8]) -> usize {
    let mut place = 1;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' => place += 2,
            b'"' => return place + 1,
            _ => place += 1,
        }
    }
    bytes.len()
}

/// Appends one element. `None` when the text is none of this type.
fn put(bytes: &mut BytesMut, datatype: DataType, text: &str) -> Option<()> {
    match datatype {
        DataType::Bool => bytes.put_u8(match text {
            "true" | "1" => 1,
            "false" | "0" => 0,
            _ => return None,
        }),
        DataType::Uint8 => bytes.put_u8(parsed(text)?),
        DataType::Uint16 => bytes.put_u16_le(parsed(text)?),
        DataType::Uint32 => bytes.put_u32_le(parsed(text)?),
        DataType::Uint64 => bytes.put_u64_le(parsed(text)?),
        DataType::Int8 => bytes.put_i8(parsed(text)?),
        DataType::Int16 => bytes.put_i16_le(parsed(text)?),
        DataType::Int32 => bytes.put_i32_le(parsed(text)?),
        DataType::Int64 => bytes.put_i64_le(parsed(text)?),
        DataType::Fp16 => bytes.put_u16_le(f16::from_f64(real(text)?).to_bits()),
        DataType::Bf16 => bytes.put_u16_le(bf16::from_f64(real(text)?).to_bits()),
        DataType::Fp32 => {
            let value: f32 = parsed(text)?;
            bytes.put_f32_le(value.is_finite().then_some(value)?);
        }
        DataType::Fp64 => bytes.put_f64_le(real(text)?),
        DataType::Bytes => {
            let value: std::borrow::Cow<'_, str> = serde_json::from_str::<Text<'_>>(text).ok()?.0;
            bytes.put_u32_le(u32::try_from(value.len()).ok()?);
            bytes.put_slice(value.as_bytes());
        }
    }
    Some(())
}

/// Text that is copied only where it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

/// A number. The text is JSON, so none of the names that Rust's parser knows beside numbers can be there.
fn parsed<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.parse().ok()
}

fn real(text: &str) -> Option<f64> {
    parsed(text).filter(|value: &f64| value.is_finite())
}

/// A tensor's elements as a flat JSON array. Numbers that JSON does not have (NaN, infinities) are `null`; binary tensors keep them.
pub(super) struct Elements<'a>(pub(super) &'a HostTensor);

impl Elements<'_> {
    /// Whether they can be written: bytes must be text.
    pub(super) fn check(&self, name: &str) -> Result<(), ServiceError> {
        if self.0.datatype() != DataType::Bytes {
            return Ok(());
        }
        match self.0.to_texts()?.iter().all(|text| std::str::from_utf8(text).is_ok()) {
            true => Ok(()),
            false => Err(ServiceError::invalid(format!(
                "output {name:?} holds bytes that are no text; ask for it with the parameter binary_data"
            ))),
        }
    }
}

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = &self.0.bytes()[..];
        macro_rules! seq {
            ($size:literal, $read:expr) => {{
                let (chunks, _) = bytes.as_chunks::<$size>();
                let mut seq = serializer.serialize_seq(Some(chunks.len()))?;
                for chunk in chunks {
                    seq.serialize_element(&$read(*chunk))?;
                }
                seq.end()
            }};
        }
        match self.0.datatype() {
            DataType::Bool => seq!(1, |[byte]: [u8; 1]| byte != 0),
            DataType::Uint8 => seq!(1, u8::from_le_bytes),
            DataType::Uint16 => seq!(2, u16::from_le_bytes),
            DataType::Uint32 => seq!(4, u32::from_le_bytes),
            DataType::Uint64 => seq!(8, u64::from_le_bytes),
            DataType::Int8 => seq!(1, i8::from_le_bytes),
            DataType::Int16 => seq!(2, i16::from_le_bytes),
            DataType::Int32 => seq!(4, i32::from_le_bytes),
            DataType::Int64 => seq!(8, i64::from_le_bytes),
            DataType::Fp16 => seq!(2, |bytes| f16::from_le_bytes(bytes).to_f32()),
            DataType::Bf16 => seq!(2, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            DataType::Fp32 => seq!(4, f32::from_le_bytes),
            DataType::Fp64 => seq!(8, f64::from_le_bytes),
            DataType::Bytes => {
                let texts = self.0.to_texts().map_err(serde::ser::Error::custom)?;
                let mut seq = serializer.serialize_seq(Some(texts.len()))?;
                for text in &texts {
                    seq.serialize_element(std::str::from_utf8(text).map_err(serde::ser::Error::custom)?)?;
                }
                seq.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_and_nested_data_are_the_same() {
        let flat = read("[1, 2,3 ,4]", DataType::Int16, &[2, 2]).expect("flat");
        assert_eq!(flat, read(" [ [1,2] , [3,4] ] ", DataType::Int16, &[2, 2]).expect("nested"));
        assert_eq!(&flat.bytes()[..], [1, 0, 2, 0, 3, 0, 4, 0]);
        read("[]", DataType::Int16, &[0]).expect("empty");
        read("[[],[]]", DataType::Int16, &[2, 0]).expect("empty");
        read("[7]", DataType::Int16, &[]).expect("a scalar");
    }

    #[test]
    fn what_is_no_element_or_no_shape_is_refused() {
        for (text, kind, shape) in [
            ("[1,2,3]", DataType::Int32, &[2, 2][..]),
            ("[[1,2],[3]]", DataType::Int32, &[2, 2]),
            ("[[1,2,3],[4]]", DataType::Int32, &[2, 2]),
            ("[[1],[2],[3],[4]]", DataType::Int32, &[2, 2]),
            ("[1,[2],3,4]", DataType::Int32, &[2, 2]),
            ("[[[1,2]],[[3,4]]]", DataType::Int32, &[2, 2]),
            ("{}", DataType::Int32, &[0]),
            ("[256]", DataType::Uint8, &[1]),
            ("[-1]", DataType::Uint64, &[1]),
            ("[1.0]", DataType::Int8, &[1]),
            ("[\"1\"]", DataType::Fp32, &[1]),
            ("[null]", DataType::Fp32, &[1]),
            ("[1e39]", DataType::Fp32, &[1]),
            ("[1e309]", DataType::Fp64, &[1]),
            ("[2]", DataType::Bool, &[1]),
            ("[true]", DataType::Uint8, &[1]),
            ("[1]", DataType::Bytes, &[1]),
            ("[1]", DataType::Uint8, &[usize::MAX, 2]),
        ] {
            read(text, kind, shape).expect_err(text);
        }
    }

    #[test]
    fn every_type_comes_back_as_it_was() {
        for (kind, text) in [
            (DataType::Bool, "[true,false]"),
            (DataType::Uint8, "[0,255]"),
            (DataType::Uint16, "[0,65535]"),
            (DataType::Uint32, "[0,4294967295]"),
            (DataType::Uint64, "[0,18446744073709551615]"),
            (DataType::Int8, "[-128,127]"),
            (DataType::Int16, "[-32768,32767]"),
            (DataType::Int32, "[-2147483648,2147483647]"),
            (DataType::Int64, "[-9223372036854775808,9223372036854775807]"),
            (DataType::Fp16, "[0.5,-65504.0]"),
            (DataType::Bf16, "[0.5,-1.0]"),
            (DataType::Fp32, "[0.1,-3.4028235e+38]"),
            (DataType::Fp64, "[0.1,-1.7976931348623157e+308]"),
            (DataType::Bytes, r#"["","a \"quoted\" ü, [x]\n"]"#),
        ] {
            let tensor = read(text, kind, &[2]).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(serde_json::to_string(&Elements(&tensor)).expect("written"), text, "{kind}");
        }
        let infinite = HostTensor::from_f32(vec![2], &[f32::NAN, f32::INFINITY]);
        assert_eq!(serde_json::to_string(&Elements(&infinite)).expect("written"), "[null,null]");
    }
}
