//! How much is known besides the classes of the images: objects, masks, keypoints, maps, and how large the boxes are.

use std::collections::BTreeMap;

use mvl::core::{Annotations, Labels};
use serde::{Serialize, Serializer};

use crate::output::{table, thousands};

/// Counts over the samples of a part.
#[derive(Debug, Default, Serialize)]
pub(super) struct AnnotationCounts {
    /// Objects by class.
    objects: BTreeMap<String, usize>,
    /// Objects with a mask.
    masks: usize,
    /// Objects with keypoints.
    with_keypoints: usize,
    /// Images with a class for every pixel.
    class_maps: usize,
    /// Widths of boxes: the smallest, the median and the largest, in pixels.
    box_widths: Spread,
    /// Heights of boxes likewise.
    box_heights: Spread,
}

/// Numbers of which three are shown.
#[derive(Debug, Default)]
struct Spread(Vec<f64>);

impl Spread {
    /// The smallest, the median and the largest; `None` where there are none.
    fn three(&self) -> Option<[f64; 3]> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        Some([*sorted.first()?, *sorted.get(sorted.len() / 2)?, *sorted.last()?])
    }
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.three().serialize(serializer)
    }
}

impl AnnotationCounts {
    /// Counts one sample; whether there was anything to count.
    pub(super) fn add(&mut self, annotations: &Annotations, labels: &Labels) -> bool {
        for object in &annotations.objects {
            *self.objects.entry(labels.display(object.class)).or_insert(0) += 1;
            self.masks += usize::from(object.mask.is_some());
            self.with_keypoints += usize::from(!object.keypoints.is_empty());
            self.box_widths.0.push(object.bbox.width());
            self.box_heights.0.push(object.bbox.height());
        }
        self.class_maps += usize::from(annotations.class_map.is_some());
        !annotations.objects.is_empty() || annotations.class_map.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.class_maps == 0
    }

    /// Lines for people.
    pub(super) fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.objects.is_empty() {
            let rows: Vec<_> =
                self.objects.iter().map(|(name, number)| vec![name.clone(), format!("{number:>7}")]).collect();
            lines.push(table(&["class", "objects"], &rows));
        }
        for (number, what) in [
            (self.masks, "masks"),
            (self.with_keypoints, "objects with keypoints"),
            (self.class_maps, "maps of classes"),
        ] {
            if number > 0 {
                lines.push(format!("{what}: {}", thousands(number)));
            }
        }
        if let (Some(widths), Some(heights)) = (self.box_widths.three(), self.box_heights.three()) {
            let pixels = |[least, median, most]: [f64; 3]| format!("{least:.0} to {most:.0}, median {median:.0}");
            lines.push(format!("boxes: {} px wide; {} px high", pixels(widths), pixels(heights)));
        }
        lines
    }
}
