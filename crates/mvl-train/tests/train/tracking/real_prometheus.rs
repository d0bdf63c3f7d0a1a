//! A running job read by a real Prometheus, and its page looked over by promtool.

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mvl_core::{Cpu, Flow, TrainingEvent};
use mvl_train::Trainer;
use serde_json::{Value, json};

use super::prometheus::{exporter, read};
use crate::tiny::*;

/// How long Prometheus may take to see the job.
const PATIENCE: Duration = Duration::from_secs(60);

struct Real {
    prometheus: SocketAddr,
    targets: String,
    promtool: String,
}

impl Real {
    /// What `scripts/with_trackers.sh` started; what is not there is named on standard error.
    fn found() -> Option<Self> {
        let variable = |name: &str| {
            let value = env::var(name).ok();
            if value.is_none() {
                eprintln!("skipped: {name} is not set; run scripts/with_trackers.sh, with prometheus installed");
            }
            value
        };
        let uri = variable("MVL_TEST_PROMETHEUS_URI")?;
        Some(Self {
            prometheus: uri.strip_prefix("http://")?.parse().expect("an address and a port"),
            targets: variable("MVL_TEST_PROMETHEUS_TARGETS")?,
            promtool: variable("MVL_TEST_PROMTOOL")?,
        })
    }

    /// The value of the only series that a query answers.
    fn query(&self, query: &str) -> Option<f64> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (_, body) = read(self.prometheus, &format!("/api/v1/query?query={encoded}"), "*/*");
        let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{query}: {body}"));
        assert_eq!(answer["status"], "success", "{query}: {body}");
        let series = answer["data"]["result"].as_array()?;
        let [one] = series.as_slice() else { return None };
        one["value"][1].as_str()?.parse().ok()
    }

    /// What promtool has to say about a page.
    fn lint(&self, page: &str) -> (bool, String) {
        let mut promtool = Command::new(&self.promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool runs");
        promtool.stdin.take().expect("piped").write_all(page.as_bytes()).expect("it reads");
        let output = promtool.wait_with_output().expect("it ends");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned())
    }
}

#[test]
fn a_real_prometheus_reads_a_running_job() {
    let Some(real) = Real::found() else { return };
    let _alone = one_run_at_a_time();
    let exporter = exporter().with_linger(PATIENCE);
    let address = exporter.address();
    std::fs::write(&real.targets, json!([{"targets": [address.to_string()]}]).to_string()).expect("writable");

    let (began, mut report) = (Instant::now(), String::new());
    let (told, telling) = std::sync::mpsc::channel();
    let watch = Real { targets: real.targets.clone(), promtool: real.promtool.clone(), ..real };
    let listener = Listen(move |event: &TrainingEvent<'_>| {
        if let TrainingEvent::StepFinished { .. } = event {
            thread::sleep(Duration::from_millis(2));
        }
        let TrainingEvent::EpochFinished { epoch, valid: Some(valid), .. } = event else { return Ok(Flow::Continue) };
        assert!(began.elapsed() < PATIENCE, "Prometheus does not see the job");
        let seen = [
            r#"up{job="mvl"}"#,
            "mvl_train_steps_total",
            "rate(mvl_train_samples_total[30s])",
            "mvl_train_loss",
            "mvl_train_learning_rate",
            r#"mvl_train_validation{figure="accuracy"}"#,
            r#"mvl_train_state{state="running"} == 1"#,
            "histogram_quantile(0.5, rate(mvl_train_step_seconds_bucket[30s]))",
        ]
        .map(|query| (query, watch.query(query)));
        if seen.iter().any(|(_, value)| value.is_none_or(f64::is_nan)) {
            return Ok(Flow::Continue);
        }
        let page = read(address, "/metrics", "*/*").1;
        told.send((seen, *epoch, valid.get("accuracy"), watch.lint(&page))).expect("the test waits");
        Ok(Flow::Stop { reason: "Prometheus has seen it".to_owned() })
    });
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), config(100_000))
        .expect("settings")
        .with_observer(exporter)
        .with_observer(listener);
    let (plain, autodiff) = (trainer.device().expect("a CPU"), trainer.training_device().expect("a CPU"));
    trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&TinyLoader::valid(&plain))).expect("trains");
    let (seen, epoch, _, (clean, said)) = telling.recv().expect("it was seen");
    for (query, value) in seen {
        report.push_str(&format!("{query} = {}; ", value.expect("seen")));
    }
    let value =
        |query: &str| seen.iter().find(|(known, _)| *known == query).and_then(|(_, value)| *value).expect("asked");
    assert_eq!(value(r#"up{job="mvl"}"#), 1.0);
    assert!((1.0..=((epoch + 1) * STEPS) as f64).contains(&value("mvl_train_steps_total")), "{report}");
    assert!((0.0..=1.0).contains(&value(r#"mvl_train_validation{figure="accuracy"}"#)), "{report}");
    assert!(clean && !said.contains("error"), "promtool: {said}");
    assert_eq!(said, "", "promtool has something to say");

    drop(trainer); // lingers until the next visit
    let last = r#"mvl_train_state{state="finished"} == 1"#;
    let began = Instant::now();
    let watch = Real::found().expect("as before");
    while watch.query(last).is_none() {
        assert!(began.elapsed() < PATIENCE, "the end was not seen");
        thread::sleep(Duration::from_millis(50));
    }
    println!("prometheus: {report}{last}; promtool: clean");
}
