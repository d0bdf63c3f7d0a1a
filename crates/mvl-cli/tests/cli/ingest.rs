//! `mvl data ingest`: killed at any moment, the next run completes it to the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::program::{command, mvl, pictures, text};

/// Every file below a folder with its content, hidden ones too.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_owned();
                files.insert(name, fs::read(&path).expect("readable"));
            }
        }
    }
    files
}

/// Pictures that differ, as `pictures` repeats itself after twenty.
fn different_pictures(folder: &Path, per_class: u32) {
    for class in ["dark", "light"] {
        fs::create_dir_all(folder.join(class)).expect("a folder");
        for index in 0..per_class {
            let mut pixels = vec![if class == "dark" { 40 } else { 200 }; 48 * 40 * 3];
            pixels[..4].copy_from_slice(&index.to_le_bytes());
            let picture = mvl::core::Image::new(48, 40, mvl::core::Channels::Rgb, pixels).expect("filled");
            mvl::data::write_png(&picture, folder.join(class).join(format!("{index:05}.png"))).expect("written");
        }
    }
}

fn arguments<'a>(source: &'a Path, target: &'a Path) -> Vec<&'a str> {
    vec!["data", "ingest", text(source), text(target), "--samples-per-shard", "25", "--workers", "2"]
}

#[test]
#[cfg(unix)]
fn a_killed_run_is_completed_to_the_same_bytes() {
    let folder = tempdir().expect("a folder");
    let (source, straight, broken) =
        (folder.path().join("source"), folder.path().join("straight"), folder.path().join("broken"));
    different_pictures(&source, 300);
    mvl(&arguments(&source, &straight)).succeeds();
    let expected = files(&straight);
    assert_eq!(expected.keys().filter(|name| name.extension().is_some_and(|end| end == "tar")).count(), 20 + 3 + 3);

    // Killed again and again, each time a little later, until a run gets through.
    let mut kills = 0;
    let mut patience = Duration::from_millis(20);
    loop {
        let mut child = command(&arguments(&source, &broken))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let begun = Instant::now();
        let ended = loop {
            match child.try_wait().expect("a child") {
                None if begun.elapsed() > patience => break None,
                None => std::thread::sleep(Duration::from_millis(1)),
                ended => break ended,
            }
        };
        if let Some(status) = ended {
            assert!(status.success(), "{status}");
            break;
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        kills += 1;
        if !broken.join("manifest.jsonl").exists() && broken.join(".ingest").exists() {
            let error = mvl(&["data", "inspect", text(&broken)]);
            error.fails(1, &["an ingestion into this folder is not finished; run it again"]);
        }
        patience += Duration::from_millis(20);
    }
    assert!(kills > 0, "the first run got through in {patience:?}");
    assert!(files(&broken) == expected, "killed {kills} times: other bytes than a run that nobody killed");

    let again = mvl(&arguments(&source, &broken)).succeeds();
    assert!(again.stdout.contains("train"), "{}", again.stdout);
    assert!(files(&broken) == expected, "a folder that is whole is left alone");
    let other = mvl(&["data", "ingest", text(&source), text(&broken), "--seed", "1"]);
    other.fails(1, &["the folder holds a data set of other sources or settings"]);
}

#[test]
fn what_was_ingested_can_be_looked_at_and_trained_on() {
    let folder = tempdir().expect("a folder");
    let (source, target, run) = (folder.path().join("source"), folder.path().join("target"), folder.path().join("run"));
    pictures(&source, 30); // twenty different ones of each class
    let report = mvl(&["--json", "data", "ingest", text(&source), text(&target)]).succeeds().json();
    assert_eq!(report["duplicates"].as_array().expect("a list").len(), 20, "{report}");
    assert_eq!(report["parts"][0]["samples"], 32);
    assert_eq!(report["parts"][1]["samples"], 4);

    let parts = mvl(&["--json", "data", "inspect", text(&target)]).succeeds().json();
    assert_eq!((&parts[0]["images"], &parts[2]["images"]), (&32.into(), &4.into()), "{parts}");
    assert_eq!((&parts[0]["classes"]["dark"], &parts[0]["classes"]["light"]), (&16.into(), &16.into()));
    let small = ["--model", "resnet8", "--epochs", "1", "--set", "model.options.width=0.25"];
    let mut arguments =
        vec!["train", "--data", text(&target), "--run-dir", text(&run), "--set", "data.image_size=[12,12]"];
    arguments.extend(small);
    mvl(&arguments).succeeds();
}

#[test]
fn a_damaged_shard_is_refused_and_repaired() {
    let folder = tempdir().expect("a folder");
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    pictures(&source, 10);
    mvl(&["data", "ingest", text(&source), text(&target)]).succeeds();
    mvl(&["data", "repair", "--check", text(&target)]).succeeds();
    let shard = target.join("train/shard-000000.tar");
    let mut bytes = fs::read(&shard).expect("there");
    bytes[520] ^= 1; // within the first image
    fs::write(&shard, &bytes).expect("written");
    mvl(&["data", "repair", "--check", text(&target)]).fails(1, &["1 sample damaged"]);
    mvl(&["data", "inspect", text(&target)]).fails(1, &["1 image cannot be read"]);
    let repaired = mvl(&["--json", "data", "repair", text(&target)]).succeeds().json();
    assert_eq!((&repaired["shards"], &repaired["damaged"][0]["key"]), (&3.into(), &"000000000".into()), "{repaired}");
    let parts = mvl(&["--json", "data", "inspect", text(&target)]).succeeds().json();
    assert_eq!(parts[0]["images"], 15);

    fs::write(&shard, &bytes[..bytes.len() / 2]).expect("written");
    mvl(&["data", "inspect", text(&target)])
        .fails(1, &["expected a shard of", "the last whole sample is", "repair the shard"]);
}

#[test]
fn a_corrupt_image_is_fatal_or_listed_by_policy() {
    let folder = tempdir().expect("a folder");
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    pictures(&source, 20);
    let cut = crate::program::fixture("mvl-data/tests/fixtures/resize/truncated.jpg");
    fs::copy(cut, source.join("dark/broken.jpg")).expect("copied");
    mvl(&["data", "ingest", text(&source), text(&target)]).fails(1, &["truncated JPEG", "broken.jpg"]);
    // The same folder goes on under the other policy.
    let report =
        mvl(&["--json", "data", "ingest", text(&source), text(&target), "--on-corrupt", "skip"]).succeeds().json();
    assert!(report["skipped"][0]["reason"].as_str().is_some_and(|reason| reason.contains("broken.jpg")), "{report}");
    let samples: u64 =
        report["parts"].as_array().expect("parts").iter().filter_map(|part| part["samples"].as_u64()).sum();
    assert_eq!(samples, 40);
}

#[test]
fn wrong_arguments_are_explained() {
    let folder = tempdir().expect("a folder");
    let source = folder.path().join("source");
    pictures(&source, 2);
    let ingest = |extra: &[&str]| {
        let mut arguments = vec!["data", "ingest", text(&source)];
        let target = folder.path().join("target");
        let target = text(&target).to_owned();
        arguments.push(&target);
        arguments.extend(extra);
        mvl(&arguments)
    };
    ingest(&["--split", "0.8,0.2"]).fails(2, &["expected three numbers such as 0.8,0.1,0.1, got \"0.8,0.2\""]);
    ingest(&["--split", "0,0,0"]).fails(1, &["shares: expected numbers from 0 with a sum above 0"]);
    ingest(&["--group-by", "("]).fails(1, &["group_by: \"(\" is no regular expression"]);
    ingest(&["--on-corrupt", "mend"]).fails(2, &["expected fail or skip, got \"mend\""]);
    fs::create_dir_all(folder.path().join("target")).expect("a folder");
    fs::write(folder.path().join("target/notes.txt"), "mine").expect("written");
    ingest(&[]).fails(1, &["expected a new or empty folder, or an unfinished ingestion, got other files"]);
}
