//! A learning rate and a batch size are found by trying.

use mvl_core::{Backend, Cpu, DataError};
use mvl_train::{
    BatchSizeConfig, LearningRateConfig, OptimizerConfig, find_batch_size, find_learning_rate, prepare_model,
};

use crate::tiny::*;

#[test]
fn a_learning_rate_that_learns_is_suggested() {
    let _alone = one_run_at_a_time();
    let device = Cpu::device(0).expect("there").autodiff();
    let model = prepare_model(TinyNet::new(&device), &device, 0);
    let before = bits(&model);
    let settings = mvl_train::TrainConfig { optimizer: OptimizerConfig::sgd(0.1), ..config(1) };
    let loader = TinyLoader::train(&device);
    let found = find_learning_rate(&TinyTask::default(), &model, &loader, &settings, LearningRateConfig::default());
    let found = found.expect("searches");
    assert!(found.points.windows(2).all(|two| two[0].0 < two[1].0));
    let rate = found.suggestion.expect("the loss falls somewhere");
    assert!((1e-3..5.0).contains(&rate), "{rate}");
    assert_eq!(bits(&model), before, "the model is not touched");
}

#[test]
fn the_largest_batch_that_fits_is_found() {
    let _alone = one_run_at_a_time();
    let device = Cpu::device(0).expect("there").autodiff();
    let model = prepare_model(TinyNet::new(&device), &device, 0);
    let loader = |size: usize| -> Result<Sized, DataError> { Ok(Sized(TinyLoader::train(&device), size)) };
    let config = BatchSizeConfig { smallest: 1, largest: 16, steps: 2, memory_bytes: None };
    let found =
        find_batch_size(&TinyTask::default(), &model, loader, &crate::tiny::config(1), config).expect("searches");
    let sizes: Vec<usize> = found.trials.iter().map(|trial| trial.batch_size).collect();
    assert_eq!((sizes, found.largest), (vec![1, 2, 4], Some(4)), "a batch has four samples at most");
    assert!(found.suggestion.is_some());
    let little = BatchSizeConfig { memory_bytes: Some(1), ..config };
    let found =
        find_batch_size(&TinyTask::default(), &model, loader, &crate::tiny::config(1), little).expect("searches");
    assert_eq!(found.largest, None);
    assert!(found.trials[0].failure.as_ref().is_some_and(|why| why.contains("bytes of 1")));
}

/// Batches of at most the given size.
struct Sized(TinyLoader, usize);

impl mvl_core::DataLoader for Sized {
    type Batch = mvl_core::ImageBatch;
    fn batches_per_epoch(&self) -> usize {
        self.0.batches_per_epoch()
    }
    fn samples_per_epoch(&self) -> usize {
        self.0.samples_per_epoch()
    }
    fn epoch(&self, epoch: usize, first: usize) -> Result<mvl_core::BatchIter<Self::Batch>, DataError> {
        let most = self.1;
        Ok(Box::new(self.0.epoch(epoch, first)?.map(move |batch| {
            let mut batch = batch?;
            batch.annotations.truncate(most);
            batch.images = batch.images.narrow(0, 0, batch.annotations.len());
            Ok(batch)
        })))
    }
    fn take_skipped(&self) -> Vec<mvl_core::SkippedSample> {
        Vec::new()
    }
}
