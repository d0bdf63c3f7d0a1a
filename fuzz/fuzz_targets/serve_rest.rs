//! Bodies of `infer` over REST: the first byte chooses the model, the next two how much of the rest is JSON before binary tensors.
#![no_main]

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use mvl_fuzz::{Asked, type_of};

fuzz_target!(|bytes: &[u8]| {
    let [model, low, high, body @ ..] = bytes else { return };
    let mut request = Request::post(format!("/v2/models/{}/infer", type_of(*model)));
    let length = u16::from_le_bytes([*low, *high]);
    if length != u16::MAX {
        request = request.header("inference-header-content-length", length);
    }
    let (status, answer) = Asked::once().ask(request.body(Body::from(body.to_vec())).expect("a request"));
    if !status.is_success() {
        let answer: serde_json::Value = serde_json::from_slice(&answer).expect("errors are JSON");
        assert!(answer["error"].is_string(), "{answer}");
    }
});
