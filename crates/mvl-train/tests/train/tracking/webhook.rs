//! `Webhook` against receivers made up here.

use std::path::Path;
use std::time::{Duration, Instant};

use mvl_core::{StopReason, TrainingEvent, TrainingObserver, conformance};
use mvl_train::{OnServerTrouble, Webhook, WebhookEvent, WebhookFormat};
use serde_json::Value;

use super::run::{self, Told};
use super::server::{Answer, Server, nobody};

const SOON: Duration = Duration::from_secs(30);

fn ok() -> Server {
    Server::start(|_| Answer::new(200, "ok"))
}

fn bodies(server: &Server) -> Vec<Value> {
    server.requests().iter().map(|request| serde_json::from_slice(&request.body).expect("JSON")).collect()
}

#[test]
fn it_keeps_the_contract() {
    let server = ok();
    conformance::observer(|| Webhook::new(&server.url).expect("an address"));
    let told = Told::default();
    conformance::observer(|| {
        let webhook = Webhook::new(&nobody()).expect("an address").with_deadline(Duration::from_millis(50));
        webhook.with_notices(told.listener())
    });
    assert!(
        told.has("were not delivered within 0.1 s of the run's end: cannot reach http://127.0.0.1"),
        "{:?}",
        told.all()
    );
}

#[test]
fn chosen_events_arrive_in_order_signed_and_with_headers() {
    let server = ok();
    let all = [
        WebhookEvent::RunStarted,
        WebhookEvent::EpochFinished,
        WebhookEvent::BestCheckpoint,
        WebhookEvent::Notice,
        WebhookEvent::RunFinished,
    ];
    let webhook = Webhook::new(&format!("{}/hooks/T0KEN", server.url)).expect("an address");
    let webhook = webhook.with_events(all).with_secret("s3cret").with_run_name("flowers");
    let mut webhook = webhook.with_header("Authorization", "Bearer t0ken").expect("a header");
    assert!(!format!("{webhook:?}").contains("T0KEN") && !format!("{webhook:?}").contains("t0ken"));
    run::whole(&mut webhook, Path::new("runs/flowers/checkpoints/best")).expect("told");
    let events: Vec<_> =
        bodies(&server).iter().map(|body| body["event"].as_str().expect("a name").to_owned()).collect();
    let epoch = ["epoch_finished", "best_checkpoint", "notice"];
    assert_eq!(events, [&["run_started"][..], &epoch, &epoch, &["run_finished"]].concat());
    for (request, body) in server.requests().iter().zip(bodies(&server)) {
        assert_eq!(request.header("x-mvl-event"), body["event"].as_str());
        assert_eq!(request.header("x-mvl-delivery"), body["id"].as_str());
        assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"s3cret");
        let digits =
            request.header("x-mvl-signature-256").and_then(|value| value.strip_prefix("sha256=")).expect("signed");
        let tag: Vec<u8> =
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect();
        ring::hmac::verify(&key, &request.body, &tag).expect("the signature of the body");
    }
    let last = bodies(&server).pop().expect("told");
    assert_eq!((&last["reason"]["kind"], &last["run"]), (&Value::from("completed"), &Value::from("flowers")));
}

#[test]
fn a_chat_gets_sentences_about_the_end() {
    let server = ok();
    let mut webhook = Webhook::new(&server.url).expect("an address").with_format(WebhookFormat::slack());
    run::start(&mut webhook, 0).expect("told");
    webhook.update(&TrainingEvent::RunFailed { error: "the loss became NaN" }).map(drop).expect("told");
    let mut early = Webhook::new(&server.url).expect("an address").with_format(WebhookFormat::slack());
    early
        .update(&TrainingEvent::RunFailed { error: "the folder holds a run" })
        .map(drop)
        .expect("told without a beginning");
    let texts: Vec<_> =
        bodies(&server).iter().map(|body| body["text"].as_str().expect("a sentence").to_owned()).collect();
    assert_eq!(
        texts,
        [
            "training begins: 2 epochs of 200 samples",
            "training failed: the loss became NaN",
            "training failed: the folder holds a run",
        ]
    );
}

#[test]
fn a_receiver_that_is_busy_gets_it_later_and_knows_it_again() {
    let mut count = 0;
    let server = Server::start(move |_| {
        count += 1;
        Answer::new(if count % 3 == 0 { 204 } else { 429 }, "")
    });
    let mut webhook = Webhook::new(&server.url).expect("an address").with_deadline(SOON);
    run::start(&mut webhook, 0).expect("told");
    run::finish(&mut webhook, &StopReason::Completed).expect("told");
    let ids: Vec<_> =
        server.requests().iter().map(|request| request.header("x-mvl-delivery").map(ToOwned::to_owned)).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids[..3].iter().all(|id| *id == ids[0]) && ids[3..].iter().all(|id| *id == ids[3]) && ids[0] != ids[3]);
}

#[test]
fn refusals_redirections_and_silence_are_told() {
    for (answer, expected) in [
        (Answer::new(404, "no_service"), "answered with status 404: no_service"),
        (Answer::new(302, ""), "answered with status 302"),
        (Answer { delay: SOON, ..Answer::new(200, "") }, "did not answer in time"),
    ] {
        let server = Server::start(move |_| answer.clone());
        let (told, began) = (Told::default(), Instant::now());
        let webhook = Webhook::new(&format!("{}/hooks/T0KEN", server.url)).expect("an address");
        let webhook = webhook.with_timeout(Duration::from_millis(200)).with_deadline(Duration::from_secs(1));
        let mut webhook = webhook.with_notices(told.listener());
        run::start(&mut webhook, 0).expect("told, not failed");
        run::finish(&mut webhook, &StopReason::Completed).expect("told, not failed");
        assert!(told.has(expected) && !told.has("T0KEN"), "{:?}", told.all());
        assert!(began.elapsed() < SOON / 2);
    }
    let server = Server::start(|_| Answer::new(404, "no_service"));
    let mut strict = Webhook::new(&server.url).expect("an address").with_on_trouble(OnServerTrouble::Error);
    run::start(&mut strict, 0).expect("nothing is known yet");
    run::finish(&mut strict, &StopReason::Completed).expect_err("by policy");
}

#[test]
fn addresses_and_headers_are_checked() {
    let error = Webhook::new("hooks/secret").expect_err("no address").to_string();
    assert_eq!(error, "expected the http:// or https:// address of a webhook");
    let webhook = Webhook::new(&nobody()).expect("an address");
    let error = webhook.with_header("X-Key", "two\nlines").expect_err("no header").to_string();
    assert_eq!(error, "HTTP allows no such value of a header: \"X-Key\"");
}
