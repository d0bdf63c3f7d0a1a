//! It learns, and the same seed gives the same weights.

use mvl_core::{Backend, Cpu, StopReason};
use mvl_train::{OptimizerConfig, ScheduleConfig, TrainConfig, Trained, Trainer};

use crate::tiny::*;

fn train<B: Backend>(config: TrainConfig) -> Trained<TinyNet> {
    let mut trainer = Trainer::<B, _>::new(TinyTask::default(), config).expect("valid settings");
    let (plain, autodiff) = (trainer.device().expect("there"), trainer.training_device().expect("there"));
    let (train, valid) = (TinyLoader::train(&autodiff), TinyLoader::valid(&plain));
    trainer.fit(TinyNet::new(&plain), &train, Some(&valid)).expect("trains")
}

fn learns<B: Backend>() {
    let _alone = one_run_at_a_time();
    for optimizer in [OptimizerConfig::sgd(0.1), OptimizerConfig::adamw(0.02)] {
        let trained = train::<B>(TrainConfig { optimizer, ..config(12) });
        assert_eq!((trained.stop_reason, trained.history.len()), (StopReason::Completed, 12));
        let (first, last) = (&trained.history[0], &trained.history[11]);
        let loss = |summary: &mvl_train::EpochSummary| summary.train.get("loss").expect("always there");
        assert!(loss(last) < 0.6 * loss(first), "{first:?} {last:?}");
        assert!(last.figure("accuracy").expect("a metric of the task") > 0.9, "{last:?}");
        let best = trained.best.expect("there was validation");
        assert_eq!(trained.history[best.epoch].figure("accuracy"), Some(best.value));
        assert!(trained.history.iter().all(|summary| summary.figure("accuracy") <= Some(best.value)));
    }
}

fn repeats<B: Backend>() {
    let _alone = one_run_at_a_time();
    let (first, second) = (train::<B>(config(2)), train::<B>(config(2)));
    assert_eq!(bits(&first.model), bits(&second.model));
    assert_eq!(first.history[1].valid, second.history[1].valid);
    let other = train::<B>(TrainConfig { seed: 6, ..config(2) });
    assert_ne!(bits(&first.model), bits(&other.model));
}

#[test]
fn learns_on_cpu() {
    learns::<Cpu>();
}

#[test]
fn repeats_on_cpu() {
    repeats::<Cpu>();
}

#[cfg(feature = "ndarray")]
#[test]
fn learns_on_ndarray() {
    learns::<mvl_core::NdArray>();
}

#[cfg(feature = "ndarray")]
#[test]
fn repeats_on_ndarray() {
    repeats::<mvl_core::NdArray>();
}

#[test]
fn works_without_validation_and_leaves_the_given_model_alone() {
    let _alone = one_run_at_a_time();
    let settings = TrainConfig { schedule: ScheduleConfig::constant(), ..config(1) };
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), settings).expect("valid settings");
    let model = TinyNet::new(&trainer.device().expect("there"));
    let before = bits(&model);
    let trained = trainer.fit(model.clone(), &TinyLoader::train(&trainer.training_device().expect("there")), None);
    let trained = trained.expect("trains");
    assert_eq!((trained.best, trained.history[0].valid.as_ref()), (None, None));
    assert_eq!(bits(&model), before);
    assert_ne!(bits(&trained.model), before);
}
