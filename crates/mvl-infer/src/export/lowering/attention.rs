//! Scaled products of queries and keys that weigh values.

use burn_ir::{AttentionOpIr, ScalarIr};

use super::{Lowered, Lowering, no_form};
use crate::export::protobuf::AttributeProto;

impl Lowering {
    /// `softmax(Q · Kᵀ · scale + bias) · V`, all `[N, heads, L, C]`.
    pub(super) fn attention(&mut self, op: &AttentionOpIr) -> Lowered {
        if op.options.is_causal {
            return no_form("causal masks are not written");
        }
        let dtype = op.query.dtype;
        let channels = *op.query.shape.to_vec().last().unwrap_or(&1);
        let [query, key, value] = [self.name(&op.query)?, self.name(&op.key)?, self.name(&op.value)?];
        let rank = op.key.shape.to_vec().len();
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(rank - 2, rank - 1);
        let keys = self.graph.node("Transpose", &[&key], [AttributeProto::ints("perm", axes)]); // [N, heads, C, L]
        let products = self.graph.node("MatMul", &[&query, &keys], []); // [N, heads, L, L]
        let scale = op.options.scale.map_or((channels as f64).sqrt().recip(), |scale| scale.elem());
        let scale = self.scalar(ScalarIr::Float(scale), dtype)?;
        let mut scores = self.graph.node("Mul", &[&products, &scale], []);
        if let Some(cap) = op.options.softcap {
            let cap = self.scalar(cap, dtype)?;
            let shares = self.graph.node("Div", &[&scores, &cap], []);
            let capped = self.graph.node("Tanh", &[&shares], []);
            scores = self.graph.node("Mul", &[&capped, &cap], []);
        }
        if let Some(mask) = &op.mask {
            let (mask, lowest) = (self.name(mask)?, self.scalar(ScalarIr::Float(f64::NEG_INFINITY), dtype)?);
            scores = self.graph.node("Where", &[&mask, &lowest, &scores], []);
        }
        if let Some(bias) = &op.attn_bias {
            let bias = self.name(bias)?;
            scores = self.graph.node("Add", &[&scores, &bias], []);
        }
        let weights = self.graph.node("Softmax", &[&scores], [AttributeProto::int("axis", -1)]);
        let name = self.graph.node("MatMul", &[&weights, &value], []);
        self.set(&op.out, name);
        Ok(())
    }
}
