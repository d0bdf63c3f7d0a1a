//! `mvl data validate` and `mvl data preview`.

use std::fs;
use std::path::Path;

use mvl::core::{Channels, Image, SampleRng};
use mvl::data::{decode_file, encode_png, write_png};
use tempfile::tempdir;

use crate::program::{fixture, mvl, text};

/// Two classes of pictures of random blocks, no two alike.
fn photos(folder: &Path, per_class: u64) {
    for class in ["cat", "dog"] {
        fs::create_dir_all(folder.join(class)).expect("a folder");
        for number in 0..per_class {
            let picture = blocks(number + 100 * class.len() as u64 + u64::from(class == "dog") * 1000);
            write_png(&picture, folder.join(class).join(format!("{number}.png"))).expect("written");
        }
    }
}

fn blocks(seed: u64) -> Image {
    let mut rng = SampleRng::new([seed, 0, 0, 0]);
    let levels: Vec<u8> = (0..72).map(|_| rng.below(256) as u8).collect();
    let pixels = (0..32).flat_map(|y| (0..36).map(move |x| y / 4 * 9 + x / 4)).map(|at: usize| levels[at]).collect();
    Image::new(36, 32, Channels::Gray, pixels).expect("a byte a pixel")
}

#[test]
fn a_good_data_set_passes() {
    let folder = tempdir().expect("a folder");
    photos(folder.path(), 12);
    let ran = mvl(&["data", "validate", text(folder.path())]).succeeds();
    assert!(ran.stdout.contains("nothing was found"), "{}", ran.stdout);
}

#[test]
fn what_is_wrong_is_told_reported_and_left_out() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    photos(&data, 12);
    fs::copy(fixture("mvl-data/tests/fixtures/resize/truncated.jpg"), data.join("cat/broken.jpg")).expect("copied");
    fs::write(data.join("dog/png.jpg"), encode_png(&blocks(1))).expect("written");
    let (page, good) = (folder.path().join("report.html"), folder.path().join("good.jsonl"));
    let arguments = ["data", "validate", text(&data), "--report", text(&page), "--write-good", text(&good)];
    let ran = mvl(&arguments).succeeds();
    assert!(ran.stdout.contains("broken.jpg") && ran.stdout.contains("wrong_extension"), "{}", ran.stdout);
    let html = fs::read_to_string(&page).expect("a page");
    assert!(html.contains("Corrupt or truncated image") && !html.contains("<script"));
    assert_eq!(fs::read_to_string(&good).expect("a list").lines().count(), 1 + 25, "a header and the good samples");
    let again = mvl(&["--json", "data", "validate", text(&good)]).succeeds().json();
    assert_eq!(again["splits"][0]["quarantined"], 0);

    let report = mvl(&["--json", "data", "validate", text(&data)]).succeeds().json();
    assert_eq!((report["schema"].as_u64(), report["failed"].as_bool()), (Some(1), Some(false)));
    assert_eq!((&report["splits"][0]["samples"], &report["splits"][0]["quarantined"]), (&26.into(), &1.into()));
    assert_eq!(report["quarantined"][0]["reasons"][0]["check"], "corrupt");

    let policy = folder.path().join("strict.toml");
    fs::write(&policy, "[checks]\ncorrupt = \"fail\"\n").expect("written");
    let refused = mvl(&["data", "validate", text(&data), "--policy", text(&policy)]);
    refused.fails(1, &["the policy refuses the data set for 1 finding"]);
}

#[test]
fn every_mistake_in_a_policy_at_once() {
    let folder = tempdir().expect("a folder");
    photos(folder.path(), 1);
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "near_duplicate_bits = 64\nrare_class = 3\n[checks]\nrare_class = \"skip\"\n").expect("written");
    let ran = mvl(&["data", "validate", text(folder.path()), "--policy", text(&policy)]);
    ran.fails(
        2,
        &[
            "3 problems",
            "rare_class: unknown field",
            "near_duplicate_bits: expected 0 to 8",
            "checks.rare_class: is about no",
        ],
    );
}

#[test]
fn previews_of_samples_and_of_a_chain() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    photos(&data, 3);
    let sheet = folder.path().join("sheet.png");
    let out = ["--out", text(&sheet), "--tile", "64"];
    let run = |extra: &[&str]| {
        let arguments = [&["--json", "data", "preview", text(&data)], extra, &out].concat();
        mvl(&arguments).succeeds().json()
    };
    let plain = run(&["--samples", "4"]);
    assert_eq!(plain["tiles"].as_array().map(Vec::len), Some(4));
    assert_eq!(decode_file(&sheet).expect("a PNG").width(), 2 * 70 + 6);
    let first = fs::read(&sheet).expect("a PNG");
    run(&["--samples", "4", "--seed", "1"]);
    assert_ne!(fs::read(&sheet).expect("a PNG"), first, "another seed shows others");
    run(&["--samples", "4"]);
    assert_eq!(fs::read(&sheet).expect("a PNG"), first, "the same seed shows the same");

    let chain = "[{name = \"random_crop\", size = 16}]";
    let changed = run(&["--index", "2", "--samples", "5", "--augment", chain]);
    let sizes: Vec<_> = changed["tiles"].as_array().expect("tiles").iter().map(|tile| tile["width"].as_u64()).collect();
    assert_eq!(sizes, [Some(36), Some(16), Some(16), Some(16), Some(16)]);
    let wrong = mvl(&["data", "preview", text(&data), "--augment", "random_flip", "--out", text(&sheet)]);
    wrong.fails(2, &["unknown variant `random_flip`"]);
    let past = mvl(&["data", "preview", text(&data), "--index", "6", "--out", text(&sheet)]);
    past.fails(1, &["expected an index below 6, got 6"]);
}
