//! Operations that move elements: shapes, axes, slices, pieces put together.

use burn::tensor::Slice;
use burn_ir::{BaseOperationIr, RepeatDimOpIr, ScalarIr, ScalarOpIr, ShapeOpIr, SliceOpIr};

use super::{Lowered, Lowering, NoForm, no_form};
use crate::export::dimension::Dimension;
use crate::export::protobuf::AttributeProto;

impl Lowering {
    /// `twin` is the same operation for the other number of pictures.
    pub(super) fn base(&mut self, operation: &BaseOperationIr, twin: &BaseOperationIr) -> Lowered {
        use BaseOperationIr as Op;
        match (operation, twin) {
            (Op::Reshape(op), _) => self.reshape(op),
            (Op::Expand(op), _) => self.expand(op),
            (Op::SwapDims(op), _) => {
                let mut axes: Vec<usize> = (0..op.input.shape.to_vec().len()).collect();
                axes.swap(op.dim1, op.dim2);
                self.direct("Transpose", &[&op.input], [AttributeProto::ints("perm", axes)], &op.out)
            }
            (Op::Permute(op), _) => {
                let axes = AttributeProto::ints("perm", op.axes.iter().copied());
                self.direct("Transpose", &[&op.input], [axes], &op.out)
            }
            (Op::Flip(op), _) => {
                let input = self.name(&op.input)?;
                let axes: Vec<i64> = op.axes.iter().map(|&axis| axis as i64).collect();
                let cuts = axes.iter().map(|&axis| (axis, -1, i64::MIN, -1));
                let name = self.cut(&input, &cuts.collect::<Vec<_>>());
                self.set(&op.out, name);
                Ok(())
            }
            (Op::Slice(op), Op::Slice(twin)) => self.slice(op, twin),
            (Op::RepeatDim(op), Op::RepeatDim(twin)) => self.repeat(op, twin),
            (Op::Cat(op), _) => {
                let tensors: Vec<_> = op.tensors.iter().collect();
                self.direct("Concat", &tensors, [AttributeProto::int("axis", op.dim as i64)], &op.out)
            }
            (Op::Select(op), _) => {
                let axis = AttributeProto::int("axis", op.dim as i64);
                self.direct("Gather", &[&op.tensor, &op.indices], [axis], &op.out)
            }
            (Op::Gather(op), _) => {
                let axis = AttributeProto::int("axis", op.dim as i64);
                self.direct("GatherElements", &[&op.tensor, &op.indices], [axis], &op.out)
            }
            (Op::MaskWhere(op), _) => self.direct("Where", &[&op.mask, &op.value, &op.tensor], [], &op.out),
            (Op::MaskFill(op), _) => {
                let [mask, tensor] = [self.name(&op.mask)?, self.name(&op.tensor)?];
                let value = self.scalar(op.value, op.tensor.dtype)?;
                let name = self.graph.node("Where", &[&mask, &value, &tensor], []);
                self.set(&op.out, name);
                Ok(())
            }
            (Op::Equal(op), _) => self.binary("Equal", op),
            (Op::EqualElem(op), _) => self.with_scalar("Equal", op),
            (Op::NotEqual(op), _) => {
                let [lhs, rhs] = [self.name(&op.lhs)?, self.name(&op.rhs)?];
                let equal = self.graph.node("Equal", &[&lhs, &rhs], []);
                let name = self.graph.node("Not", &[&equal], []);
                self.set(&op.out, name);
                Ok(())
            }
            (Op::NotEqualElem(op), _) => self.differs_from_scalar(op),
            (Op::Cast(op), _) => self.cast(op),
            (Op::Zeros(op) | Op::Empty(op), _) => self.filled(&op.out, ScalarIr::Int(0)),
            (Op::Ones(op), _) => self.filled(&op.out, ScalarIr::Int(1)),
            _ => no_form("no operation of ONNX does this"),
        }
    }

    fn differs_from_scalar(&mut self, op: &ScalarOpIr) -> Lowered {
        let (input, scalar) = (self.name(&op.lhs)?, self.scalar(op.rhs, op.lhs.dtype)?);
        let equal = self.graph.node("Equal", &[&input, &scalar], []);
        let name = self.graph.node("Not", &[&equal], []);
        self.set(&op.out, name);
        Ok(())
    }

    /// A shape in which one side follows the number of pictures is written without it: as the side it was (0) or the rest (-1).
    ///
    /// Of reshapes that follow each other only the last one is left.
    fn reshape(&mut self, op: &ShapeOpIr) -> Lowered {
        let input = self.name(&op.input)?;
        let to = self.sides(&op.out);
        let (input, from) = self.reshaped.get(&input).cloned().unwrap_or_else(|| (input, self.sides(&op.input)));
        if from == to {
            self.set(&op.out, input);
            return Ok(());
        }
        let follow = to.iter().filter(|side| side.fixed().is_none()).count();
        let sides = to.iter().enumerate().map(|(axis, side)| match *side {
            Dimension::Fixed(side) => Some(side as i64),
            side if from.get(axis) == Some(&side) => Some(0),
            Dimension::PerPicture(_) if follow == 1 => Some(-1),
            Dimension::PerPicture(_) => None,
        });
        let shape = match sides.collect::<Option<Vec<i64>>>() {
            // a side that is empty would read as "the side it was"
            Some(sides) if !to.contains(&Dimension::Fixed(0)) => self.graph.ints(&sides),
            _ => self.shape(&to),
        };
        let name = self.graph.node("Reshape", &[&input, &shape], []);
        self.reshaped.insert(name.clone(), (input, from));
        self.set(&op.out, name);
        Ok(())
    }

    /// Sides that stay are written as 1, which ONNX takes as they are.
    fn expand(&mut self, op: &ShapeOpIr) -> Lowered {
        let input = self.name(&op.input)?;
        let (from, to) = (self.sides(&op.input), self.sides(&op.out));
        if from == to {
            self.set(&op.out, input);
            return Ok(());
        }
        let new = to.len().saturating_sub(from.len());
        let sides = to.iter().enumerate().map(|(axis, &side)| {
            let stays = axis.checked_sub(new).and_then(|axis| from.get(axis)) == Some(&side);
            if stays { Dimension::Fixed(1) } else { side }
        });
        let sides: Vec<_> = sides.collect();
        let shape = self.shape(&sides);
        let name = self.graph.node("Expand", &[&input, &shape], []);
        self.set(&op.out, name);
        Ok(())
    }

    fn repeat(&mut self, op: &RepeatDimOpIr, twin: &RepeatDimOpIr) -> Lowered {
        let input = self.name(&op.tensor)?;
        let times = Dimension::of([op.times, twin.times], self.batches);
        let times = times.ok_or_else(|| NoForm(format!("{} and {} repeats", op.times, twin.times)))?;
        let sides =
            (0..op.tensor.shape.to_vec().len()).map(|axis| if axis == op.dim { times } else { Dimension::Fixed(1) });
        let sides: Vec<_> = sides.collect();
        let repeats = self.shape(&sides);
        let name = self.graph.node("Tile", &[&input, &repeats], []);
        self.set(&op.out, name);
        Ok(())
    }

    fn slice(&mut self, op: &SliceOpIr, twin: &SliceOpIr) -> Lowered {
        let input = self.name(&op.tensor)?;
        let sides = [op.tensor.shape.to_vec(), twin.tensor.shape.to_vec()];
        let mut cuts = Vec::new();
        for (axis, (first, second)) in op.ranges.iter().zip(&twin.ranges).enumerate() {
            let bounds = [bounds(first, sides[0][axis]), bounds(second, sides[1][axis])];
            let steps = [first.step, second.step];
            if bounds[0] == (0, sides[0][axis]) && bounds[1] == (0, sides[1][axis]) && steps == [1, 1] {
                continue; // all of it
            }
            let to_the_end = bounds[0].1 == sides[0][axis] && bounds[1].1 == sides[1][axis];
            if bounds[0].0 != bounds[1].0 || steps[0] != steps[1] || !(to_the_end || bounds[0].1 == bounds[1].1) {
                return no_form(format!(
                    "slices {first:?} and {second:?} of sides {} and {}",
                    sides[0][axis], sides[1][axis]
                ));
            }
            let (start, end) = (bounds[0].0 as i64, bounds[0].1 as i64);
            cuts.push(match steps[0] {
                step if step > 0 => (axis as i64, start, if to_the_end { i64::MAX } else { end }, step as i64),
                // burn goes through the same range backwards, from its last element
                step => {
                    let from = if to_the_end { -1 } else { end - 1 };
                    (axis as i64, from, if start == 0 { i64::MIN } else { start - 1 }, step as i64)
                }
            });
        }
        let name = if cuts.is_empty() { input } else { self.cut(&input, &cuts) };
        self.set(&op.out, name);
        Ok(())
    }

    /// Cuts as `(axis, start, end, step)`.
    fn cut(&mut self, input: &str, cuts: &[(i64, i64, i64, i64)]) -> String {
        let mut column = |pick: fn(&(i64, i64, i64, i64)) -> i64| {
            let values: Vec<i64> = cuts.iter().map(pick).collect();
            self.graph.ints(&values)
        };
        let [axes, starts, ends, steps] =
            [column(|cut| cut.0), column(|cut| cut.1), column(|cut| cut.2), column(|cut| cut.3)];
        self.graph.node("Slice", &[input, &starts, &ends, &axes, &steps], [])
    }
}

/// Start and end of a slice of a side, both from its beginning.
fn bounds(slice: &Slice, side: usize) -> (usize, usize) {
    let place = |at: isize| if at < 0 { side.saturating_sub(at.unsigned_abs()) } else { side.min(at as usize) };
    (place(slice.start), slice.end.map_or(side, place))
}
