//! Ways to end a run early.

use mvl_core::{Cpu, Flow, StopReason, TrainingEvent};
use mvl_train::{EarlyStoppingConfig, StopToken, TrainConfig, Trained, Trainer};

use crate::tiny::*;

fn train(
    settings: TrainConfig,
    customise: impl FnOnce(Trainer<Cpu, TinyTask>) -> Trainer<Cpu, TinyTask>,
) -> Trained<TinyNet> {
    let mut trainer = customise(Trainer::new(TinyTask::default(), settings).expect("valid settings"));
    let (plain, autodiff) = (trainer.device().expect("there"), trainer.training_device().expect("there"));
    let outcome = trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&TinyLoader::valid(&plain)));
    outcome.expect("ends cleanly")
}

#[test]
fn early_stopping_ends_after_an_epoch() {
    let _alone = one_run_at_a_time();
    let early_stopping = Some(EarlyStoppingConfig { patience: 2, min_delta: 10.0 });
    let trained = train(TrainConfig { early_stopping, ..config(9) }, |trainer| trainer);
    assert_eq!(trained.history.len(), 3, "one epoch to set the mark, two to wait");
    let StopReason::Observer { name, reason } = trained.stop_reason else { panic!("{:?}", trained.stop_reason) };
    assert_eq!(name, "early stopping");
    assert!(reason.starts_with("accuracy has not improved for 2 epochs, best "), "{reason}");
}

#[test]
fn an_observer_can_end_a_run_in_the_middle_of_an_epoch() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let enough = Listen(|event: &TrainingEvent<'_>| match event {
        TrainingEvent::StepFinished { step: 2, .. } => Ok(Flow::Stop { reason: "seen enough".to_owned() }),
        _ => Ok(Flow::Continue),
    });
    let trained = train(config(2), |trainer| trainer.with_observer(enough).with_run_dir(folder.path()));
    let expected = StopReason::Observer { name: "listener".to_owned(), reason: "seen enough".to_owned() };
    assert_eq!((trained.stop_reason, trained.history.len()), (expected, 0));
    assert!(folder.path().join("checkpoints/last/weights.bpk").exists());
}

#[test]
fn a_token_that_was_stopped_before_keeps_the_run_from_starting() {
    let _alone = one_run_at_a_time();
    let token = StopToken::new();
    token.stop();
    let trained = train(config(2), |trainer| trainer.with_stop(token));
    assert_eq!((trained.stop_reason, trained.history.len()), (StopReason::Interrupted, 0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_reaches_the_token() {
    use std::process::Command;
    use std::time::{Duration, Instant};

    let token = StopToken::on_ctrl_c().expect("no other handler in this program");
    assert!(!StopToken::on_ctrl_c().expect("the same again").is_stopped());
    let status = Command::new("kill").args(["-INT", &std::process::id().to_string()]).status();
    assert!(status.expect("kill is everywhere").success());
    let began = Instant::now();
    while !token.is_stopped() {
        assert!(began.elapsed() < Duration::from_secs(10), "the signal did not arrive");
        std::thread::sleep(Duration::from_millis(1));
    }
}
