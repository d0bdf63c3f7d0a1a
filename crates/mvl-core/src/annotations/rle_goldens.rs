//! Polygons and run lengths against pycocotools, whose answers `scripts/make_rle_goldens.py` wrote down. No tolerance: all is equal.

use serde::Deserialize;

use super::{BoxXywh, BoxXyxy, Mask, Polygon, RunLengths};

#[derive(Deserialize)]
struct Golden {
    name: String,
    width: u32,
    height: u32,
    polygons: Vec<Polygon>,
    /// Compressed.
    counts: String,
    uncompressed: Vec<u32>,
    area: u64,
    bbox: BoxXywh,
}

#[test]
fn masks_are_those_of_pycocotools() {
    let goldens: Vec<Golden> =
        serde_json::from_str(include_str!("../../tests/fixtures/rle.json")).expect("the fixture is whole");
    assert!(goldens.len() > 100, "{}", goldens.len());
    for golden in goldens {
        let Golden { name, width, height, polygons, .. } = golden;
        let bitmap = Mask::Polygons(polygons).to_bitmap(width, height).expect("a size");
        let runs = RunLengths::from_bitmap(&bitmap);
        assert_eq!(runs.counts, golden.uncompressed, "{name}");
        assert_eq!(runs.to_coco_string(), golden.counts, "{name}");
        let read = RunLengths::from_coco_string(width, height, &golden.counts).expect("pycocotools wrote it");
        assert_eq!(read, runs, "{name}");
        assert_eq!(read.to_bitmap().expect("it adds up"), bitmap, "{name}");
        assert_eq!((runs.area(), bitmap.area() as u64), (golden.area, golden.area), "{name}");
        let expected = (golden.area > 0).then(|| BoxXyxy::from(golden.bbox));
        assert_eq!((runs.bbox().expect("it adds up"), bitmap.bbox()), (expected, expected), "{name}");
    }
}
