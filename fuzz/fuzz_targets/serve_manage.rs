//! What is said of models: the first byte chooses the route, the rest is the body.
#![no_main]

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use mvl_fuzz::Asked;

const ROUTES: [&str; 8] = [
    "/v1/models",
    "/v1/models/FP32:canary",
    "/v1/models/FP32:shadow",
    "/v1/models/FP32:load",
    "/v2/repository/index",
    "/v2/repository/models/FP32/load",
    "/v2/repository/models/FP32/unload",
    "/v2/systemsharedmemory/region/a/register",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((route, body)) = bytes.split_first() else { return };
    let route = ROUTES.get(*route as usize).unwrap_or(&ROUTES[0]);
    let asked = Asked::once();
    let request = Request::post(*route).header("content-type", "application/json").body(Body::from(body.to_vec()));
    asked.ask(request.expect("a request"));
    asked.forget(4);
});
