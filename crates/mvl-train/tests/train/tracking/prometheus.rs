//! `PrometheusExporter`: what its page says, and how it begins and ends.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use mvl_core::{StopReason, TrainingEvent, TrainingObserver, conformance};
use mvl_train::PrometheusExporter;

use super::run;

pub(super) fn exporter() -> PrometheusExporter {
    PrometheusExporter::bind("127.0.0.1:0").expect("a free port")
}

/// Reads a page as a client of HTTP/1.0.
pub(super) fn read(address: std::net::SocketAddr, path: &str, accept: &str) -> (String, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

fn has(page: &str, line: &str) {
    assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
}

#[test]
fn it_keeps_the_contract() {
    conformance::observer(exporter);
}

#[test]
fn the_page_follows_the_run() {
    let mut exporter = exporter();
    let address = exporter.address();
    assert!(address.ip().is_loopback());
    let (head, page) = read(address, "/metrics", "*/*");
    assert!(
        head.contains("200") && head.to_ascii_lowercase().contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    has(&page, r#"mvl_train_state{state="waiting"} 1"#);

    run::start(&mut exporter, 0).expect("shown");
    exporter.update(&TrainingEvent::EpochStarted { epoch: 0 }).map(drop).expect("shown");
    (0..50).for_each(|number| run::step(&mut exporter, number).expect("shown"));
    run::end_epoch(&mut exporter, 0, Path::new("none")).expect("shown");
    let (_, page) = read(address, "/metrics", "*/*");
    for line in [
        "# TYPE mvl_train_steps_total counter",
        "mvl_train_steps_total 50",
        "mvl_train_samples_total 200",
        "mvl_train_loss 0.02",
        "mvl_train_learning_rate 0.1",
        "mvl_train_gradient_norm 2.0",
        "mvl_train_epoch 0",
        "mvl_train_epochs 2",
        "mvl_train_step_seconds_count 50",
        r#"mvl_train_step_seconds_bucket{le="+Inf"} 50"#,
        r#"mvl_train_validation{figure="accuracy"} 0.75"#,
        r#"mvl_train_validation{figure="ap@50"} NaN"#,
        r#"mvl_train_checkpoints_total{best="true"} 1"#,
        r#"mvl_train_checkpoints_total{best="false"} 0"#,
        "mvl_train_notices_total 1",
        "mvl_train_epoch_seconds 3.0",
        r#"mvl_train_state{state="running"} 1"#,
    ] {
        has(&page, line);
    }
    run::finish(&mut exporter, &StopReason::Interrupted).expect("shown");
    let (head, page) = read(address, "/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
    assert!(head.to_ascii_lowercase().contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    has(&page, "# TYPE mvl_train_steps counter");
    has(&page, r#"mvl_train_state{state="interrupted"} 1"#);
    has(&page, r#"mvl_train_state{state="running"} 0"#);
    assert!(page.ends_with("# EOF\n"));
    assert!(read(address, "/", "*/*").1.contains("/metrics"));
    assert!(read(address, "/other", "*/*").0.contains("404"));
}

#[test]
fn a_port_in_use_is_said_and_a_dropped_exporter_frees_its_own() {
    let first = exporter();
    let address = first.address();
    let error = PrometheusExporter::bind(&address.to_string()).expect_err("taken").to_string();
    let expected = format!(
        "cannot serve metrics on {address}: the port is in use; choose another, or port 0 for any that is free"
    );
    assert_eq!(error, expected);
    drop(first);
    let second = PrometheusExporter::bind(&address.to_string()).expect("free again");
    assert_eq!(second.address(), address);
    let error = PrometheusExporter::bind("nowhere").expect_err("no port").to_string();
    assert_eq!(error, r#"expected an address and a port, such as 127.0.0.1:9464, got "nowhere""#);
}

#[test]
fn it_lingers_until_the_end_was_seen() {
    let mut exporter = exporter().with_linger(Duration::from_secs(20));
    let address = exporter.address();
    run::start(&mut exporter, 0).expect("shown");
    exporter.update(&TrainingEvent::RunFailed { error: "on purpose" }).map(drop).expect("shown");
    let reader = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        read(address, "/metrics", "*/*").1
    });
    let began = Instant::now();
    drop(exporter);
    assert!((100..10_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    has(&reader.join().expect("it read"), r#"mvl_train_state{state="failed"} 1"#);
    let began = Instant::now();
    drop(self::exporter().with_linger(Duration::from_secs(20)));
    assert!(began.elapsed() < Duration::from_secs(5), "without a run there is nothing to wait for");
}
