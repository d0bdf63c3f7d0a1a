//! MNIST's files, raw and packed, whole and broken.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use mvl_core::{Dataset, Labels, SampleKey};
use mvl_data::{IdxDataset, LabelledDataset, Split, fashion_mnist_part};

use crate::fixtures::{classes, gray, names, put};

fn images(count: u32, height: u32, width: u32, first: u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    bytes.extend([count, height, width].iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend((0..count * height * width).map(|at| first.wrapping_add(at as u8)));
    bytes
}

fn labels(classes: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 1][..], &(classes.len() as u32).to_be_bytes(), classes].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).expect("memory takes every write");
    packed.finish().expect("memory takes every write")
}

fn put_mnist(folder: &Path) {
    put(folder.join("train-images-idx3-ubyte.gz"), gzip(&images(3, 2, 4, 10)));
    put(folder.join("train-labels-idx1-ubyte"), labels(&[0, 2, 1]));
    put(folder.join("t10k-images.idx3-ubyte"), images(2, 2, 4, 100));
    put(folder.join("t10k-labels-idx1-ubyte.gz"), gzip(&labels(&[1, 1])));
}

#[test]
fn standard_names_are_found_packed_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    put_mnist(folder.path());
    let train = IdxDataset::open_split(folder.path(), Split::Train).expect("three images");
    assert_eq!((train.len(), train.image_size()), (3, [2, 4]));
    assert_eq!((classes(&train), names(train.labels())), (vec![0, 2, 1], vec!["0", "1", "2"]));
    let sample = train.get(SampleKey::plain(1)).expect("in memory");
    assert_eq!((sample.image, sample.annotations.label), (gray(4, 2, 18), Some(2)));
    assert_eq!(&*sample.source, format!("{}/train-images-idx3-ubyte.gz#1", folder.path().display()));

    let all = IdxDataset::open_split(folder.path(), Split::All).expect("five images");
    assert_eq!(classes(&all), [0, 2, 1, 1, 1]);
    let sample = all.get(SampleKey::plain(4)).expect("in memory");
    assert_eq!(sample.image, gray(4, 2, 108));
    assert!(sample.source.ends_with("t10k-images.idx3-ubyte#1"), "{}", sample.source);
}

#[test]
fn classes_can_be_named() {
    let folder = tempfile::tempdir().expect("a folder");
    put_mnist(folder.path());
    let train = || IdxDataset::open_split(folder.path(), Split::Train).expect("three images");
    let named = train().with_labels(Labels::new(["a", "b", "c", "d"])).expect("enough names");
    assert_eq!(names(named.labels()), ["a", "b", "c", "d"]);
    let error = train().with_labels(Labels::new(["a", "a"])).expect_err("too few, and twice the same");
    assert_eq!(
        error.to_string(),
        "expected names for 3 classes, got 2; expected every class to have a name of its own"
    );
}

#[test]
fn every_missing_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path().join("train-labels-idx1-ubyte"), labels(&[0]));
    let error = IdxDataset::open_split(folder.path(), Split::All).expect_err("three are missing");
    let expected = format!(
        "expected train-images-idx3-ubyte and t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, with or without .gz, \
         found no such file; {}",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn there_are_as_many_labels_as_images() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pixels, classes) = (folder.path().join("pixels"), folder.path().join("classes"));
    put(&pixels, images(3, 1, 1, 0));
    put(&classes, labels(&[0, 1]));
    let error = IdxDataset::open(&pixels, &classes).expect_err("one is missing");
    let expected = format!(
        "expected as many labels as images, got 3 images and 2 labels in {}; {}",
        classes.display(),
        pixels.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn broken_files_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pixels, classes) = (folder.path().join("pixels"), folder.path().join("classes"));
    put(&classes, labels(&[0]));
    let whole = gzip(&images(1, 20, 20, 0));
    let bomb = gzip(&[images(1, 1, 1, 0), vec![0; 1 << 20]].concat());
    let cases = [
        ("half a gzip stream", whole[..whole.len() / 2].to_vec(), "the data end early: "),
        ("more data than promised", bomb, "expected 1 bytes of data, got more"),
        (
            "an enormous header",
            images(0, 16_384, 16_384, 0).into_iter().chain([1]).collect(),
            "expected 0 bytes of data",
        ),
        ("labels", labels(&[1, 2, 3]), "expected IDX data of type 8 (unsigned bytes) with 3 axes, got type 8 with 1"),
        ("text", b"hello".to_vec(), "not an IDX file"),
        ("nothing", Vec::new(), "not an IDX file"),
    ];
    for (name, bytes, expected) in cases {
        put(&pixels, bytes);
        let error = IdxDataset::open(&pixels, &classes).expect_err(name).to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
        assert!(error.ends_with(&format!("; {}", pixels.display())), "{name}: {error}");
    }
}

#[test]
fn the_embedded_set_is_balanced() {
    for (split, each) in [(Split::Train, 1_000), (Split::Test, 200), (Split::All, 1_200)] {
        let clothes = fashion_mnist_part(split).expect("compiled in");
        assert_eq!(clothes.image_size(), [28, 28]);
        let classes = classes(&clothes);
        for class in 0..10 {
            assert_eq!(classes.iter().filter(|&&other| other == class).count(), each, "class {class} of {split}");
        }
    }
    let error = fashion_mnist_part(Split::Valid).expect_err("there is none").to_string();
    assert_eq!(error, "the embedded Fashion-MNIST has no validation part; hold a part of train out");
    let clothes = fashion_mnist_part(Split::All).expect("compiled in");
    assert_eq!(clothes.labels().name(0), Some("T-shirt/top"));
    assert_eq!(&*clothes.get(SampleKey::plain(10_005)).expect("in memory").source, "fashion_mnist/test#5");
}
