//! Messages over gRPC: the first byte chooses the method, the rest is the message.
#![no_main]

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use mvl_fuzz::Asked;

const METHODS: [&str; 8] = [
    "ModelInfer",
    "ModelMetadata",
    "ModelReady",
    "ModelStatistics",
    "ModelConfig",
    "RepositoryIndex",
    "SystemSharedMemoryRegister",
    "SystemSharedMemoryStatus",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((method, message)) = bytes.split_first() else { return };
    // Most of the time it is a request that is asked with tensors.
    let method = METHODS.get(*method as usize).unwrap_or(&METHODS[0]);
    let length = u32::try_from(message.len()).expect("inputs are short").to_be_bytes();
    let framed = [&[0], &length[..], message].concat();
    let request = Request::post(format!("/inference.GRPCInferenceService/{method}"))
        .version(axum::http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .body(Body::from(framed));
    Asked::once().ask(request.expect("a request"));
});
