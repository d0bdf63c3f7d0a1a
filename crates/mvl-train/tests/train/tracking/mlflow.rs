//! `RunLogger` against a server made up here: all is recorded, whatever the server does.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mvl_core::{StopReason, TrainingEvent, TrainingObserver, conformance};
use mvl_train::{OnServerTrouble, RunLogger};
use serde_json::{Value, json};

use super::fake_mlflow::{FakeMlflow, Fault};
use super::run::{self, Told, loss};
use super::server::{Answer, nobody};

const SOON: Duration = Duration::from_secs(30);

fn logger(url: &str, told: &Told) -> RunLogger {
    RunLogger::mlflow(url)
        .expect("an address")
        .with_experiment("tests")
        .with_deadline(SOON)
        .with_notices(told.listener())
}

fn busy() -> Fault {
    Fault::Instead(Answer::new(503, "busy"))
}

fn all_steps() -> Vec<u64> {
    (0..100).collect()
}

#[test]
fn it_keeps_the_contract() {
    let server = FakeMlflow::start();
    conformance::observer(|| logger(&server.server.url, &Told::default()));
    let told = Told::default();
    conformance::observer(|| logger(&nobody(), &told).with_deadline(Duration::from_millis(50)));
    assert!(
        told.has("were not delivered within 0.1 s of the run's end: cannot reach http://127.0.0.1"),
        "{:?}",
        told.all()
    );
}

#[test]
fn a_run_is_recorded_as_it_was() {
    let (server, told) = (FakeMlflow::start(), Told::default());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkpoint = folder.path().join("best");
    fs::create_dir(&checkpoint)
        .and_then(|()| fs::write(checkpoint.join("weights.bpk"), vec![7; 1_000_000]))
        .expect("writable");
    let history = folder.path().join("history.jsonl");
    fs::write(&history, "{}\n").expect("writable");
    let mut logger = logger(&server.server.url, &told)
        .with_run_name("first")
        .with_tag("team", "vision")
        .with_every_steps(3)
        .with_file(&history)
        .with_file(folder.path().join("absent.svg"))
        .with_best_checkpoint(true);
    run::whole(&mut logger, &checkpoint).expect("recorded");
    assert_eq!(logger.state(), Some(json!({"run_id": "0"})));

    let run = server.run();
    assert_eq!(
        (run.experiment.as_str(), run.status.as_str(), run.tags["team"].as_str()),
        ("tests", "FINISHED", "vision")
    );
    assert_eq!(run.tags["mvl.stop_reason"], r#"{"kind":"completed"}"#);
    assert_eq!(run.params["train.optimizer.learning_rate"], "0.1");
    assert_eq!(run.params["model.labels"], r#"["cat","dog"]"#);
    assert_eq!(run.params["model.description"].len(), 6_000);
    assert!(told.has("long parameters were cut, config.json has all: model.description"), "{:?}", told.all());
    let steps: Vec<u64> = (0..100).step_by(3).collect();
    for metric in ["loss", "loss_box", "learning_rate", "gradient_norm"] {
        assert_eq!(run.steps(metric), steps, "{metric}");
    }
    // The server made up here does not read numbers to the last bit.
    let close =
        |step: u64, value: &Value| value.as_f64().is_some_and(|value| (value - loss(step as usize)).abs() < 1e-15);
    assert!(run.metrics["loss"].iter().all(|(step, value)| close(*step, value)));
    assert_eq!(run.metrics["valid_loss"], [(0, json!(0.5)), (1, json!(0.4))]);
    assert_eq!(run.metrics["valid_ap_50"], [(0, json!("NaN")), (1, json!("NaN"))]);
    assert_eq!((run.steps("train_loss"), run.metrics["samples_per_second"][0].1.clone()), (vec![0, 1], json!(100.0)));
    let mut artifacts: Vec<_> = run.artifacts.keys().map(String::as_str).collect();
    artifacts.retain(|path| !path.starts_with("samples/"));
    let expected = [
        "checkpoints/best/weights.bpk",
        "config.json",
        "confusion_matrix.json",
        "confusion_matrix.svg",
        "history.jsonl",
        "notices.txt",
    ];
    assert_eq!(artifacts, expected);
    assert_eq!(run.artifacts["checkpoints/best/weights.bpk"], vec![7; 1_000_000]);
    assert_eq!(run.artifacts["history.jsonl"], b"{}\n");
    assert!(run.artifacts["samples/epoch_0001/000.png"].starts_with(b"\x89PNG"));
    assert_eq!(told.all().len(), 1, "{:?}", told.all());
}

#[test]
fn a_server_that_fails_a_third_of_the_time_loses_nothing() {
    for afterwards in [false, true] {
        let server = FakeMlflow::with_faults(move |_, count| match (count % 3, afterwards) {
            (0, false) => busy(),
            (0, true) => Fault::Afterwards(Answer::new(502, "the answer is lost")),
            _ => Fault::None,
        });
        let mut logger = logger(&server.server.url, &Told::default()).with_every_steps(1);
        run::whole(&mut logger, Path::new("none")).expect("recorded");
        let run = server.run(); // one run, although the answer to its creation was lost
        let mut steps = run.steps("loss");
        steps.dedup();
        steps.sort_unstable();
        steps.dedup();
        assert_eq!((steps, run.status.as_str()), (all_steps(), "FINISHED"));
        assert!(run.artifacts.contains_key("confusion_matrix.svg") && run.params.contains_key("train.seed"));
    }
}

#[test]
fn an_outage_costs_steps_at_most_and_no_step_waits() {
    let began = Instant::now();
    let outage = Duration::from_millis(1_500);
    let server = FakeMlflow::with_faults(move |_, _| if began.elapsed() < outage { busy() } else { Fault::None });
    let told = Told::default();
    let mut logger = logger(&server.server.url, &told).with_every_steps(1).with_capacity(40);
    run::start(&mut logger, 0).expect("begun");
    let mut slowest = Duration::ZERO;
    for epoch in 0..20 {
        for number in 50 * epoch..50 * (epoch + 1) {
            let before = Instant::now();
            run::step(&mut logger, number).expect("kept");
            slowest = slowest.max(before.elapsed());
        }
        run::end_epoch(&mut logger, epoch, Path::new("none")).expect("kept");
    }
    assert!(began.elapsed() < outage, "all that was told within the outage");
    assert!(slowest < Duration::from_millis(200), "a step waited {slowest:?}");
    run::finish(&mut logger, &StopReason::Completed).expect("recorded");
    let run = server.run();
    assert_eq!(run.steps("valid_loss"), (0..20).collect::<Vec<u64>>(), "every epoch");
    assert!(run.params.contains_key("train.optimizer.name"));
    let steps = run.steps("loss");
    assert!((1..200).contains(&steps.len()), "{} steps of 1000", steps.len());
    assert!(told.has("that mattered least were left out meanwhile"), "{:?}", told.all());
}

#[test]
fn a_slow_server_slows_no_step() {
    let server = FakeMlflow::with_faults(|_, _| {
        std::thread::sleep(Duration::from_millis(100)); // and answers one request at a time
        Fault::None
    });
    let mut logger = logger(&server.server.url, &Told::default()).with_every_steps(1);
    run::start(&mut logger, 0).expect("begun");
    let began = Instant::now();
    (0..2_000).for_each(|number| run::step(&mut logger, number).expect("kept"));
    let each = began.elapsed() / 2_000;
    assert!(each < Duration::from_micros(200), "{each:?} a step");
    run::finish(&mut logger, &StopReason::Completed).expect("recorded");
    assert_eq!(server.run().steps("loss").len(), 2_000);
}

#[test]
fn the_end_waits_for_a_deadline_and_the_policy_decides() {
    let told = Told::default();
    let deadline = Duration::from_millis(300);
    let began = Instant::now();
    let mut patient = logger(&nobody(), &told).with_deadline(deadline);
    run::whole(&mut patient, Path::new("none")).expect("told, not failed");
    assert!((deadline..10 * deadline).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!(told.has("records were not delivered within 0.3 s of the run's end"), "{:?}", told.all());
    assert_eq!(patient.state(), None);

    let mut strict = logger(&nobody(), &told).with_deadline(deadline).with_on_trouble(OnServerTrouble::Error);
    run::start(&mut strict, 0).expect("nothing is known yet");
    let error = run::finish(&mut strict, &StopReason::Completed).expect_err("by policy").to_string();
    assert!(error.contains("records were not delivered"), "{error}");

    let silent = FakeMlflow::with_faults(|_, _| Fault::Instead(Answer { delay: SOON, ..Answer::new(200, "{}") }));
    let began = Instant::now();
    run::whole(&mut logger(&silent.server.url, &told).with_deadline(deadline), Path::new("none")).expect("told");
    assert!(began.elapsed() < SOON / 2, "a server that says nothing is not waited for");
}

#[test]
fn who_may_not_enter_hears_so_once() {
    let server = FakeMlflow::with_faults(|_, _| Fault::Instead(Answer::new(401, "You are not authenticated.")));
    let told = Told::default();
    let began = Instant::now();
    run::whole(&mut logger(&server.server.url, &told), Path::new("none")).expect("told, not failed");
    assert!(began.elapsed() < SOON / 2);
    let refusals: Vec<_> = told.all().into_iter().filter(|notice| notice.contains("401")).collect();
    assert_eq!(refusals.len(), 1);
    assert!(
        refusals[0].ends_with("answered with status 401: You are not authenticated.; nothing more is sent in this run"),
        "{refusals:?}"
    );
}

#[test]
fn a_record_that_is_refused_costs_itself() {
    let server = FakeMlflow::with_faults(|request, _| match request.path.contains("confusion_matrix") {
        true => Fault::Instead(Answer::new(413, "too large")),
        false => Fault::None,
    });
    let told = Told::default();
    run::whole(&mut logger(&server.server.url, &told), Path::new("none")).expect("told, not failed");
    assert!(told.has("a record was refused") && told.has("413: too large"), "{:?}", told.all());
    assert_eq!(server.run().status, "FINISHED");
}

#[test]
fn a_resumed_run_goes_on_with_the_same_one() {
    let (server, told) = (FakeMlflow::start(), Told::default());
    let mut first = logger(&server.server.url, &told).with_every_steps(1);
    run::start(&mut first, 0).expect("begun");
    (0..70).for_each(|number| run::step(&mut first, number).expect("kept"));
    run::finish(&mut first, &StopReason::Interrupted).expect("recorded");
    assert_eq!(server.run().status, "KILLED");
    let state = first.state().expect("a run id");

    let mut second = logger(&server.server.url, &told).with_every_steps(1);
    second.restore(&state).expect("a state of its own");
    run::start(&mut second, 1).expect("begun");
    assert_eq!(second.state(), Some(state.clone()), "kept, whether the server has answered or not");
    (50..100).for_each(|number| run::step(&mut second, number).expect("kept"));
    run::finish(&mut second, &StopReason::Completed).expect("recorded");
    assert_eq!(second.state(), Some(state));
    let run = server.run();
    let mut steps = run.steps("loss");
    steps.sort_unstable();
    steps.dedup();
    assert_eq!((steps, run.status.as_str()), (all_steps(), "FINISHED"));

    let mut lost = logger(&server.server.url, &told);
    lost.restore(&json!({"run_id": "77"})).expect("an id");
    run::start(&mut lost, 1).expect("begun");
    run::finish(&mut lost, &StopReason::Completed).expect("recorded");
    assert!(told.has("no longer knows run 77; a new one was begun"), "{:?}", told.all());
    assert_eq!(server.records().runs.len(), 2);
    lost.restore(&json!([])).expect_err("no state of its own");
}

#[test]
fn failed_and_broken_runs_are_failed() {
    let server = FakeMlflow::start();
    let mut failing = logger(&server.server.url, &Told::default());
    run::start(&mut failing, 0).expect("begun");
    failing.update(&TrainingEvent::RunFailed { error: "the loss became NaN" }).map(drop).expect("recorded");
    let mut broken = logger(&server.server.url, &Told::default());
    run::start(&mut broken, 0).expect("begun");
    drop(broken);
    let records = server.records();
    let ends: Vec<_> = records.runs.iter().map(|run| (run.status.as_str(), run.tags["mvl.error"].as_str())).collect();
    assert_eq!(ends, [("FAILED", "the loss became NaN"), ("FAILED", "the run was broken off")]);
}
