//! What can be mended without asking anyone, as data: it is reported, written down, and applied when the sample is loaded.

use std::fmt;

use mvl_core::{Mask, Sample, Visibility};
use serde::{Deserialize, Serialize};

use super::checks::{is_empty_mask, is_outside};
use crate::header::{ImageKind, Orientation};

/// One way of mending a sample. They are applied in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "fix", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fix {
    /// The file gets this extension where it is written anew.
    Rename {
        /// The extension that its content asks for.
        extension: String,
    },
    /// Inks become RGB; [`decode`](crate::decode) does so anyway, and what writes the file anew writes RGB.
    ConvertToRgb,
    /// The picture is set upright with its annotations, which are taken to be drawn on the stored pixels.
    Orient {
        /// How.
        orientation: Orientation,
    },
    /// Objects whose box is not finite are dropped.
    DropNonFiniteBoxes,
    /// Boxes are cut at the image's border; objects of which nothing is left are dropped.
    ClampBoxes,
    /// Objects whose box has no area are dropped.
    DropEmptyBoxes,
    /// Masks without a pixel are dropped; their objects stay.
    DropEmptyMasks,
    /// Keypoints outside the image become unlabelled.
    HideOutsideKeypoints,
}

impl Fix {
    /// The name that a file of this kind should have.
    pub(super) fn rename(kind: ImageKind) -> Self {
        Self::Rename { extension: kind.extensions()[0].to_owned() }
    }

    /// Whether the image file itself would have to be written anew; otherwise the annotations are all that changes.
    #[must_use]
    pub const fn changes_the_file(&self) -> bool {
        matches!(self, Self::Rename { .. } | Self::ConvertToRgb | Self::Orient { .. })
    }

    /// Mends a sample.
    #[must_use]
    pub fn apply(&self, mut sample: Sample) -> Sample {
        let (width, height) = (sample.image.width(), sample.image.height());
        let objects = &mut sample.annotations.objects;
        match self {
            Self::Rename { .. } | Self::ConvertToRgb => {}
            Self::Orient { orientation } => return orientation.apply(sample),
            Self::DropNonFiniteBoxes => {
                objects.retain(|object| <[f64; 4]>::from(object.bbox).iter().all(|edge| edge.is_finite()));
            }
            Self::ClampBoxes => objects.retain_mut(|object| {
                let had_area = object.bbox.is_proper();
                object.bbox = object.bbox.clamped(width, height);
                object.bbox.is_proper() || !had_area
            }),
            Self::DropEmptyBoxes => objects.retain(|object| object.bbox.is_proper()),
            Self::DropEmptyMasks => {
                for object in objects {
                    object.mask = object.mask.take().filter(|mask: &Mask| !is_empty_mask(mask));
                }
            }
            Self::HideOutsideKeypoints => {
                for point in objects.iter_mut().flat_map(|object| &mut object.keypoints) {
                    if is_outside(point, width, height) {
                        point.visibility = Visibility::Unlabelled;
                    }
                }
            }
        }
        sample
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rename { extension } => write!(f, "rename to .{extension}"),
            Self::ConvertToRgb => f.write_str("convert to RGB"),
            Self::Orient { orientation } => write!(f, "{orientation}, with the annotations"),
            Self::DropNonFiniteBoxes | Self::DropEmptyBoxes => f.write_str("drop the object"),
            Self::ClampBoxes => f.write_str("cut the box at the border, or drop the object if nothing is left"),
            Self::DropEmptyMasks => f.write_str("drop the mask, keep the object"),
            Self::HideOutsideKeypoints => f.write_str("count the keypoint as unlabelled"),
        }
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::{Bitmap, BoxXyxy, Channels, Image, Keypoint, Object};

    use super::*;

    fn sample(objects: Vec<Object>) -> Sample {
        let mut sample = Sample::new(Image::new(10, 8, Channels::Gray, vec![0; 80]).expect("80 bytes"), "memory");
        sample.annotations.objects = objects;
        sample
    }

    fn boxes(sample: &Sample) -> Vec<[f64; 4]> {
        sample.annotations.objects.iter().map(|object| object.bbox.into()).collect()
    }

    fn object(edges: [f64; 4]) -> Object {
        Object::new(0, BoxXyxy::from(edges))
    }

    #[test]
    fn boxes_are_cut_or_dropped() {
        let faulty = sample(vec![
            object([-2.0, 1.0, 4.0, 20.0]),
            object([11.0, 0.0, 12.0, 3.0]),
            object([3.0, 3.0, 3.0, 5.0]),
            object([f64::NAN, 0.0, 1.0, 1.0]),
        ]);
        let finite = Fix::DropNonFiniteBoxes.apply(faulty);
        let clamped = Fix::ClampBoxes.apply(finite);
        assert_eq!(boxes(&clamped), [[0.0, 1.0, 4.0, 8.0], [3.0, 3.0, 3.0, 5.0]], "an empty box is another check's");
        assert_eq!(boxes(&Fix::DropEmptyBoxes.apply(clamped)), [[0.0, 1.0, 4.0, 8.0]]);
    }

    #[test]
    fn masks_go_and_keypoints_hide() {
        let point = |x, visibility| Keypoint { x, y: 1.0, visibility };
        let empty = Mask::Bitmap(Bitmap::new(10, 8, vec![0; 80]).expect("80 pixels"));
        let faulty = object([0.0, 0.0, 4.0, 4.0])
            .with_mask(empty)
            .with_keypoints(vec![point(2.0, Visibility::Visible), point(99.0, Visibility::Hidden)]);
        let mended = Fix::HideOutsideKeypoints.apply(Fix::DropEmptyMasks.apply(sample(vec![faulty])));
        let object = &mended.annotations.objects[0];
        assert_eq!(object.mask, None);
        let seen: Vec<_> = object.keypoints.iter().map(|point| point.visibility).collect();
        assert_eq!(seen, [Visibility::Visible, Visibility::Unlabelled]);
    }
}
