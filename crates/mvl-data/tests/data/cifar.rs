//! CIFAR's binary files.

use mvl_core::SampleKey;
use mvl_data::{Split, available_splits, open_dataset};

use crate::fixtures::{classes, put};

/// A record whose planes are of one level each.
fn record(labels: &[u8], [red, green, blue]: [u8; 3]) -> Vec<u8> {
    [labels, &[red; 1024], &[green; 1024], &[blue; 1024]].concat()
}

#[test]
fn ten_classes_with_names() {
    let root = tempfile::tempdir().expect("a folder");
    for file in 1..=5 {
        put(root.path().join(format!("data_batch_{file}.bin")), record(&[file], [file, 2, 3]));
    }
    put(root.path().join("test_batch.bin"), [record(&[9], [7, 8, 9]), record(&[0], [1, 1, 1])].concat());
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    put(root.path().join("batches.meta.txt"), names);
    assert_eq!(available_splits(root.path()).expect("recognised"), [Split::Train, Split::Test]);
    let all = open_dataset(root.path(), Split::All).expect("both parts");
    assert_eq!((classes(&*all), all.labels().name(9)), (vec![1, 2, 3, 4, 5, 9, 0], Some("truck")));
    let sample = all.get(SampleKey::plain(5)).expect("in memory");
    assert_eq!((sample.image.pixel(31, 31), sample.image.width()), (&[7, 8, 9][..], 32));
    assert!(sample.source.ends_with("test_batch.bin#0"), "{}", sample.source);
    let error = open_dataset(root.path(), Split::Valid).err().expect("no such part").to_string();
    assert!(error.starts_with("no validation part: the parts that are there are train, test; "), "{error}");
    std::fs::remove_file(root.path().join("data_batch_4.bin")).expect("it was there");
    let error = open_dataset(root.path(), Split::Train).err().expect("a file is missing").to_string();
    assert!(error.starts_with("expected the files data_batch_4.bin, found none; "), "{error}");
}

#[test]
fn a_hundred_classes_by_the_fine_label() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path().join("train.bin"), record(&[19, 99], [1, 2, 3]));
    let train = open_dataset(root.path(), Split::Train).expect("a part");
    assert_eq!((classes(&*train), train.labels().len()), (vec![99], 100));
    put(root.path().join("train.bin"), [0; 100]);
    let error = open_dataset(root.path(), Split::Train).err().expect("no record").to_string();
    assert!(error.starts_with("expected records of 3074 bytes, got a file of 100 bytes; "), "{error}");
}
