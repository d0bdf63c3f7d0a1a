//! What an operation of a captured graph costs.

use burn_ir::{FloatOperationIr, ModuleOperationIr, OperationIr, TensorIr};

/// Multiply-adds of one operation and the values it puts out, for those that have multiply-adds: convolutions, linear layers,
/// matrix products, attention. Everything else (normalisations, activations, pools, sums) is left out, as is usual.
pub(super) fn multiply_adds(operation: &OperationIr) -> Option<(u64, u64)> {
    use ModuleOperationIr as Op;
    let (each, out) = match operation {
        OperationIr::Float(_, FloatOperationIr::Matmul(op)) => (last(&op.lhs), &op.out),
        OperationIr::Module(Op::Linear(op)) => (last(&op.x), &op.out),
        OperationIr::Module(Op::Conv1d(op)) => (kernel(&op.weight), &op.out),
        OperationIr::Module(Op::Conv2d(op)) => (kernel(&op.weight), &op.out),
        OperationIr::Module(Op::Conv3d(op)) => (kernel(&op.weight), &op.out),
        OperationIr::Module(Op::DeformableConv2d(op)) => (kernel(&op.weight), &op.out),
        // each value that comes in meets the kernel
        OperationIr::Module(Op::ConvTranspose1d(op)) => {
            return Some((kernel(&op.weight) * values(&op.x), values(&op.out)));
        }
        OperationIr::Module(Op::ConvTranspose2d(op)) => {
            return Some((kernel(&op.weight) * values(&op.x), values(&op.out)));
        }
        OperationIr::Module(Op::ConvTranspose3d(op)) => {
            return Some((kernel(&op.weight) * values(&op.x), values(&op.out)));
        }
        OperationIr::Module(Op::Attention(op)) => {
            let scores = values(&op.query) / last(&op.query).max(1) * length(&op.key); // [N, heads, L, keys]
            return Some((scores * (last(&op.query) + last(&op.value)), scores + values(&op.out)));
        }
        _ => return None,
    };
    Some((each * values(out), values(out)))
}

pub(super) fn values(tensor: &TensorIr) -> u64 {
    tensor.shape.num_elements() as u64
}

fn last(tensor: &TensorIr) -> u64 {
    tensor.shape.to_vec().last().map_or(1, |&side| side as u64)
}

/// The tokens L of `[N, heads, L, C]`.
fn length(tensor: &TensorIr) -> u64 {
    tensor.shape.to_vec().iter().rev().nth(1).map_or(1, |&side| side as u64)
}

/// Values of a kernel `[K, C / groups, …]` for each of its first axis.
fn kernel(weight: &TensorIr) -> u64 {
    weight.shape.to_vec().iter().skip(1).map(|&side| side as u64).product()
}
