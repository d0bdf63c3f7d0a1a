//! CSV and JSON Lines.

use mvl_core::{DataError, Dataset, SampleKey};
use mvl_data::{LabelledDataset, Manifest};

use crate::fixtures::{classes, gray, names, put, put_image};

#[test]
fn paths_are_relative_and_names_sorted() {
    let folder = tempfile::tempdir().expect("a folder");
    put_image(folder.path().join("photos/a.png"), 7);
    let csv = folder.path().join("train.csv");
    put(&csv, "path,label,photographer\nphotos/a.png,wren,Ada\nphotos/b.png,auk,Bo\n/elsewhere/c.png,wren,Cy\n");
    let birds = Manifest::open(&csv).expect("three rows");
    assert_eq!((names(birds.labels()), classes(&birds)), (vec!["auk", "wren"], vec![1, 0, 1]));
    assert_eq!(birds.get(SampleKey::plain(0)).expect("it is there").image, gray(4, 3, 7));
    assert_eq!(birds.path_of(2), Some("/elsewhere/c.png".as_ref()));
    let error = birds.get(SampleKey::plain(1)).expect_err("it is missing");
    assert_eq!(error.to_string(), format!("cannot read {}", folder.path().join("photos/b.png").display()));
}

#[test]
fn numbers_are_class_indices() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("train.jsonl");
    put(&path, "{\"path\": \"a.png\", \"label\": 3}\n{\"path\": \"b.png\", \"label\": 1, \"weight\": 2}\n");
    let birds = Manifest::open(&path).expect("two rows");
    assert_eq!((names(birds.labels()), classes(&birds)), (vec!["0", "1", "2", "3"], vec![3, 1]));
}

#[test]
fn every_bad_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.csv");
    put(&path, "path,label\na.png,cat\n,cat\nb.png,\n");
    let error = Manifest::open(&path).expect_err("two bad lines");
    assert!(matches!(error, DataError::Format { .. }));
    let expected = format!("line 3: expected a path, got none; line 4: expected a label, got none; {}", path.display());
    assert_eq!(error.to_string(), expected);

    let path = folder.path().join("worse.jsonl");
    put(&path, "x\n".repeat(23));
    let error = Manifest::open(&path).expect_err("23 bad lines").to_string();
    assert!(error.starts_with("line 1: expected value; line 2: expected value; "), "{error}");
    assert!(error.ends_with(&format!("line 20: expected value; and 3 more; {}", path.display())), "{error}");
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("train.txt");
    put(&path, "a.png cat");
    let error = Manifest::open(&path).expect_err("no manifest");
    let expected = format!("expected a manifest that ends in .csv, .jsonl or .parquet; {}", path.display());
    assert_eq!(error.to_string(), expected);
    let error = Manifest::open("no/such.csv").expect_err("it is not there");
    assert_eq!(error.full_message(), "cannot read no/such.csv: No such file or directory (os error 2)");
}
