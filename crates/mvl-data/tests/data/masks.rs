//! Mask images: a class, or an object's number, for every pixel.

use mvl_core::{BoxXyxy, ClassMap, Labels, Mask, Object};
use mvl_data::{IndexImage, ManifestRow, Split, VOC_CLASSES, open_dataset, read_index_png, write_index_png};
use serde::Deserialize;

use crate::fixtures::{annotations_of, mask_fixture, names, put, put_image};

/// What `scripts/make_mask_fixtures.py` found with NumPy.
#[derive(Deserialize)]
struct Known {
    class: usize,
    bbox: BoxXyxy,
    area: u64,
}

fn known(name: &str) -> Vec<Known> {
    let text = std::fs::read(mask_fixture(name)).expect("the fixture is there");
    serde_json::from_slice(&text).expect("the fixture is whole")
}

fn index_image(name: &str) -> IndexImage {
    read_index_png(&std::fs::read(mask_fixture(name)).expect("the fixture is there")).expect("the fixture is whole")
}

/// The numbers of the objects in the photo from the VOC challenge, and the labels with the background.
pub(crate) fn voc_sample() -> (IndexImage, Labels) {
    (index_image("voc_object.png"), Labels::new(std::iter::once("background").chain(VOC_CLASSES)))
}

/// Its objects, with masks by the plainest way.
pub(crate) fn voc_objects() -> Vec<Object> {
    let (image, _) = voc_sample();
    let object = |(number, known): (u16, Known)| {
        let pixels = image.indices.iter().map(|&index| u8::from(index == number)).collect();
        let bitmap = mvl_core::Bitmap::new(image.width, image.height, pixels).expect("a value a pixel");
        let runs = mvl_core::RunLengths::from_bitmap(&bitmap);
        assert_eq!(runs.area(), known.area, "object {number}");
        Object::new(known.class, known.bbox).with_mask(Mask::RunLengths(runs))
    };
    (1..).zip(known("voc_objects.json")).map(object).collect()
}

#[test]
fn masks_of_classes_open_with_their_images() {
    let root = tempfile::tempdir().expect("a folder");
    put_image(root.path().join("images/a.png"), 1);
    let mask = IndexImage { width: 2, height: 2, indices: vec![0, 2, 255, 1] };
    put(root.path().join("masks/a_mask.png"), write_index_png(&mask).expect("four numbers"));
    let dataset = open_dataset(root.path(), Split::All).expect("a pair");
    assert_eq!(names(dataset.labels()), ["0", "1", "2"]);
    let map = annotations_of(&*dataset, 0).class_map.expect("a class for every pixel");
    assert_eq!(map.classes(), [0, 2, ClassMap::IGNORE, 1]);

    put(root.path().join("classes.txt"), "road\nsky\n");
    let dataset = open_dataset(root.path(), Split::All).expect("a pair");
    let error = dataset.get(mvl_core::SampleKey::plain(0)).expect_err("class 2 has no name").to_string();
    assert!(error.starts_with("expected classes below 2 or 255, got 2; "), "{error}");

    put_image(root.path().join("images/b.png"), 1);
    let error = open_dataset(root.path(), Split::All).err().expect("no mask").to_string();
    assert!(error.starts_with("image \"b\": expected a mask of the same name; "), "{error}");
    let error = open_dataset(root.path(), Split::Train).err().expect("not divided").to_string();
    assert!(error.starts_with("no train part: the parts that are there are all; "), "{error}");
}

/// The nuclei of stardist: 125 objects.
#[test]
fn nuclei_become_objects_and_survive_a_manifest() {
    let root = tempfile::tempdir().expect("a folder");
    put_image(root.path().join("images/nuclei.png"), 1);
    put(root.path().join("instances/nuclei.png"), std::fs::read(mask_fixture("nuclei.png")).expect("the fixture"));
    let dataset = open_dataset(root.path(), Split::All).expect("a pair");
    assert_eq!(names(dataset.labels()), ["object"]);
    let annotations = annotations_of(&*dataset, 0);
    let expected = known("nuclei.json");
    assert_eq!((annotations.objects.len(), expected.len()), (125, 125));
    for (object, known) in annotations.objects.iter().zip(&expected) {
        let Some(Mask::RunLengths(runs)) = &object.mask else { panic!("masks are run lengths") };
        assert_eq!((object.bbox, runs.area()), (known.bbox, known.area));
    }
    let row = ManifestRow::new(&annotations, dataset.labels(), None);
    let text = serde_json::to_string(&row).expect("plain data");
    let read: ManifestRow = serde_json::from_str(&text).expect("it was just written");
    assert_eq!(read.annotations(dataset.labels()), Ok(annotations));
}
