//! Overload: what is taken is answered in time, what is too much is refused at once.
//!
//! `MVL_OVERLOAD_SECONDS` says for how long; `cargo xtask prove serve-overload` runs it for half a minute.

use std::sync::Arc;
use std::time::Duration;

use mvl_infer::BatchOptions;
use mvl_serve::GatewayOptions;
use mvl_serve::load::{Load, LoadError, Question};
use mvl_serve::models::{FixedModels, ModelDefinition};

use crate::served::Served;
use crate::slow::Slow;

#[test]
fn five_times_what_can_be_done() -> Result<(), LoadError> {
    let models = FixedModels::new(vec![("slow".to_owned(), Slow::identity(Duration::from_millis(10)))]);
    let served = Served::start(Arc::new(models), GatewayOptions::default());
    // One row a pass: a hundred a second and no more.
    let timeout = Duration::from_millis(300);
    let batching = BatchOptions { max_rows: 1, timeout, ..BatchOptions::default() };
    served.repository.define(ModelDefinition { batching, ..ModelDefinition::new("slow", "slow") }).expect("new");
    served.repository.load("slow").expect("loaded");
    let body = r#"{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}]}"#;
    let seconds = std::env::var("MVL_OVERLOAD_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(2.0);
    let load = Load {
        authority: served.address.to_string(),
        questions: vec![Question {
            body: Some(body.into()),
            path: "/v2/models/slow/infer".to_owned(),
            headers: Vec::new(),
        }],
        connections: 300,
        warm_up: Duration::from_millis(500),
        duration: Duration::from_secs_f64(seconds),
        rate: Some(500.0),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let report = runtime.block_on(load.run())?;
    let count = |status| report.statuses.get(&status).copied().unwrap_or(0);
    assert_eq!(report.broken, 0, "{report:?}");
    assert_eq!(report.statuses.keys().filter(|status| ![200, 503, 504].contains(status)).count(), 0, "{report:?}");
    assert!(count(200) > 80 && count(503) > 300, "most is refused, what can be done is done: {report:?}");
    // Bounds that hold on a busy machine too.
    assert!(count(504) <= count(200) / 10, "what is taken is answered in time: {report:?}");
    println!(
        "overload: {} answered, the slowest after {:.1} ms; {} refused, 99 % within {:.2} ms, the slowest after {:.2} ms; {} late",
        count(200),
        report.max_ms,
        count(503),
        report.refused_p99_ms,
        report.refused_max_ms,
        count(504)
    );
    let page = served.get("/metrics").body;
    let figure = |line: &str| {
        let rest = page.split(line).nth(1).unwrap_or_else(|| panic!("{line} in {page}"));
        rest.lines().next().and_then(|value| value.trim().parse::<f64>().ok()).expect("a number")
    };
    let labels = r#"model="slow",version="1""#;
    assert!(figure(&format!("mvl_serve_requests_total{{{labels},outcome=\"refused\"}}")) > 300.0);
    // By the server's own clock: how long the client's threads waited for a processor is no matter.
    let within = figure(&format!("mvl_serve_request_seconds_bucket{{le=\"0.5\",{labels}}}"));
    assert_eq!(within, figure(&format!("mvl_serve_request_seconds_count{{{labels}}}")));
    Ok(())
}
