//! CSV and JSON Lines.

use mvl_core::{Annotations, BoxXyxy, ClassMap, DataError, Dataset, Labels, Mask, Object, RunLengths, SampleKey};
use mvl_data::{
    LabelledDataset, Manifest, ManifestHeader, ManifestRow, ShardPlace, Split, available_splits, open_dataset,
    write_json_lines_manifest,
};

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

#[test]
fn rows_may_say_everything_and_lie_in_shards() {
    let folder = tempfile::tempdir().expect("a folder");
    put_image(folder.path().join("a.png"), 7);
    let image = std::fs::read(folder.path().join("a.png")).expect("just written");
    put(folder.path().join("shards/0.tar"), [b"before".as_slice(), &image, b"after"].concat());
    let header = ManifestHeader::new(Labels::new(["zebra", "ant"]));
    let mut annotations = Annotations::labelled(1);
    let runs = RunLengths { width: 4, height: 3, counts: vec![2, 4, 6] };
    annotations.objects = vec![Object::new(0, BoxXyxy::new(0.0, 0.0, 2.0, 3.0)).with_mask(Mask::RunLengths(runs))];
    annotations.class_map = ClassMap::new(4, 3, vec![0, 1, 1, 1, 0, ClassMap::IGNORE, 1, 1, 0, 1, 1, 1]).ok();
    let row = ManifestRow::new(&annotations, &header.classes, None);
    let length = image.len() as u64;
    let shard = |crc32c| Some(ShardPlace { file: "shards/0.tar".to_owned(), offset: 6, length, crc32c });
    let rows = [
        ManifestRow { path: "a.png".to_owned(), split: Some(Split::Train), ..row.clone() },
        ManifestRow { shard: shard(None), split: Some(Split::Valid), ..row.clone() },
        ManifestRow { shard: shard(Some(1)), ..row },
    ];
    let path = folder.path().join("all.jsonl");
    let mut text = Vec::new();
    write_json_lines_manifest(&mut text, &header, &rows).expect("memory takes every write");
    put(&path, text);

    assert_eq!(available_splits(&path).expect("recognised"), [Split::Train, Split::Valid]);
    let all = open_dataset(&path, Split::All).expect("three rows");
    assert_eq!((names(all.labels()), classes(&*all)), (vec!["zebra", "ant"], vec![1, 1, 1]));
    for index in [0, 1] {
        let sample = all.get(SampleKey::plain(index)).expect("it is there");
        assert_eq!((sample.image, sample.annotations), (gray(4, 3, 7), annotations.clone()));
    }
    assert_eq!(all.location(1).expect("in a shard").range, Some(6..6 + length));
    let error = all.get(SampleKey::plain(2)).expect_err("another checksum").to_string();
    assert!(error.starts_with(&format!("damaged: the checksum of the {length} bytes from 6 differs; ")), "{error}");
    assert_eq!(open_dataset(&path, Split::Valid).expect("one row").len(), 1);
    let error = open_dataset(&path, Split::Test).err().expect("no such part").to_string();
    assert!(error.starts_with("no test part: expected rows with that split, got none; "), "{error}");
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_the_same_rows() {
    use mvl_data::{ManifestFile, parse_parquet_manifest, write_parquet_manifest};
    let header = ManifestHeader::new(Labels::new(["zebra", "ant"]));
    let mut annotations = Annotations::labelled(1);
    annotations.objects = vec![Object::new(0, BoxXyxy::new(0.1, 0.2, 2.3, 3.4))];
    let row = ManifestRow::new(&annotations, &header.classes, Some([4, 3]));
    let rows = vec![
        ManifestRow { path: "a.png".to_owned(), split: Some(Split::Train), group: Some("g".to_owned()), ..row.clone() },
        ManifestRow { path: "b.png".to_owned(), ..ManifestRow::default() },
        ManifestRow {
            shard: Some(ShardPlace { file: "0.tar".to_owned(), offset: 1, length: 2, crc32c: Some(3) }),
            ..row
        },
    ];
    let mut file = Vec::new();
    write_parquet_manifest(&mut file, &header, &rows).expect("memory takes every write");
    let parsed = parse_parquet_manifest(&file);
    assert_eq!((parsed.problems, parsed.value), (vec![], ManifestFile { header: Some(header), rows }));
    assert!(!parse_parquet_manifest(&file[..file.len() / 2]).problems.is_empty());
    assert!(!parse_parquet_manifest(b"PAR1").problems.is_empty());
}
