//! Every sampler keeps its contract and the promises of its own.

use std::sync::Arc;

use mvl_core::{Dataset, EveryItem, Labels, Location, Order, Sample, SampleKey, Sampler, conformance};
use mvl_data::{
    AspectRatioGroups, ClassBalanced, ImageFolder, LabelledDataset, Limited, LoaderConfig, RepeatedAugmentation,
    SamplerConfig, ShardShuffled, Weighted, aspect_ratios, write_png,
};

use crate::fixtures::gray;

/// Classes of 1, 2, 4 … samples; every ninth sample has none. Shards of 50.
struct Skewed {
    labels: Labels,
}

const SKEWED_LEN: usize = 210;

fn skewed() -> Skewed {
    Skewed { labels: Labels::new(["a", "b", "c", "d", "e", "f", "g", "h"]) }
}

impl Dataset<Sample> for Skewed {
    fn len(&self) -> usize {
        SKEWED_LEN
    }

    fn get(&self, key: SampleKey) -> Result<Sample, mvl_core::DataError> {
        Ok(Sample::new(gray(2, 1, key.index as u8), "memory"))
    }

    fn location(&self, index: usize) -> Option<Location> {
        (index < SKEWED_LEN).then(|| Location::whole(format!("shard-{}.tar", index / 50)))
    }
}

impl LabelledDataset for Skewed {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        let class = (index + 1).ilog2() as usize;
        (index % 9 != 8).then_some(class)
    }
}

#[test]
fn every_sampler_keeps_the_contract() {
    let data = skewed();
    let everything = Arc::new(EveryItem::new(SKEWED_LEN, Order::Shuffled));
    let weights: Vec<f64> = (0..SKEWED_LEN).map(|index| (index % 7) as f64).collect();
    let ratios: Vec<f64> = (0..SKEWED_LEN).map(|index| 0.25 + (index % 10) as f64 / 4.0).collect();
    let table: Vec<Arc<dyn Sampler>> = vec![
        Arc::new(EveryItem::new(SKEWED_LEN, Order::Sequential)),
        everything.clone(),
        Arc::new(Limited::new(everything.clone(), 17)),
        Arc::new(Limited::new(everything, 1_000)),
        Arc::new(Weighted::new(&weights, 300).expect("good weights")),
        Arc::new(ClassBalanced::new(&data, 301).expect("classes")),
        Arc::new(RepeatedAugmentation::new(SKEWED_LEN, 1).expect("once")),
        Arc::new(RepeatedAugmentation::new(SKEWED_LEN, 4).expect("four times")),
        Arc::new(AspectRatioGroups::new(&ratios, 8, 1).expect("good ratios")),
        Arc::new(AspectRatioGroups::new(&ratios, 8, 4).expect("good ratios")),
        Arc::new(ShardShuffled::new(&[100, 0, 60, 50], 1).expect("few")),
        Arc::new(ShardShuffled::of(&data, 64)),
        Arc::new(ShardShuffled::of(&data, 10_000)),
    ];
    for sampler in table {
        conformance::sampler(sampler, SKEWED_LEN);
    }
}

fn indices(sampler: &dyn Sampler, epoch: usize) -> Vec<usize> {
    sampler.picks(5, epoch).iter().map(|pick| pick.index).collect()
}

#[test]
fn random_orders_differ_between_epochs_and_seeds() {
    let data = skewed();
    for name in [
        "\"shuffled\"",
        "\"class_balanced\"",
        r#"{"weighted": {"classes": {"a": 9}}}"#,
        r#"{"repeated_augmentation": {"repeats": 3}}"#,
        "\"aspect_ratio_groups\"",
        r#"{"shard_shuffled": {"window": 20}}"#,
    ] {
        let config: SamplerConfig = serde_json::from_str(name).expect("a sampler");
        assert_eq!(config.problems(), Vec::<String>::new());
        let sampler = config.build(&data, &LoaderConfig::new(8)).expect("it runs");
        assert_ne!(sampler.picks(5, 0), sampler.picks(5, 1), "{name}");
        assert_ne!(sampler.picks(5, 0), sampler.picks(6, 0), "{name}");
        assert!(sampler.len().abs_diff(SKEWED_LEN) < 8, "{name}");
        let text = serde_json::to_string(&config).expect("plain data");
        assert_eq!(serde_json::from_str::<SamplerConfig>(&text).expect("a sampler"), config);
    }
}

#[test]
fn each_item_comes_once_where_none_is_repeated() {
    for sampler in [ShardShuffled::of(&skewed(), 64), ShardShuffled::of(&skewed(), 1)] {
        let mut all = indices(&sampler, 2);
        all.sort_unstable();
        assert_eq!(all, (0..SKEWED_LEN).collect::<Vec<_>>());
    }
}

#[test]
fn classes_are_balanced_to_one_sample_and_so_are_a_class_s_samples() {
    let data = skewed();
    for samples in [1, 7, 80, 803] {
        let sampler = ClassBalanced::new(&data, samples).expect("classes");
        let mut by_class = [0_usize; 8];
        let mut by_sample = [0_usize; SKEWED_LEN];
        for index in indices(&sampler, 1) {
            by_class[data.label_of(index).expect("samples without a class do not come")] += 1;
            by_sample[index] += 1;
        }
        let spread = |counts: &[usize]| counts.iter().max().expect("some") - counts.iter().min().expect("some");
        assert!(spread(&by_class) <= 1, "{samples} samples: {by_class:?}");
        for class in 0..8 {
            let members = (0..SKEWED_LEN).filter(|&index| data.label_of(index) == Some(class));
            assert!(spread(&members.map(|index| by_sample[index]).collect::<Vec<_>>()) <= 1, "class {class}");
        }
    }
}

#[test]
fn ranks_see_different_repeats_of_the_same_items() {
    let plan = |rank| {
        let sampler = Arc::new(RepeatedAugmentation::new(300, 3).expect("three"));
        mvl_core::EpochPlan::sampled(sampler).with_seed(2).with_rank(rank, 3).expect("one of three").keys()
    };
    let ranks = [plan(0), plan(1), plan(2)];
    for ((first, second), third) in ranks[0].iter().zip(&ranks[1]).zip(&ranks[2]) {
        assert_eq!((first.index, first.index), (second.index, third.index));
        assert_eq!((first.repeat, second.repeat, third.repeat), (0, 1, 2));
    }
}

#[test]
fn shards_are_told_by_where_samples_lie() {
    let sampler = ShardShuffled::of(&skewed(), 1);
    let shards: Vec<usize> = indices(&sampler, 0).chunk_by(|a, b| a / 50 == b / 50).map(|run| run.len()).collect();
    let mut sorted = shards.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [10, 50, 50, 50, 50]);
}

#[test]
fn aspect_ratios_come_from_headers() {
    let root = tempfile::tempdir().expect("a folder");
    for (name, width, height) in [("a", 4, 2), ("b", 3, 3), ("c", 2, 8)] {
        let path = root.path().join(format!("cat/{name}.png"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        write_png(&gray(width, height, 0), path).expect("written");
    }
    let folder = ImageFolder::open(root.path()).expect("three images");
    assert_eq!(aspect_ratios(&folder).expect("good headers"), [2.0, 1.0, 0.25]);
    assert_eq!(aspect_ratios(&skewed()).expect("made")[..2], [2.0, 2.0], "without records, from the items");
}

#[test]
fn a_sampler_s_problems_are_told() {
    let message = |json: &str| {
        let config: SamplerConfig = serde_json::from_str(json).expect("a sampler");
        config.build(&skewed(), &LoaderConfig::new(8)).expect_err("it cannot run").to_string()
    };
    assert_eq!(
        message(r#"{"weighted": {"classes": {"a": -1, "b": 2}}}"#),
        "the sampler cannot run: classes.a: expected at least 0, got -1"
    );
    assert_eq!(
        message(r#"{"repeated_augmentation": {"repeats": 0}}"#),
        "the sampler cannot run: repeats: expected at least 1, got 0"
    );
    let unknown = message(r#"{"weighted": {"classes": {"x": 1}}}"#);
    assert!(
        unknown.starts_with("the sampler weighs a class \"x\" that the data set does not have, only "),
        "{unknown}"
    );
    assert!(serde_json::from_str::<SamplerConfig>(r#"{"shard_shuffled": {"windows": 1}}"#).is_err());
}
