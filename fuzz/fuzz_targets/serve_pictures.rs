//! Pictures to predict: the first byte says whether the rest is a picture, JSON with base64, or a form.
#![no_main]

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use mvl_fuzz::Asked;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, body)) = bytes.split_first() else { return };
    let kind = match kind {
        b'j' => "application/json",
        b'f' => "multipart/form-data; boundary=xx",
        _ => "application/octet-stream",
    };
    let request = Request::post("/v1/models/blind:predict").header("content-type", kind).body(Body::from(body.to_vec()));
    Asked::once().ask(request.expect("a request"));
});
