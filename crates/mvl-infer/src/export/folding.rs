//! Operations that do not depend on the pictures, done at export: repacked weights, masks, tables of positions at another size.
//!
//! burn's own interpreter replays them on the CPU. In a build without the `cpu` backend they stay operations of the exported model,
//! which then answers the same and takes a little longer to load.

use burn::tensor::TensorData;
use burn_ir::{OperationIr, TensorId};

/// The values of an operation's outputs, given those of its inputs; `None` when it is not done here. Its tensors are to be
/// [read-only](burn_ir::TensorStatus::ReadOnly).
#[cfg(feature = "cpu")]
pub(super) fn fold<'a>(
    operation: &OperationIr,
    inputs: impl IntoIterator<Item = (TensorId, &'a TensorData)>,
) -> Option<Vec<(TensorId, TensorData)>> {
    use burn::backend::Flex;
    use burn_ir::HandleKind;
    use burn_router::TensorInterpreter;

    if is_random(operation) {
        return None;
    }
    let mut interpreter = TensorInterpreter::<Flex>::new(burn::backend::FlexDevice);
    for (id, data) in inputs {
        interpreter.register_tensor_data_id(id, data.clone());
    }
    interpreter.register_op(operation.clone());
    let outputs = operation.outputs().map(|output| {
        let tensor = match interpreter.get_tensor_handle(output) {
            HandleKind::Float(tensor) | HandleKind::Int(tensor) | HandleKind::Bool(tensor) => tensor,
            HandleKind::Quantized(_) => return None,
        };
        Some((output.id, tensor.into_data()))
    });
    outputs.collect()
}

/// Without the CPU's backend nothing is done here.
#[cfg(not(feature = "cpu"))]
pub(super) fn fold<'a>(
    _operation: &OperationIr,
    _inputs: impl IntoIterator<Item = (TensorId, &'a TensorData)>,
) -> Option<Vec<(TensorId, TensorData)>> {
    None
}

#[cfg(feature = "cpu")]
fn is_random(operation: &OperationIr) -> bool {
    use burn_ir::{FloatOperationIr, NumericOperationIr};

    matches!(
        operation,
        OperationIr::Float(_, FloatOperationIr::Random(_))
            | OperationIr::NumericFloat(_, NumericOperationIr::IntRandom(_))
            | OperationIr::NumericInt(_, NumericOperationIr::IntRandom(_))
            | OperationIr::Init(_)
            | OperationIr::Custom(_)
            | OperationIr::Distributed(_)
    )
}
