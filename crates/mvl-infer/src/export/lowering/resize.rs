//! Maps at another size, as burn's own `interpolate` makes them.

use burn_ir::{InterpolateModeIr, InterpolateOpIr};

use super::{Lowered, Lowering, no_form};
use crate::export::protobuf::AttributeProto;

impl Lowering {
    pub(super) fn resize(&mut self, op: &InterpolateOpIr) -> Lowered {
        let coordinates = if op.options.align_corners { "align_corners" } else { "half_pixel" };
        let settings = match op.options.mode {
            InterpolateModeIr::Nearest => vec![
                AttributeProto::string("mode", "nearest"),
                AttributeProto::string("coordinate_transformation_mode", "asymmetric"),
                AttributeProto::string("nearest_mode", "floor"),
            ],
            InterpolateModeIr::Bilinear => vec![
                AttributeProto::string("mode", "linear"),
                AttributeProto::string("coordinate_transformation_mode", coordinates),
            ],
            _ => return no_form(format!("interpolation {:?} is not written", op.options.mode)),
        };
        let (x, sides) = (self.name(&op.x)?, self.sides(&op.out));
        let sizes = self.shape(&sides);
        let name = self.graph.node("Resize", &[&x, "", "", &sizes], settings);
        self.set(&op.out, name);
        Ok(())
    }
}
