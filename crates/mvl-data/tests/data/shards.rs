//! Shards: as a data set, damaged, and read by PyPI's `webdataset`.

use std::path::{Path, PathBuf};
use std::process::Command;

use mvl_core::{Annotations, Channels, Dataset, Image, Labels, SampleKey};
use mvl_data::{
    LabelledDataset, ShardDataset, ShardLimits, ShardSample, encode_npy, encode_png, shard_sample, write_shard,
};

/// The Python to ask, or `None` after saying why the test is skipped.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("MVL_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let import = Command::new(&python).args(["-c", "import webdataset, numpy"]).output();
    if import.is_ok_and(|ran| ran.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {} cannot import webdataset; set MVL_PYTHON to one that can", python.display());
    None
}

fn picture(level: u8) -> Image {
    let pixels = (0..4 * 3 * 3).map(|at| level.wrapping_add(at)).collect();
    Image::new(4, 3, Channels::Rgb, pixels).expect("filled")
}

fn labels() -> Labels {
    Labels::new(["cat", "dog", "emu"])
}

/// Seven samples in three shards: PNG files and raw pixels, with and without a class.
fn write(folder: &Path) -> Vec<ShardSample> {
    let sample = |at: u8| {
        let image = picture(at);
        let bytes = if at.is_multiple_of(2) { encode_png(&image) } else { encode_npy(&image) };
        let annotations = if at == 5 { Annotations::default() } else { Annotations::labelled(usize::from(at) % 3) };
        shard_sample(&format!("{at:06}"), bytes.into(), &annotations, &labels()).expect("a sample")
    };
    let samples: Vec<_> = (0..7).map(sample).collect();
    let mut waiting = samples.iter().cloned().map(Ok);
    let limits = ShardLimits { samples: 3, ..ShardLimits::default() };
    for number in 0.. {
        let shard = folder.join(format!("shard-{number:06}.tar"));
        if write_shard(&shard, &mut waiting, limits).expect("written").is_none() {
            break;
        }
    }
    samples
}

#[test]
fn webdataset_reads_what_we_write() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let written = write(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check_webdataset.py");
    let ran = Command::new(python).arg(script).arg(folder.path()).output().expect("Python starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let read = summary["samples"].as_array().expect("a list");
    assert_eq!(read.len(), written.len());
    for (sample, read) in written.iter().zip(read) {
        assert_eq!(read["key"], sample.key.as_str());
        let members = read["members"].as_object().expect("an object");
        assert_eq!(members.len(), sample.parts.len());
        for part in &sample.parts {
            let member = &members[&part.extension];
            assert_eq!(member["bytes"], part.bytes.len());
            assert_eq!(member["sha256"], sha256(&part.bytes));
        }
        let class =
            sample.part("cls").map(|text| std::str::from_utf8(text).expect("digits").parse::<u64>().expect("digits"));
        assert_eq!(read["class"].as_u64(), class);
        assert_eq!(
            read["shape"],
            if sample.part("npy").is_some() { serde_json::json!([3, 4, 3]) } else { serde_json::Value::Null }
        );
    }
}

#[test]
fn shards_are_a_data_set() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let dataset = ShardDataset::open_folder(folder.path(), Some(labels())).expect("three shards");
    assert_eq!((dataset.len(), dataset.key_of(6), dataset.key_of(7)), (7, Some("000006"), None));
    for at in 0..7 {
        let sample = dataset.get(SampleKey::plain(at)).expect("a good sample");
        assert_eq!(sample.image, picture(at as u8));
        assert_eq!(sample.annotations.label, dataset.label_of(at));
        let location = dataset.location(at).expect("in a shard");
        let bytes = std::fs::read(&*location.object).expect("there");
        let range = location.range.expect("a part of it");
        let part = bytes[range.start as usize..range.end as usize].to_vec();
        assert_eq!(Some(crc32c::crc32c(&part)), location.crc32c);
        let record = dataset.record(at, part.into()).expect("a record");
        assert_eq!(dataset.make(SampleKey::plain(at), record, &|_| unreachable!()).expect("the same"), sample);
    }
    assert_eq!(dataset.label_of(5), None);
    assert!(dataset.get(SampleKey::plain(7)).is_err());
}

#[test]
fn damage_is_named_by_shard_key_and_offset() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let shard = folder.path().join("shard-000001.tar");
    let mut bytes = std::fs::read(&shard).expect("there");
    let place = bytes.windows(7).position(|text| text == b"000004.").expect("the fifth sample's first header");
    bytes[place + 600] ^= 1;
    std::fs::write(&shard, &bytes).expect("written");
    let dataset = ShardDataset::open_folder(folder.path(), Some(labels())).expect("only content is damaged");
    let expected =
        format!("sample \"000004\" at byte {place}: damaged, its checksum does not fit; {}", shard.display());
    assert_eq!(dataset.get(SampleKey::plain(4)).expect_err("damaged").to_string(), expected);
    assert!(dataset.get(SampleKey::plain(5)).is_ok());

    bytes.truncate(place + 600);
    std::fs::write(&shard, &bytes).expect("written");
    let error = ShardDataset::open_folder(folder.path(), Some(labels())).expect_err("cut off").to_string();
    assert!(error.contains("the last whole sample is \"000003\"; repair the shard"), "{error}");
    std::fs::remove_file(shard.with_extension("idx")).expect("there");
    let error = ShardDataset::open_folder(folder.path(), Some(labels())).expect_err("cut off").to_string();
    assert!(error.contains("the last good sample before it is \"000003\"; repair the shard"), "{error}");
}

#[test]
fn a_missing_index_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let index = folder.path().join("shard-000002.idx");
    let before = std::fs::read(&index).expect("there");
    std::fs::remove_file(&index).expect("there");
    assert_eq!(ShardDataset::open_folder(folder.path(), None).expect("good").labels().len(), 3);
    assert_eq!(std::fs::read(&index).expect("made again"), before);
    let error = ShardDataset::open_folder(folder.path(), Some(Labels::new(["cat"]))).expect_err("three classes");
    assert!(error.to_string().starts_with("sample \"000001\" at byte "), "{error}");
    assert!(error.to_string().contains("expected one of 1 classes, got 1"), "{error}");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
