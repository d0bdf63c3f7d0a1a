//! YOLO's text files: read, written, read again; as a data set.

use mvl_core::{BoxXyxy, Keypoint, Labels, Mask, Object, SampleRng, Visibility, snap_to_grid};
use mvl_data::{
    Parsed, Split, YoloData, YoloForm, available_splits, open_dataset, parse_yolo_data, parse_yolo_labels,
    write_yolo_data, write_yolo_labels,
};

use crate::fixtures::{annotations_of, names, put, put_image, shared_asset};

const SIZE: [u32; 2] = [1249, 1035];

fn comes_back(objects: &[Object], size: [u32; 2], form: YoloForm) {
    let mut text = Vec::new();
    write_yolo_labels(&mut text, objects, size, form).expect("memory takes every write");
    let Parsed { value, problems, .. } = parse_yolo_labels(&text, size, 9, form);
    assert_eq!(problems, []);
    assert_eq!(value, objects);
}

#[test]
fn random_objects_come_back_to_the_bit() {
    let mut rng = SampleRng::new([3; 4]);
    let [height, width] = SIZE.map(f64::from);
    let mut point = || [snap_to_grid(rng.between(0.0, width)), snap_to_grid(rng.between(0.0, height))];
    let mut shapes = Vec::new();
    let mut people = Vec::new();
    for class in 0..300 {
        let [[x1, y1], [x2, y2], third, fourth] = [point(), point(), point(), point()];
        let bbox = BoxXyxy::new(x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2));
        shapes.push(Object::new(class % 9, bbox));
        let outline = vec![[x1, y1], [x2, y2], third, fourth];
        let around = BoxXyxy::around(outline.iter().copied()).expect("four corners");
        shapes.push(Object::new(class % 9, around).with_mask(Mask::Polygons(vec![outline])));
        let seen = |[x, y]: [f64; 2], visibility| Keypoint { x, y, visibility };
        let points = vec![seen(third, Visibility::Visible), seen(fourth, Visibility::Hidden), Keypoint::default()];
        people.push(Object::new(class % 9, bbox).with_keypoints(points));
    }
    comes_back(&shapes, SIZE, YoloForm::Shapes);
    comes_back(&people, SIZE, YoloForm::of(Some([3, 3])));
}

#[test]
fn what_the_form_cannot_say_is_refused() {
    let two = Object::new(0, BoxXyxy::default()).with_mask(Mask::Polygons(vec![Vec::new(), Vec::new()]));
    let error = |form, object: &Object| {
        write_yolo_labels(&mut Vec::new(), std::slice::from_ref(object), SIZE, form).expect_err("refused").to_string()
    };
    assert_eq!(error(YoloForm::Shapes, &two), "object 0: expected one outline, got 2");
    assert_eq!(error(YoloForm::of(Some([5, 2])), &two), "object 0: expected 5 keypoints, got 0");
}

#[test]
fn data_files_come_back() {
    let data = YoloData {
        path: "/data/pets".to_owned(),
        train: "images/train".to_owned(),
        val: "images/val".to_owned(),
        test: String::new(),
        names: Labels::new(["big dog", "cat: #2", "the \"best\""]),
        kpt_shape: Some([17, 3]),
    };
    let mut text = Vec::new();
    write_yolo_data(&mut text, &data).expect("memory takes every write");
    let Parsed { value, problems, .. } = parse_yolo_data(&text);
    assert_eq!((value, problems), (data, vec![]));
}

#[test]
fn folders_open_by_split() {
    let root = tempfile::tempdir().expect("a folder");
    put(
        root.path().join("data.yaml"),
        "path: /another/machine\ntrain: ../images/train\nval: images/val\nnames: [cat, dog]\n",
    );
    put_image(root.path().join("images/train/a.png"), 1);
    put_image(root.path().join("images/train/empty.png"), 2);
    put_image(root.path().join("images/val/b.png"), 3);
    put(root.path().join("labels/train/a.txt"), "1 0.5 0.5 0.5 1\n0 0 0 1 0 1 1\n");
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Train, Split::Valid]);
    let train = open_dataset(root.path(), Split::Train).expect("a part");
    assert_eq!((train.len(), names(train.labels())), (2, vec!["cat", "dog"]));
    let objects = annotations_of(&*train, 0).objects;
    assert_eq!((objects[0].class, objects[0].bbox), (1, BoxXyxy::new(1.0, 0.0, 3.0, 3.0)));
    assert_eq!(objects[1].mask, Some(Mask::Polygons(vec![vec![[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]]])));
    assert!(annotations_of(&*train, 1).objects.is_empty());
    assert_eq!(open_dataset(root.path(), Split::All).expect("both").len(), 3);
    put(root.path().join("labels/val/b.txt"), "0 .5 .5 1 1\n2 .5 .5 1 1\n");
    let error = open_dataset(root.path(), Split::Valid).err().expect("an unknown class").to_string();
    assert!(error.starts_with("b.txt, line 2: expected a class below 2, got \"2 .5 .5 1 1\"; "), "{error}");
}

#[test]
fn the_trees_boxes_come_back() {
    let Some(folder) = shared_asset("detection_trees") else { return };
    let trees = open_dataset(&folder, Split::All).expect("XML beside images");
    for index in 0..trees.len() {
        let sample = trees.get(mvl_core::SampleKey::plain(index)).expect("the image decodes");
        comes_back(&sample.annotations.objects, [sample.image.width(), sample.image.height()], YoloForm::Shapes);
    }
}
