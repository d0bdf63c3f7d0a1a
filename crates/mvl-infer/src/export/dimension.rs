//! Sides of tensors that follow the number of pictures, found by recording two batches and comparing.

use super::protobuf::{DimensionProto, DimensionValue};

/// The name of the number of pictures in an exported model.
pub(super) const BATCH: &str = "batch";

/// One side of a recorded tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    /// The same for every batch.
    Fixed(usize),
    /// So many times the number of pictures.
    PerPicture(usize),
}

impl Dimension {
    /// A side that was `sides` when there were `batches` pictures; `None` when it does not grow in proportion.
    pub(super) fn of(sides: [usize; 2], batches: [usize; 2]) -> Option<Self> {
        if sides[0] == sides[1] {
            return Some(Self::Fixed(sides[0]));
        }
        let times = sides[0] / batches[0];
        (sides == batches.map(|batch| batch * times)).then_some(Self::PerPicture(times))
    }

    /// The side if it is the same for every batch.
    pub(super) fn fixed(self) -> Option<usize> {
        match self {
            Self::Fixed(side) => Some(side),
            Self::PerPicture(_) => None,
        }
    }

    /// How the file says it: a side that is a multiple of the number of pictures has no name there.
    pub(super) fn to_proto(self) -> DimensionProto {
        let value = match self {
            Self::Fixed(side) => Some(DimensionValue::DimValue(side as i64)),
            Self::PerPicture(1) => Some(DimensionValue::DimParam(BATCH.to_owned())),
            Self::PerPicture(_) => None,
        };
        DimensionProto { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_that_grow_with_the_batch_are_told_apart() {
        let batches = [2, 3];
        assert_eq!(Dimension::of([7, 7], batches), Some(Dimension::Fixed(7)));
        assert_eq!(Dimension::of([2, 3], batches), Some(Dimension::PerPicture(1)));
        assert_eq!(Dimension::of([128, 192], batches), Some(Dimension::PerPicture(64)));
        assert_eq!(Dimension::of([3, 4], batches), None, "one more than the batch");
        assert_eq!(Dimension::of([4, 4], [4, 4]), Some(Dimension::Fixed(4)), "recorded for one size of batch only");
    }
}
