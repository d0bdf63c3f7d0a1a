//! A loader's state can be taken at any step, and what comes after it is the same to the byte.

use std::sync::Arc;

use mvl_core::{BatchIter, Cpu, DataLoadStrategy, DataLoader, ImageBatch, Order, Preprocess, Sampler};
use mvl_data::{
    Cached, ClassBalanced, LabelledDataset, Loader, LoaderConfig, LoaderState, Parallel, Prefetch, Prepared,
    RepeatedAugmentation, Sequential, ShardShuffled, Split, Subset, TransformConfig, fashion_mnist_part,
};

/// Samples of the data set, and of a batch: the last batch is not full.
const LEN: usize = 22;
const BATCH: usize = 4;

fn clothes(len: usize) -> Arc<dyn LabelledDataset> {
    let all = Arc::new(fashion_mnist_part(Split::Test).expect("compiled in"));
    Arc::new(Subset::new(all, (0..len).collect::<Vec<_>>()).expect("in range"))
}

fn loader(config: LoaderConfig, len: usize) -> Loader<Cpu> {
    let spec = Preprocess::exact(28, 28, mvl_core::Channels::Gray, &[0.3], &[0.3]);
    let json = r#"[{"name": "random_crop", "size": 28, "padding": 2}, {"name": "random_horizontal_flip"}]"#;
    let chain: Vec<TransformConfig> = serde_json::from_str(json).expect("a chain");
    let loader = Loader::<Cpu>::new(clothes(len), spec, 0, config).expect("it runs");
    loader.with_augment(&chain).expect("it runs")
}

fn shuffled() -> LoaderConfig {
    LoaderConfig { shuffle: Order::Shuffled, seed: 9, workers: 2, ..LoaderConfig::new(BATCH) }
}

/// The bits of every value, and the labels.
fn bits(batches: BatchIter<ImageBatch>) -> Vec<(Vec<u32>, Vec<Option<usize>>)> {
    let of = |batch: ImageBatch| {
        let values = batch.images.into_data().try_to_vec::<f32>().expect("floats");
        let labels = batch.annotations.iter().map(|annotations| annotations.label).collect();
        (values.into_iter().map(f32::to_bits).collect(), labels)
    };
    batches.map(|batch| of(batch.expect("a good batch"))).collect()
}

fn samplers() -> Vec<Option<Arc<dyn Sampler>>> {
    let balanced = ClassBalanced::new(&*clothes(LEN), LEN).expect("classes");
    vec![
        None,
        Some(Arc::new(balanced)),
        Some(Arc::new(RepeatedAugmentation::new(LEN, 3).expect("three"))),
        Some(Arc::new(ShardShuffled::new(&[10, 12], 5).expect("few"))),
    ]
}

fn strategies() -> Vec<Box<dyn DataLoadStrategy<Prepared>>> {
    vec![
        Box::new(Sequential),
        Box::new(Parallel::new(3)),
        Box::new(Prefetch::new(Sequential)),
        Box::new(Cached::in_memory(1 << 20, Prefetch::new(Parallel::new(2)))),
    ]
}

#[test]
fn what_follows_a_state_is_the_same_to_the_byte() {
    for sampler in samplers() {
        let with_sampler = |loader: Loader<Cpu>| match &sampler {
            Some(sampler) => loader.with_sampler(sampler.clone()),
            None => loader,
        };
        let reference = with_sampler(loader(shuffled(), LEN));
        let epochs: Vec<_> = (0..3).map(|epoch| bits(reference.epoch(epoch, 0).expect("it starts"))).collect();
        assert_ne!(epochs[0], epochs[1]);
        for strategy in strategies() {
            let again = with_sampler(loader(shuffled(), LEN)).with_strategy(strategy);
            for epoch in 0..2 {
                for step in 0..=again.batches_per_epoch() {
                    let state = reference.state_after(epoch, step).expect("an epoch has so many");
                    let text = serde_json::to_string(&state).expect("plain data");
                    let state: LoaderState = serde_json::from_str(&text).expect("what was written");
                    let ended = step == again.batches_per_epoch();
                    assert_eq!((state.epoch, state.next_batch), if ended { (epoch + 1, 0) } else { (epoch, step) });
                    let rest = bits(again.resume(&state).expect("nothing changed"));
                    assert_eq!(
                        rest,
                        epochs[state.epoch][state.next_batch..],
                        "epoch {epoch}, step {step}, {sampler:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn each_rank_resumes_its_own_share() {
    for rank in 0..2 {
        let loader = loader(LoaderConfig { rank, world_size: 2, ..shuffled() }, LEN);
        let whole = bits(loader.epoch(1, 0).expect("it starts"));
        let state = loader.state_after(1, 1).expect("three batches");
        assert_eq!(bits(loader.resume(&state).expect("nothing changed")), whole[1..]);
    }
}

#[test]
fn a_state_of_other_batches_is_refused() {
    let state = loader(shuffled(), LEN).state_after(1, 2).expect("six batches");
    let message = |loader: Loader<Cpu>, state: &LoaderState| match loader.resume(state) {
        Ok(_) => panic!("other batches would come"),
        Err(error) => error.to_string(),
    };
    let changed = LoaderConfig { seed: 8, batch_size: 5, ..shuffled() };
    assert_eq!(
        message(loader(changed, LEN), &state),
        "the loader cannot resume: seed: expected 9 as before, got 8; batch_size: expected 4 as before, got 5"
    );
    assert_eq!(
        message(loader(shuffled(), LEN + 1), &state),
        "the loader cannot resume: samples: expected 22 as before, got 23"
    );
    let repeated = Arc::new(RepeatedAugmentation::new(LEN, 2).expect("two"));
    assert_eq!(
        message(loader(shuffled(), LEN).with_sampler(repeated), &state),
        "the loader cannot resume: order: expected the sampler to pick as before, epoch 1 differs"
    );
    let past_the_end = LoaderState { next_batch: 7, ..state };
    assert_eq!(
        message(loader(shuffled(), LEN), &past_the_end),
        "the loader cannot resume: next_batch: expected at most 6, got 7"
    );
    let error = loader(shuffled(), LEN).state_after(0, 7).expect_err("six batches");
    assert_eq!(error.to_string(), "expected at most the 6 batches of an epoch, got 7");
}
