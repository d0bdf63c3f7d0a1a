//! Several batches make one update, and weights are averaged over updates.

use burn::tensor::Tensor;
use mvl_core::{Backend, Cpu, DataLoader, ImageBatch, ModelEma, ModelEmaConfig, WEIGHTS_FILE};
use mvl_train::{
    CheckpointKind, Checkpointer, RunPlan, TrainConfig, Trainer, Updater, epoch_batches, prepare_model, train_step,
};

use crate::tiny::*;

fn floats(bits: Vec<u32>) -> Vec<f32> {
    bits.into_iter().map(f32::from_bits).collect()
}

/// The weights after three epochs in which each update is made of so many batches, which are put together first or not.
fn trained(accumulation: usize, together: bool) -> Vec<f32> {
    let _alone = one_run_at_a_time();
    let device = Cpu::device(0).expect("a CPU").autodiff();
    let settings = TrainConfig { gradient_accumulation: accumulation, ..config(3) };
    let loader = TinyLoader::train(&device);
    let plan = RunPlan::new(&settings, loader.batches_per_epoch());
    let mut model = prepare_model(TinyNet::plain(&device), &device, settings.seed);
    let mut updater = Updater::new(&settings, &model);
    for epoch in 0..settings.epochs {
        let mut batches = epoch_batches(&loader, "training", epoch, 0).expect("batches");
        for step in 0..plan.steps_per_epoch() {
            let mut group = batches.next_group(plan.gradient_accumulation()).expect("batches").expect("one more");
            if together {
                let annotations = group.iter_mut().flat_map(|batch| std::mem::take(&mut batch.annotations)).collect();
                let images = Tensor::cat(group.into_iter().map(|batch| batch.images).collect(), 0);
                group = vec![ImageBatch { images, annotations }];
            }
            let made = train_step(&TinyTask::default(), model, &group, &mut updater, plan.step(epoch, step));
            model = made.expect("a step").0;
        }
        assert!(batches.next_group(1).expect("no more").is_none());
    }
    floats(bits(&model))
}

#[test]
fn accumulation_equals_the_big_batch() {
    for accumulation in [2, 4, 6] {
        let (apart, together) = (trained(accumulation, false), trained(accumulation, true));
        let difference = apart.iter().zip(&together).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{accumulation} batches: {difference:.1e}");
        assert!(difference < 1e-6, "{accumulation} batches: off by {difference}");
    }
    assert_ne!(trained(2, false), trained(1, false));
}

/// What is validated, saved to predict with and answered is the average; what training goes on with is not.
#[test]
fn the_average_is_what_comes_of_a_run() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ema = ModelEmaConfig { decay: 0.8, ..ModelEmaConfig::default() };
    let settings = TrainConfig { ema: Some(ema), ..config(2) };
    let mut trainer =
        Trainer::<Cpu, _>::new(TinyTask::default(), settings.clone()).expect("valid").with_run_dir(folder.path());
    let device = trainer.training_device().expect("there");
    let loader = TinyLoader::train(&device);
    let trained = trainer.fit(TinyNet::new(&device), &loader, None).expect("trains");

    // the same by hand
    let plan = RunPlan::new(&settings, loader.batches_per_epoch());
    let mut model = prepare_model(TinyNet::new(&device), &device, settings.seed);
    let (mut updater, mut average) = (Updater::new(&settings, &model), ModelEma::new(&model, ema));
    for epoch in 0..settings.epochs {
        for (step, batch) in epoch_batches(&loader, "training", epoch, 0).expect("batches").enumerate() {
            let step = plan.step(epoch, step);
            let batch = [batch.expect("a batch")];
            model = train_step(&TinyTask::default(), model, &batch, &mut updater, step).expect("a step").0;
            average.update(&model, step.global_step + 1);
        }
    }
    assert_eq!(bits(&trained.model), bits(average.model()));
    assert_ne!(bits(&trained.model), bits(&model));

    let checkpoints = Checkpointer::new(folder.path());
    let last = checkpoints.path(CheckpointKind::Last);
    assert!(last.join(WEIGHTS_FILE).is_file() && last.join("training.bpk").is_file());
    let saved = checkpoints.load_weights(CheckpointKind::Last, TinyNet::new(&device)).expect("whole").expect("there");
    assert_eq!(bits(&saved), bits(&trained.model));
}
