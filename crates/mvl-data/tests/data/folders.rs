//! A folder for each class.

use mvl_core::{DataError, Dataset, SampleKey};
use mvl_data::{ImageFolder, LabelledDataset};

use crate::fixtures::{classes, gray, names, put, put_image};

#[test]
fn classes_and_files_are_sorted_and_other_files_counted() {
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name);
    put_image(at("dog/b.png"), 1);
    put_image(at("cat/z.PNG"), 2);
    put_image(at("cat/deep/er/a.png"), 3);
    put_image(at("cat/.hidden.png"), 4);
    put_image(at(".trash/c.png"), 5);
    put(at("dog/notes.txt"), "not an image");
    put(at("labels.csv"), "beside the classes");

    let pets = ImageFolder::open(root.path()).expect("two classes");
    assert_eq!(names(pets.labels()), ["cat", "dog"]);
    assert_eq!(classes(&pets), [0, 0, 1]);
    assert_eq!(pets.ignored(), 2);
    let found: Vec<_> = (0..3).filter_map(|index| pets.path_of(index)).collect();
    assert_eq!(found, [at("cat/z.PNG"), at("cat/deep/er/a.png"), at("dog/b.png")]);

    let sample = pets.get(SampleKey::plain(1)).expect("it decodes");
    assert_eq!((sample.image, sample.annotations.label), (gray(4, 3, 3), Some(0)));
    assert_eq!(&*sample.source, at("cat/deep/er/a.png").to_string_lossy());
    assert_eq!((pets.label_of(3), pets.path_of(3)), (None, None));
    let error = pets.get(SampleKey::plain(3)).expect_err("past the end");
    assert_eq!(error.to_string(), "index 3 is past the end of 3 images");
}

#[test]
fn an_empty_folder_says_what_is_expected() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path().join("cat/readme.md"), "no images yet");
    let error = ImageFolder::open(root.path()).expect_err("no images");
    let expected = format!(
        "no images: expected a folder for each class with .jpg, .jpeg, .png, .webp, .bmp files in it, such as cat/001.jpg, \
         found 1 other files; {}",
        root.path().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_missing_folder_says_which() {
    let error = ImageFolder::open("no/such/pets").expect_err("it is not there");
    assert_eq!(error.full_message(), "cannot read no/such/pets: No such file or directory (os error 2)");
}

#[test]
fn a_file_that_vanishes_is_an_error_with_its_path() {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("cat/a.png");
    put_image(&path, 0);
    let pets = ImageFolder::open(root.path()).expect("one image");
    std::fs::remove_file(&path).expect("removed");
    let error = pets.get(SampleKey::plain(0)).expect_err("it is gone");
    assert!(matches!(&error, DataError::Io { path: named, .. } if *named == path), "{error:?}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_up_ends() {
    let root = tempfile::tempdir().expect("a folder");
    put_image(root.path().join("cat/a.png"), 0);
    std::os::unix::fs::symlink(root.path().join("cat"), root.path().join("cat/again")).expect("linked");
    let error = ImageFolder::open(root.path()).expect_err("a loop").to_string();
    assert!(error.starts_with("expected at most 32 folders in each other; does a link lead back up?; "), "{error}");
}
