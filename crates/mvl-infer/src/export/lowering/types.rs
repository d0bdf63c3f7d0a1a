//! Changes of type, whole numbers and truth values.

use burn_ir::{BinaryOpIr, BoolOperationIr, CastOpIr, IntOperationIr};

use super::{Lowered, Lowering, cast_to, no_form};

impl Lowering {
    pub(super) fn bool(&mut self, operation: &BoolOperationIr) -> Lowered {
        match operation {
            BoolOperationIr::IntoFloat(op) | BoolOperationIr::IntoInt(op) => self.cast(op),
            BoolOperationIr::Not(op) => self.direct("Not", &[&op.input], [], &op.out),
            BoolOperationIr::And(op) => self.binary("And", op),
            BoolOperationIr::Or(op) => self.binary("Or", op),
            BoolOperationIr::Xor(op) => self.binary("Xor", op),
        }
    }

    pub(super) fn int(&mut self, operation: &IntOperationIr) -> Lowered {
        match operation {
            IntOperationIr::IntoFloat(op) => self.cast(op),
            IntOperationIr::Matmul(op) => self.direct("MatMul", &[&op.lhs, &op.rhs], [], &op.out),
            _ => no_form("operations on bits are not written"),
        }
    }

    pub(super) fn cast(&mut self, op: &CastOpIr) -> Lowered {
        if op.input.dtype == op.out.dtype {
            let name = self.name(&op.input)?;
            self.set(&op.out, name);
            return Ok(());
        }
        self.direct("Cast", &[&op.input], [cast_to(op.out.dtype)?], &op.out)
    }

    pub(super) fn binary(&mut self, operator: &str, op: &BinaryOpIr) -> Lowered {
        self.direct(operator, &[&op.lhs, &op.rhs], [], &op.out)
    }
}
