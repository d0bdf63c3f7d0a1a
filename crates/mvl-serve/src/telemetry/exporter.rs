//! What carries spans to a collector. The exporter has a thread of its own without a runtime, so requests run on the server's.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Handle;

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer of a collector that is read.
const MAX_ANSWER: usize = 64 << 10;
/// Where collectors take traces.
const PATH: &str = "/v1/traces";

#[derive(Debug)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

#[tonic::async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = async move {
            let (head, body) = request.into_parts();
            let request = client.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
            let mut answer = request.send().await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.extend(answer.headers().clone());
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                if bytes.len() + chunk.len() > MAX_ANSWER {
                    return Err("the collector's answer is too long".into());
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok::<_, HttpError>(response.body(bytes.into())?)
        };
        self.runtime.spawn(sending).await?
    }
}

/// What hands spans to a collector, in batches, from a queue that drops what it cannot hold.
pub(super) fn provider(address: &str, sample: f64, runtime: Handle) -> Result<SdkTracerProvider, String> {
    let url = reqwest::Url::parse(address).map_err(|error| format!("expected a URL, got {address:?}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("expected http:// or https://, got {address:?}"));
    }
    let endpoint = match url.path() {
        "" | "/" => format!("{}{PATH}", address.trim_end_matches('/')),
        _ => address.to_owned(),
    };
    mvl_store::choose_provider();
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| format!("cannot make a client: {error}"))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(OnRuntime { client, runtime })
        .with_endpoint(endpoint)
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder()
        .with_service_name("mvl-serve")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(sample)));
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).with_sampler(sampler).build())
}
