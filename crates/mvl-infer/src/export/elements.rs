//! burn's types of elements as ONNX names them, and values as its files hold them.

use std::sync::Arc;

use burn::tensor::{BoolStore, DType, TensorData};
use bytes::Bytes;

use super::protobuf::{DataType, TensorProto};

/// ONNX's name for a type of elements; `None` for those that it has not, and for quantised ones.
pub(super) fn data_type(dtype: DType) -> Option<DataType> {
    Some(match dtype {
        DType::F64 => DataType::Double,
        DType::F32 | DType::Flex32 => DataType::Float,
        DType::F16 => DataType::Float16,
        DType::BF16 => DataType::Bfloat16,
        DType::I64 => DataType::Int64,
        DType::I32 => DataType::Int32,
        DType::I16 => DataType::Int16,
        DType::I8 => DataType::Int8,
        DType::U64 => DataType::Uint64,
        DType::U32 => DataType::Uint32,
        DType::U16 => DataType::Uint16,
        DType::U8 => DataType::Uint8,
        DType::Bool(_) => DataType::Bool,
        DType::QFloat(_) => return None,
    })
}

/// Values as an initializer, without copying them; `None` for types that ONNX has not.
pub(super) fn tensor_proto(name: String, data: Arc<TensorData>) -> Option<TensorProto> {
    let data_type = data_type(data.dtype())?;
    let data = match data.dtype() {
        // ONNX keeps a byte for each
        DType::Bool(BoolStore::U32) => Arc::new(data.as_ref().clone().convert::<bool>()),
        _ => data,
    };
    Some(TensorProto {
        dims: data.shape().to_vec().into_iter().map(|side| side as i64).collect(),
        data_type: Some(data_type as i32),
        name: Some(name),
        raw_data: Some(Bytes::from_owner(Held(data))),
        ..TensorProto::default()
    })
}

/// burn's bytes, lent to the message.
struct Held(Arc<TensorData>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}
