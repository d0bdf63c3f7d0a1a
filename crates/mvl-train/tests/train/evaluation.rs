//! Measuring without learning.

use burn::module::Module;
use mvl_core::{Backend, ConfusionMatrix, Cpu, Metric, Task};
use mvl_train::{evaluate, prepare_model};

use crate::tiny::*;

#[test]
fn every_sample_counts_once_and_nothing_changes() {
    let _alone = one_run_at_a_time();
    let device = Cpu::device(0).expect("the CPU is always there");
    let model = prepare_model(TinyNet::new(&device), &device.clone().autodiff(), 1);
    let before = bits(&model);
    let (task, loader) = (TinyTask::default(), TinyLoader::valid(&device));
    let mut matrix = ConfusionMatrix::new(2);
    let mut batches = Vec::new();
    let metrics = evaluate(&task, &model, &loader, |predictions, truths, batch| {
        matrix.update(predictions, truths);
        batches.push((batch, truths.len()));
    });
    let metrics = metrics.expect("evaluates");
    assert_eq!(batches, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4), (5, 2)]);
    assert_eq!((matrix.total(), metrics.get("accuracy")), (SAMPLES as u64, Some(matrix.accuracy())));
    assert_eq!(metrics.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["loss", "accuracy"]);
    assert_eq!(bits(&model), before, "running statistics are used, not updated");

    // The loss of all samples at once is the mean weighted by samples.
    let all = mvl_core::ImageBatch {
        images: burn::tensor::Tensor::cat(loaded(&loader).iter().map(|batch| batch.images.clone()).collect(), 0),
        annotations: loaded(&loader).into_iter().flat_map(|batch| batch.annotations).collect(),
    };
    let plain = model.valid();
    let expected = task.loss(&task.forward(&plain, &all), &all).total.into_scalar::<f64>();
    let got = metrics.get("loss").expect("always there");
    assert!((got - expected).abs() < 1e-6, "{got} {expected}");

    // A loader on the autodiff device gives the same figures.
    let on_autodiff = evaluate(&task, &model, &TinyLoader::valid(&device.autodiff()), |_, _, _| ()).expect("evaluates");
    assert_eq!(on_autodiff, metrics);
    assert_eq!(bits(&model), before);
}

fn loaded(loader: &TinyLoader) -> Vec<mvl_core::ImageBatch> {
    use mvl_core::DataLoader;
    loader.epoch(0, 0).expect("in memory").collect::<Result<_, _>>().expect("in memory")
}

#[test]
fn nothing_to_measure_is_an_error() {
    let device = Cpu::device(0).expect("the CPU is always there");
    let empty = TinyLoader { samples: 0, ..TinyLoader::valid(&device) };
    let outcome = evaluate(&TinyTask::default(), &TinyNet::new(&device), &empty, |_, _, _| ());
    let error = outcome.expect_err("no batches").to_string();
    assert_eq!(error, "the validation loader has no batches: give it more samples, or a smaller batch size");
}
