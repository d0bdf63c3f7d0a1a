//! What `open_dataset` recognises, and what it says when it cannot.

use std::path::Path;

use mvl_data::{Split, available_splits, open_dataset};

use crate::fixtures::{classes, names, put, put_image};

fn error_of(path: &Path, split: Split) -> String {
    match open_dataset(path, split) {
        Ok(dataset) => panic!("expected an error, got a data set of {} images", dataset.len()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn divided_folders_share_their_class_indices() {
    let root = tempfile::tempdir().expect("a folder");
    for (place, path) in ["train/cat/a.png", "train/dog/b.png", "val/dog/c.png", "test/emu/d.png"].iter().enumerate() {
        put_image(root.path().join(path), place as u8);
    }
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Train, Split::Valid, Split::Test]);
    let parts =
        [(Split::Train, vec![0, 1]), (Split::Valid, vec![1]), (Split::Test, vec![2]), (Split::All, vec![0, 1, 1, 2])];
    for (split, expected) in parts {
        let dataset = open_dataset(root.path(), split).expect("three parts");
        assert_eq!(names(dataset.labels()), ["cat", "dog", "emu"]);
        assert_eq!(classes(&*dataset), expected, "{split}");
    }
}

#[test]
fn a_missing_part_is_named() {
    let root = tempfile::tempdir().expect("a folder");
    put_image(root.path().join("train/cat/a.png"), 0);
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Train]);
    let expected = format!(
        "no validation part: expected a folder \"val\" or \"valid\" or \"validation\", found only \"train\"; {}",
        root.path().display()
    );
    assert_eq!(error_of(root.path(), Split::Valid), expected);
    assert!(error_of(root.path(), Split::Test).starts_with("no test part: expected a folder \"test\", found only"));
    assert_eq!(open_dataset(root.path(), Split::All).expect("what there is").len(), 1);
}

#[test]
fn folders_that_belong_to_no_part_are_not_ignored() {
    let root = tempfile::tempdir().expect("a folder");
    for path in ["train/cat/a.png", ".cache/c.png"] {
        put_image(root.path().join(path), 0);
    }
    put(root.path().join("notes/about.txt"), "no image");
    assert_eq!(open_dataset(root.path(), Split::All).expect("nothing is stray").len(), 1);
    put_image(root.path().join("dog/deep/er/b.png"), 0);
    let stray =
        "folders beside \"train\" that belong to no part: \"dog\"; move them into one of train, val and test, or away";
    assert_eq!(error_of(root.path(), Split::Train), format!("{stray}; {}", root.path().display()));
    assert!(available_splits(root.path()).expect_err("the same").to_string().starts_with(stray));

    let root = tempfile::tempdir().expect("a folder");
    for path in ["val/cat/a.png", "valid/cat/b.png"] {
        put_image(root.path().join(path), 0);
    }
    assert!(error_of(root.path(), Split::Valid).starts_with("two validation parts: \"val\" and \"valid\", keep one; "));
}

#[test]
fn plain_class_folders_and_manifests_have_no_parts() {
    let root = tempfile::tempdir().expect("a folder");
    put_image(root.path().join("cat/a.png"), 0);
    put(root.path().join("all.csv"), "path,label\ncat/a.png,cat\n");
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::All]);
    assert_eq!(open_dataset(root.path(), Split::All).expect("class folders").len(), 1);
    let expected = format!(
        "no train part: a folder for each class is not divided; put \"train\", \"val\" and \"test\" folders of class folders in one \
         folder, or read all of it and hold a part out; {}",
        root.path().display()
    );
    assert_eq!(error_of(root.path(), Split::Train), expected);

    let manifest = root.path().join("all.csv");
    assert_eq!(available_splits(&manifest).expect("recognised"), [Split::All]);
    assert_eq!(open_dataset(&manifest, Split::All).expect("a manifest").len(), 1);
    assert!(
        error_of(&manifest, Split::Test)
            .starts_with("no test part: a manifest is not divided unless its rows name a split; ")
    );
}

#[test]
fn idx_files_are_recognised() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path().join("t10k-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9]);
    put(root.path().join("t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 4]);
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Test]);
    for split in [Split::Test, Split::All] {
        assert_eq!(classes(&*open_dataset(root.path(), split).expect("one image")), [4]);
    }
    assert!(error_of(root.path(), Split::Train).starts_with("expected train-images-idx3-ubyte and "));
    let lacks = "no validation part: MNIST's files are train and t10k; hold a part of train out";
    assert_eq!(error_of(root.path(), Split::Valid), format!("{lacks}; {}", root.path().display()));
}

#[test]
fn a_missing_path_says_which() {
    assert_eq!(error_of("no/such/set".as_ref(), Split::All), "cannot read no/such/set");
    assert_eq!(available_splits("no/such/set".as_ref()).expect_err("missing").to_string(), "cannot read no/such/set");
}
