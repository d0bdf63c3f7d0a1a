//! Real annotations: aerial photographs with 951 trees in VOC's form.

use std::sync::Arc;

use mvl_core::{Dataset, SampleKey};
use mvl_data::{
    Action, Check, DrawOptions, LabelledDataset, Policy, Split, ValidationReport, draw_annotations, open_dataset,
    validate,
};

use crate::fixtures::shared_asset;

const SIDE_PX: u32 = 400;
const HIGHLIGHT: [u8; 3] = [230, 0, 30];

fn trees() -> Option<Arc<dyn LabelledDataset>> {
    let folder = shared_asset("detection_trees")?;
    Some(Arc::from(open_dataset(&folder, Split::All).expect("VOC's files beside images")))
}

#[test]
fn they_validate() {
    let Some(trees) = trees() else { return };
    let parts = [(Split::All, trees)];
    let policy = Policy::default().with(Check::OutsideBox, Action::Note);
    let outcome = validate(&parts, &policy, 2, || {}).expect("it runs");
    let count = outcome.splits[0];
    assert_eq!((count.samples, count.objects, count.kept), (4, 951, 4));
    let mut classes: Vec<_> = outcome.classes.iter().map(|class| (class.name.as_str(), class.count)).collect();
    classes.sort_unstable();
    assert_eq!(classes, [("Alive", 9), ("Dead", 28), ("Tree", 914)]);
    let html = ValidationReport::new("trees", &outcome, &policy).to_html(&parts);
    assert!(html.contains("914") && html.contains("Class imbalance"));
}

/// Each box in turn is highlighted, and its lower edge looked for right below it.
#[test]
fn they_are_drawn_with_their_boxes_in_place() {
    let Some(trees) = trees() else { return };
    let mut looked_at = 0;
    for index in 0..trees.len() {
        let sample = trees.get(SampleKey::plain(index)).expect("it can be read");
        if sample.image.width() != SIDE_PX {
            continue; // scaled down, edges would lie between pixels
        }
        for (number, object) in sample.annotations.objects.iter().enumerate() {
            let options = DrawOptions { highlight: Some(number), ..DrawOptions::new(SIDE_PX) };
            let drawing = draw_annotations(&sample, trees.labels(), options);
            let (x, below) = ((object.bbox.x1 + object.bbox.x2) / 2.0, object.bbox.y2.round());
            if below < f64::from(SIDE_PX) {
                assert_eq!(drawing.pixel(x as u32, below as u32), HIGHLIGHT, "object {number} of {}", sample.source);
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 80, "only {looked_at} boxes were looked at");
}
