//! Ingestion through the public API: what goes where, what is left out, and that nothing else decides on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mvl_core::{BoxXyxy, Channels, Dataset, Image, Object, SampleKey};
use mvl_data::{
    AnnotatedImage, AnnotatedImages, GroupBy, IngestConfig, IngestReport, IngestSources, LabelledDataset, Manifest,
    OnDuplicate, Packing, ShardLimits, Shares, Split, available_splits, encode_png, ingest, open_dataset,
    verify_shards,
};

use crate::fixtures::{classes, names, put, put_image, shared_asset};

fn run(sources: &[&Path], target: &Path, config: &IngestConfig) -> IngestReport {
    let paths: Vec<PathBuf> = sources.iter().map(|path| (*path).to_owned()).collect();
    ingest(IngestSources::open(&paths).expect("sources"), target, config, &mut |_| {}).expect("ingested")
}

fn samples(report: &IngestReport) -> Vec<usize> {
    report.parts.iter().map(|part| part.samples).collect()
}

/// Where each image of a part came from.
fn origins(target: &Path, split: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(target.join("manifest.jsonl")).expect("written");
    let rows = manifest.lines().skip(1).map(|row| serde_json::from_str::<serde_json::Value>(row).expect("JSON"));
    let source = |row: serde_json::Value| row["source"].as_str().expect("a path").to_owned();
    rows.filter(|row| row["split"] == split).map(source).collect()
}

#[test]
fn parts_are_made_and_open_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    for at in 0..40_u8 {
        put_image(source.join(format!("{}/{at}.png", if at < 20 { "cat" } else { "dog" })), at);
    }
    let limits = ShardLimits { samples: 10, ..ShardLimits::default() };
    let report = run(&[&source], &target, &IngestConfig { limits, ..IngestConfig::default() });
    assert_eq!(samples(&report), [32, 4, 4]);
    assert_eq!(report.parts[0].shards, 4);
    assert_eq!(available_splits(&target).expect("shards"), [Split::Train, Split::Valid, Split::Test]);
    for (split, per_class) in [(Split::Train, 16), (Split::Valid, 2), (Split::Test, 2)] {
        let dataset = open_dataset(&target, split).expect("a part");
        assert_eq!(names(dataset.labels()), ["cat", "dog"]);
        assert_eq!(classes(&*dataset), [vec![0; per_class], vec![1; per_class]].concat());
    }
    let all = open_dataset(&target, Split::All).expect("everything");
    let rows = Manifest::open(target.join("manifest.jsonl")).expect("a manifest of its own");
    assert_eq!((all.len(), rows.len()), (40, 40));
    for at in 0..40 {
        let (shard, row) =
            (all.get(SampleKey::plain(at)).expect("good"), rows.get(SampleKey::plain(at)).expect("good"));
        assert_eq!((shard.image, shard.annotations), (row.image, row.annotations));
    }
    let first = origins(&target, "train").remove(0);
    assert_eq!(
        std::fs::read(first).expect("the source"),
        encode_png(&all.get(SampleKey::plain(0)).expect("good").image)
    );
}

#[test]
fn workers_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("source");
    for at in 0..30_u8 {
        put_image(source.join(format!("{}/{at}.png", at % 3)), at);
    }
    let bytes = |workers: usize| {
        let target = folder.path().join(workers.to_string());
        let packing = Packing::Jpeg { short_side: 2, quality: 80 };
        run(&[&source], &target, &IngestConfig { workers, packing, ..IngestConfig::default() });
        [
            "manifest.jsonl",
            "labels.json",
            "ingest.json",
            "train/shard-000000.tar",
            "train/shard-000000.idx",
            "test/shard-000000.tar",
        ]
        .map(|name| std::fs::read(target.join(name)).expect(name))
    };
    let one = bytes(1);
    assert!(one == bytes(2) && one == bytes(7));
}

#[test]
fn duplicates_are_dropped_and_listed_across_parts_and_sources() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for (path, level) in [("train/cat/a.png", 1), ("train/cat/b.png", 2), ("test/cat/c.png", 2), ("test/dog/d.png", 3)]
    {
        put_image(first.join(path), level);
    }
    for (path, level) in [("emu/e.png", 4), ("dog/f.png", 1), ("dog/g.png", 5)] {
        put_image(second.join(path), level);
    }
    let config = IngestConfig { shares: Shares { train: 1.0, valid: 0.0, test: 0.0 }, ..IngestConfig::default() };
    let target = folder.path().join("target");
    let report = run(&[&first, &second], &target, &config);
    assert_eq!(samples(&report), [4, 0, 1]);
    let listed: Vec<_> = report
        .duplicates
        .iter()
        .map(|twin| (twin.source.rsplit('/').next(), twin.kept.rsplit('/').next(), twin.same_class))
        .collect();
    assert_eq!(listed, [(Some("c.png"), Some("b.png"), true), (Some("f.png"), Some("a.png"), false)]);
    let train = open_dataset(&target, Split::Train).expect("a part");
    assert_eq!(names(train.labels()), ["cat", "dog", "emu"], "a class of two sources is one class");
    assert_eq!(classes(&*train), [0, 0, 1, 2], "the second source's dog comes before its emu");

    let keep = IngestConfig { on_duplicate: OnDuplicate::Keep, ..config.clone() };
    assert_eq!(samples(&run(&[&first, &second], &folder.path().join("kept"), &keep)), [5, 0, 2]);
    let fail = IngestConfig { on_duplicate: OnDuplicate::Fail, ..config };
    let sources = IngestSources::open(&[first, second]).expect("sources");
    let error = ingest(sources, &folder.path().join("failed"), &fail, &mut |_| {}).expect_err("two duplicates");
    assert!(error.to_string().starts_with("expected no image twice, got 2 duplicates: "), "{error}");
}

#[test]
fn groups_never_straddle_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    for at in 0..60_u8 {
        put_image(source.join(format!("scan/p{:02}_{at}.png", at % 12)), at);
    }
    let config = IngestConfig {
        shares: Shares { train: 0.5, valid: 0.25, test: 0.25 },
        group_by: GroupBy::Path("/(p[0-9]+)_".to_owned()),
        ..IngestConfig::default()
    };
    assert_eq!(samples(&run(&[&source], &target, &config)), [30, 15, 15]);
    let patients = |split: &str| -> Vec<String> {
        let mut patients: Vec<_> = origins(&target, split)
            .iter()
            .map(|path| path.rsplit('/').next().expect("a name").split('_').next().expect("a patient").to_owned())
            .collect();
        patients.sort();
        patients.dedup();
        patients
    };
    let mut all = [patients("train"), patients("valid"), patients("test")].concat();
    assert_eq!(all.len(), 12);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 12);
}

#[test]
fn a_manifest_says_what_stays_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = "path,label,group\n".to_owned();
    for at in 0..24_u8 {
        put_image(folder.path().join(format!("{at}.png")), at);
        table += &format!("{at}.png,cell,slide {}\n", at % 6);
    }
    put(folder.path().join("all.csv"), table);
    let target = folder.path().join("target");
    let shares = Shares { train: 1.0, valid: 1.0, test: 1.0 };
    let config = IngestConfig { shares, ..IngestConfig::default() };
    assert_eq!(samples(&run(&[&folder.path().join("all.csv")], &target, &config)), [8, 8, 8]);
    let slides: Vec<Vec<usize>> = ["train", "valid", "test"]
        .map(|split| {
            let number = |path: &String| Path::new(path).file_stem().expect("a name").to_str().expect("digits").parse();
            let mut slides: Vec<usize> = origins(&target, split)
                .iter()
                .map(|path| number(path).map(|at: usize| at % 6).expect("digits"))
                .collect();
            slides.sort_unstable();
            slides.dedup();
            slides
        })
        .into();
    assert!(slides.iter().all(|slides| slides.len() == 2), "{slides:?}");
}

#[test]
fn boxes_shrink_with_their_images() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = |at: u8| Image::new(40, 20, Channels::Rgb, vec![at; 2400]).expect("filled");
    let images: Vec<_> = (0..3_u8)
        .map(|at| {
            put(folder.path().join(format!("{at}.png")), encode_png(&picture(at)));
            let mut image = AnnotatedImage { file: format!("{at}.png"), ..AnnotatedImage::default() };
            image.annotations.objects = vec![Object::new(0, BoxXyxy::new(4.0, 2.0, 20.0, 18.0))];
            image
        })
        .collect();
    let labels = mvl_core::Labels::new(["tree"]);
    let source: Arc<dyn LabelledDataset> = Arc::new(AnnotatedImages::in_folder(labels, folder.path(), images));
    for (name, packing) in [
        ("jpeg", Packing::Jpeg { short_side: 10, quality: 90 }),
        ("raw", Packing::Raw { short_side: Some(10) }),
        ("whole", Packing::Raw { short_side: None }),
    ] {
        let sources = IngestSources::new(vec![("trees".to_owned(), Split::Train, source.clone())]);
        let config = IngestConfig { packing, ..IngestConfig::default() };
        let target = folder.path().join(name);
        ingest(sources, &target, &config, &mut |_| {}).expect("ingested");
        let sample = open_dataset(&target, Split::Train).expect("a part").get(SampleKey::plain(1)).expect("good");
        let (size, bbox) = match name {
            "whole" => ((40, 20), BoxXyxy::new(4.0, 2.0, 20.0, 18.0)),
            _ => ((20, 10), BoxXyxy::new(2.0, 1.0, 10.0, 9.0)),
        };
        assert_eq!((sample.image.width(), sample.image.height()), size, "{name}");
        assert_eq!(sample.annotations.objects[0].bbox, bbox, "{name}");
        assert!(sample.image.pixels().iter().all(|&level| level.abs_diff(1) <= 1), "{name}");
        assert_eq!(verify_shards(&[target.join("train/shard-000000.tar")]).expect("readable"), []);
    }
}

#[test]
fn the_trees_keep_their_boxes() {
    let Some(source) = shared_asset("detection_trees") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let shares = Shares { train: 1.0, valid: 0.0, test: 0.0 };
    run(&[&source], folder.path(), &IngestConfig { shares, ..IngestConfig::default() });
    let trees = open_dataset(&source, Split::All).expect("XML beside images");
    let packed = open_dataset(folder.path(), Split::Train).expect("shards");
    assert_eq!((names(packed.labels()), packed.len()), (names(trees.labels()), trees.len()));
    let mut boxes = 0;
    for at in (0..trees.len()).map(SampleKey::plain) {
        let (packed, tree) = (packed.get(at).expect("good"), trees.get(at).expect("good"));
        boxes += packed.annotations.objects.len();
        assert_eq!((packed.image, packed.annotations), (tree.image, tree.annotations), "{}", tree.source);
    }
    assert_eq!(boxes, 951);
}

#[test]
fn what_changes_meanwhile_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    for at in 0..4 {
        put_image(source.join(format!("cat/{at}.png")), at);
    }
    let sources = IngestSources::open(std::slice::from_ref(&source)).expect("a source");
    let changed = source.join("cat/2.png");
    let mut swap = |progress: mvl_data::IngestProgress| {
        if progress.step == mvl_data::IngestStep::Reading && progress.done == progress.total {
            put_image(&changed, 99);
        }
    };
    let error = ingest(sources, &target, &IngestConfig::default(), &mut swap).expect_err("changed");
    assert!(error.to_string().contains("2.png was changed while it was ingested"), "{error}");
    let open = open_dataset(&target, Split::Train).err().expect("not whole").to_string();
    assert!(open.starts_with("an ingestion into this folder is not finished; run it again"), "{open}");
}
