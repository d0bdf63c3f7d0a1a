//! Every source opens from every place, with the items that it has on a disk.

use std::path::Path;
use std::sync::Arc;

use mvl_core::{Channels, DataLoadStrategy, EpochPlan, Image, Order, Sample, SampleKey};
use mvl_data::{
    IngestConfig, IngestSources, LabelledDataset, Parallel, Sequential, ShardLimits, ShardSample, Split, Streaming,
    available_splits, encode_png, ingest, open_dataset, write_shard,
};

use crate::places::Place;

fn picture(first: u8) -> Vec<u8> {
    let pixels = (0..5 * 4 * 3).map(|at| first.wrapping_add(at * 7)).collect();
    encode_png(&Image::new(5, 4, Channels::Rgb, pixels).expect("three bytes a pixel"))
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
    std::fs::write(path, bytes).expect("writable");
}

/// Class folders with two parts, names that need care, and files that do not count.
fn put_class_folders(root: &Path) {
    for (class, name) in ["cat", "dog", "red fox"].iter().zip(0..) {
        for number in 0..7 {
            put(&root.join(format!("train/{class}/{number} of 50%.png")), &picture(name * 40 + number));
            put(&root.join(format!("train/{class}/more/{number}.png")), &picture(name * 40 + 20 + number));
        }
        put(&root.join(format!("val/{class}/ü{name}.png")), &picture(200 + name));
    }
    put(&root.join("train/cat/notes.txt"), b"no image");
    put(&root.join("train/.cache/x.png"), b"hidden");
}

/// All samples of a data set in the plan's order, with everything but where they came from.
fn samples(dataset: Arc<dyn LabelledDataset>, strategy: &dyn DataLoadStrategy<Sample>) -> Vec<Sample> {
    let plan = EpochPlan::new(dataset.len(), Order::Shuffled).with_seed(9);
    let items = strategy.load(dataset, plan).expect("it starts");
    let samples: Result<Vec<_>, _> = items.collect();
    let mut samples = samples.unwrap_or_else(|error| panic!("{}", error.full_message()));
    samples.iter_mut().for_each(|sample| sample.source = "".into());
    samples
}

/// Opens the same data set here and there and compares all of it.
fn same(local: &Path, url: &str, split: Split) {
    let open = |path: &str| -> Arc<dyn LabelledDataset> {
        open_dataset(Path::new(path), split).unwrap_or_else(|error| panic!("{}", error.full_message())).into()
    };
    let (local, remote) = (open(local.to_str().expect("a plain path")), open(url));
    assert_eq!(remote.labels(), local.labels(), "{url}");
    let expected = samples(local, &Sequential);
    assert!(!expected.is_empty());
    assert!(url.starts_with("file:") || remote.location(0).is_some_and(|place| place.is_url()), "{url}");
    assert_eq!(samples(remote.clone(), &Streaming::new(Parallel::new(2))), expected, "{url}, streamed");
    assert_eq!(samples(remote, &Parallel::new(2)), expected, "{url}, one by one");
}

#[test]
fn class_folders_open_from_every_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    put_class_folders(folder.path());
    for place in Place::all() {
        place.put_folder(folder.path());
        let splits = available_splits(Path::new(&place.url)).expect("it can be listed");
        assert_eq!(splits, [Split::Train, Split::Valid]);
        same(folder.path(), &place.url, Split::Train);
        same(folder.path(), &place.url, Split::All);
        same(&folder.path().join("val"), &place.at("val/"), Split::All);
    }
}

#[test]
fn manifests_open_from_every_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for number in 0..9 {
        put(&folder.path().join(format!("images/{number}.png")), &picture(number));
    }
    let rows: String = (0..9).map(|number| format!("images/{number}.png,{}\n", ["b", "a"][number % 2])).collect();
    put(&folder.path().join("list.csv"), format!("path,label\n{rows}").as_bytes());
    let rows: String =
        (0..9).map(|number| format!("{{\"path\": \"images/{number}.png\", \"label\": {}}}\n", number % 3)).collect();
    put(&folder.path().join("list.jsonl"), rows.as_bytes());
    for place in Place::all() {
        place.put_folder(folder.path());
        for name in ["list.csv", "list.jsonl"] {
            same(&folder.path().join(name), &place.at(name), Split::All);
        }
    }
}

#[test]
fn boxes_open_from_every_place_in_every_layout() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |path: &str| folder.path().join(path);
    for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
        for images in ["coco/images/train", "yolo/images/train", "voc/JPEGImages"] {
            put(&at(&format!("{images}/{name}.png")), &picture(number * 30));
        }
        put(&at(&format!("yolo/labels/train/{name}.txt")), b"1 0.5 0.5 0.4 0.5\n");
        let object = "<object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>";
        let size = "<size><width>5</width><height>4</height><depth>3</depth></size>";
        let xml = format!("<annotation><filename>{name}.png</filename>{size}{object}</annotation>");
        put(&at(&format!("voc/Annotations/{name}.xml")), xml.as_bytes());
    }
    put(&at("yolo/data.yaml"), b"train: images/train\nnames:\n  0: cat\n  1: dog\n");
    let images: Vec<String> = ["a", "b", "c"]
        .iter()
        .zip(1..)
        .map(|(name, id)| format!("{{\"id\": {id}, \"file_name\": \"{name}.png\", \"width\": 5, \"height\": 4}}"))
        .collect();
    let annotation =
        "{\"id\": 1, \"image_id\": 2, \"category_id\": 7, \"bbox\": [1, 1, 2, 2], \"area\": 4, \"iscrowd\": 0}";
    let coco = format!(
        "{{\"images\": [{}], \"annotations\": [{annotation}], \"categories\": [{{\"id\": 7, \"name\": \"dog\"}}]}}",
        images.join(", ")
    );
    put(&at("coco/annotations/instances_train.json"), coco.as_bytes());
    for place in Place::all() {
        place.put_folder(folder.path());
        for layout in ["coco", "yolo", "voc"] {
            same(&at(layout), &place.at(layout), Split::All);
        }
    }
}

#[test]
fn shards_open_from_every_place_by_their_indices() {
    let (folder, packed) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    put_class_folders(folder.path());
    let packed = packed.path().join("packed");
    let sources = IngestSources::open(&[folder.path().to_owned()]).expect("class folders");
    let limits = ShardLimits { samples: 10, ..ShardLimits::default() };
    let config = IngestConfig { limits, ..IngestConfig::default() };
    ingest(sources, &packed, &config, &mut |_| {}).expect("it can be packed");
    for place in Place::all() {
        place.put_folder(&packed);
        same(&packed, &place.url, Split::Train);
        same(&packed, &place.url, Split::Valid);
        same(&packed.join("train"), &place.at("train"), Split::All);
    }
}

#[test]
fn shards_of_other_makers_open_without_an_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut samples = (0..12).map(|number| {
        let sample = ShardSample::new(format!("{number:04}")).expect("a good key");
        Ok(sample.with_part("png", picture(number)).with_part("cls", vec![b'0' + number % 3]))
    });
    let path = folder.path().join("shard-000000.tar");
    write_shard(&path, &mut samples, ShardLimits::default()).expect("it can be written");
    std::fs::remove_file(path.with_extension("idx")).expect("it was there");
    for place in Place::all() {
        place.put([("shard-000000.tar".to_owned(), std::fs::read(&path).expect("readable"))]);
        same(folder.path(), &place.url, Split::All);
    }
}

#[test]
fn data_are_ingested_from_every_place() {
    let folder = tempfile::tempdir().expect("a folder");
    put_class_folders(folder.path());
    for place in Place::all() {
        place.put_folder(folder.path());
        let target = tempfile::tempdir().expect("a folder");
        let packed = target.path().join("packed");
        let sources = IngestSources::open(&[place.url.clone().into()]).expect("class folders");
        let report = ingest(sources, &packed, &IngestConfig::default(), &mut |_| {}).expect("it can be packed");
        assert_eq!(report.parts.iter().map(|part| part.samples).collect::<Vec<_>>(), [42, 3, 0]);
        same(&packed, &format!("file://{}", packed.display()), Split::Train);
    }
}

#[test]
fn a_folder_of_more_images_than_a_page_holds_is_listed_to_its_end() {
    const IMAGES: usize = 1_050; // S3 lists 1,000 a page
    for place in Place::all() {
        place.put((0..IMAGES).map(|number| (format!("a/{number:05}.png"), picture(number as u8))));
        let opened = open_dataset(Path::new(&place.url), Split::All).expect("it can be listed");
        assert_eq!(opened.len(), IMAGES);
        let last = opened.get(SampleKey::plain(IMAGES - 1)).expect("readable");
        assert!(last.source.ends_with("/a/01049.png"), "{}", last.source);
    }
}

#[test]
fn idx_files_open_from_every_place() {
    let idx = |sizes: &[u32], data: &[u8]| {
        let header = [0, 0, 8, sizes.len() as u8];
        [&header[..], &sizes.iter().flat_map(|size| size.to_be_bytes()).collect::<Vec<_>>(), data].concat()
    };
    for place in Place::all() {
        let pixels: Vec<u8> = (0..3 * 2 * 4).collect();
        place.put([
            ("train-images-idx3-ubyte".to_owned(), idx(&[3, 2, 4], &pixels)),
            ("train-labels-idx1-ubyte".to_owned(), idx(&[3], &[0, 2, 1])),
        ]);
        let opened = open_dataset(Path::new(&place.url), Split::Train).expect("two files");
        let last = opened.get(SampleKey::plain(2)).expect("in memory");
        assert_eq!((last.image.pixels(), last.annotations.label), (&pixels[16..], Some(1)));
        assert!(last.source.ends_with("train-images-idx3-ubyte#2"), "{}", last.source);
    }
}

#[test]
fn what_is_not_there_is_said() {
    for place in Place::all() {
        let missing = place.at("nothing/here");
        let error =
            open_dataset(Path::new(&missing), Split::All).map(|_| ()).expect_err("nothing is there").full_message();
        assert!(error.contains("nothing/here"), "{error}");
    }
    let error = open_dataset(Path::new("s5://bucket/data"), Split::All).map(|_| ()).expect_err("no such scheme");
    assert!(error.to_string().starts_with("expected s3, gs, az, abfs, http, https or file as the scheme"), "{error}");
}
