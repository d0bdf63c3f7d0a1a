//! [`UpstreamModels`]: where models of other servers come from.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use mvl_core::with_causes;
use mvl_infer::{Engine, Signature};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::usual_time::UsualTime;
use super::{HookConfig, KeySource, UpstreamEngine};
use crate::ServiceError;
use crate::client::{Client, ClientError, TensorEncoding};
use crate::models::{FoundVersion, LoadOptions, MAX_REPLICAS, ModelParts, ModelSource};

/// How long a server may take for each of the questions by which it says which tensors a model takes.
const LOOK: Duration = Duration::from_secs(5);

/// Which servers may be asked, and which hooks there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamOptions {
    /// Servers that may be asked, as `host:port`. Models are made by requests too, which must not lead this server anywhere.
    pub hosts: Vec<String>,
    /// How long a forward pass may take, in milliseconds, whatever its deadline.
    pub timeout_ms: u64,
    /// Hooks by name; `hook:NAME` is their address.
    pub hooks: BTreeMap<String, HookConfig>,
    /// Where the keys lie that servers and hooks ask for, by `host:port`. They are read whenever a model is loaded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, KeySource>,
}

impl UpstreamOptions {
    /// What is wrong with it, by field.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.timeout_ms == 0 {
            problems.push("timeout_ms: expected at least 1, got 0".to_owned());
        }
        for (name, hook) in &self.hooks {
            problems.extend(hook.signature().err().map(|text| format!("hooks.{name}: {text}")));
        }
        for (host, key) in &self.keys {
            let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none() {
                problems.push(format!("keys.{host}: expected a server such as gpu1:8000, got {host:?}"));
            }
            problems.extend(key.read().err().map(|text| format!("keys.{host}: {text}")));
        }
        problems
    }
}

impl Default for UpstreamOptions {
    /// No servers, no hooks, half a minute.
    fn default() -> Self {
        Self { hosts: Vec::new(), timeout_ms: 30_000, hooks: BTreeMap::new(), keys: BTreeMap::new() }
    }
}

/// Models of other servers, by addresses such as `oip:http://gpu1:8000/shoes,http://gpu2:8000/shoes` (each a replica; `/versions/3` behind
/// one asks that version), and hooks as `hook:NAME`.
pub struct UpstreamModels {
    options: UpstreamOptions,
    keys: BTreeMap<String, String>,
    runtime: Own,
}

/// The thread on which requests are sent.
struct Own(Option<Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        // Whoever drops it may stand in another runtime, where nothing may block.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for UpstreamModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamModels").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A model of another server.
struct Place {
    client: Client,
    model: String,
    version: Option<String>,
}

impl UpstreamModels {
    /// How addresses of other servers begin.
    pub const SCHEME: &'static str = "oip:";
    /// How addresses of hooks begin.
    pub const HOOK: &'static str = "hook:";

    /// Whether an address is one of these.
    pub fn takes(address: &str) -> bool {
        [Self::SCHEME, Self::HOOK].into_iter().any(|scheme| address.starts_with(scheme))
    }

    /// The servers in an address, as `host:port`, to allow what a person has written.
    pub fn hosts_of(address: &str) -> Vec<String> {
        let places = address.strip_prefix(Self::SCHEME).unwrap_or_default();
        places.split(',').filter_map(|address| host_of(&Url::parse(address.trim()).ok()?)).collect()
    }

    /// Models of servers that are allowed.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(options: UpstreamOptions) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("upstream").enable_all().build()?;
        Ok(Self { options, keys: BTreeMap::new(), runtime: Own(Some(runtime)) })
    }

    /// Sends an API key to a server, named as `host:port`.
    #[must_use]
    pub fn with_key(mut self, host: impl Into<String>, key: impl Into<String>) -> Self {
        self.keys.insert(host.into(), key.into());
        self
    }

    fn handle(&self) -> Result<tokio::runtime::Handle, ServiceError> {
        let runtime = self.runtime.0.as_ref().ok_or_else(|| ServiceError::internal("the thread has ended"))?;
        Ok(runtime.handle().clone())
    }

    /// A client of the server in a URL.
    fn client(&self, url: &Url) -> Result<Client, ServiceError> {
        let wrong = |error: ClientError| ServiceError::invalid(error.to_string());
        let mut base = url.clone();
        base.set_path("/");
        base.set_query(None);
        base.set_fragment(None);
        let client = Client::new(base.as_str()).map_err(wrong)?.without_retries();
        let Some(host) = host_of(url) else { return Ok(client) };
        let key = match (self.keys.get(&host), self.options.keys.get(&host)) {
            (Some(key), _) => key.clone(),
            (None, Some(source)) => source.read().map_err(|what| ServiceError::invalid(format!("{host}: {what}")))?,
            (None, None) => return Ok(client),
        };
        client.with_key(&key).map_err(wrong)
    }

    fn place(&self, address: &str) -> Result<Place, ServiceError> {
        let expected = |what: &str| {
            ServiceError::invalid(format!(
                "expected an address such as oip:http://host:8000/model, got {address:?}: {what}"
            ))
        };
        let url = Url::parse(address).map_err(|error| expected(&error.to_string()))?;
        let host = host_of(&url).ok_or_else(|| expected("it has no host"))?;
        if !self.options.hosts.contains(&host) {
            return Err(ServiceError::invalid(format!(
                "{host:?} is none of the servers that may be asked; allow it under upstreams.hosts"
            )));
        }
        let parts: Vec<&str> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let parts = parts.strip_prefix(&["v2", "models"][..]).unwrap_or(&parts);
        let (model, version) = match parts {
            [model] => (model, None),
            [model, "versions", version] => (model, Some((*version).to_owned())),
            _ => return Err(expected("its path is no model")),
        };
        Ok(Place { client: self.client(&url)?, model: (*model).to_owned(), version })
    }

    fn load_places(&self, address: &str, replicas: usize) -> Result<ModelParts, ServiceError> {
        let count = address.split(',').count();
        if count.saturating_mul(replicas) > MAX_REPLICAS {
            return Err(ServiceError::invalid(format!(
                "expected at most {MAX_REPLICAS} servers and replicas of each together, got {count} times {replicas}"
            )));
        }
        let places: Vec<Place> =
            address.split(',').map(|address| self.place(address.trim())).collect::<Result<_, _>>()?;
        let runtime = self.handle()?;
        let (mut known, mut silent): (Option<(String, Signature)>, Vec<String>) = (None, Vec::new());
        let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
        let mut asked = Vec::with_capacity(places.len());
        for place in places {
            match runtime.block_on(place.ask()) {
                Ok((signature, encoding)) => match &known {
                    Some((first, other)) if *other != signature => {
                        return Err(ServiceError::invalid(format!(
                            "{} and {first} take other tensors: {signature:?}, {other:?}",
                            place.client.address()
                        )));
                    }
                    _ => {
                        known = Some((place.client.address().to_owned(), signature));
                        asked.push((place, encoding));
                    }
                },
                Err(error) => {
                    silent.push(with_causes(&error));
                    asked.push((place, TensorEncoding::Binary)); // it may come later
                }
            }
        }
        // One server that answers is enough to begin with; the batcher leaves out the others until they do.
        let (_, signature) = known.ok_or_else(|| {
            ServiceError::invalid(format!("nobody says which tensors the model takes: {}", silent.join("; ")))
        })?;
        for _ in 0..replicas {
            for (place, encoding) in &asked {
                engines.push(Arc::new(UpstreamEngine {
                    url: place.client.infer_url(&place.model, place.version.as_deref()),
                    client: place.client.clone().with_encoding(*encoding),
                    signature: signature.clone(),
                    platform: "upstream",
                    timeout: Duration::from_millis(self.options.timeout_ms),
                    usual: UsualTime::default(),
                    runtime: runtime.clone(),
                }));
            }
        }
        Ok(ModelParts { replicas: engines, classifier: None })
    }

    fn load_hook(&self, name: &str, replicas: usize) -> Result<ModelParts, ServiceError> {
        let hook = self.options.hooks.get(name);
        let hook = hook.ok_or_else(|| ServiceError::not_found(format!("there is no hook {name:?}")))?;
        let in_hook = |problem: String| ServiceError::invalid(format!("hook {name:?}: {problem}"));
        let signature = hook.signature().map_err(in_hook)?;
        let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
        for _ in 0..replicas {
            for url in &hook.urls {
                let url = Url::parse(url).map_err(|error| in_hook(format!("{url:?}: {error}")))?;
                engines.push(Arc::new(UpstreamEngine {
                    client: self.client(&url)?.with_encoding(TensorEncoding::Json),
                    url,
                    signature: signature.clone(),
                    platform: "hook",
                    timeout: Duration::from_millis(self.options.timeout_ms),
                    usual: UsualTime::default(),
                    runtime: self.handle()?,
                }));
            }
        }
        Ok(ModelParts { replicas: engines, classifier: None })
    }
}

impl ModelSource for UpstreamModels {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        // Which version answers is that server's affair, unless the address says it.
        let version = match source.contains(',') {
            true => None,
            false => source.rsplit_once("/versions/").map(|(_, version)| version),
        };
        Ok(FoundVersion::fixed(version.unwrap_or("1"), source))
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        match found.address.strip_prefix(Self::HOOK) {
            Some(name) => self.load_hook(name, options.replicas),
            None => {
                let places = found.address.strip_prefix(Self::SCHEME).unwrap_or_default();
                self.load_places(places, options.replicas)
            }
        }
    }
}

impl Place {
    /// Which tensors the model takes, and how they may be sent.
    async fn ask(&self) -> Result<(Signature, TensorEncoding), ClientError> {
        let client = self.client.clone().with_timeout(LOOK);
        let metadata = client.model_metadata(&self.model, self.version.as_deref()).await?;
        if metadata.inputs.is_empty() || metadata.outputs.is_empty() {
            let what = format!("it does not say which tensors {:?} takes; describe it as a hook", self.model);
            return Err(ClientError::Answer { address: client.address().to_owned(), what });
        }
        let extensions = client.server_metadata().await?.extensions;
        let binary = extensions.iter().any(|name| ["binary_tensor_data", "binary_data"].contains(&name.as_str()));
        let encoding = if binary { TensorEncoding::Binary } else { TensorEncoding::Json };
        let open = |spec: &mvl_infer::TensorSpec| spec.shape.first() == Some(&None);
        let rows = metadata.inputs.iter().chain(&metadata.outputs).all(open);
        let batched = rows && client.is_batched(&self.model, self.version.as_deref()).await.unwrap_or(true);
        Ok((Signature { inputs: metadata.inputs, outputs: metadata.outputs, batched }, encoding))
    }
}

impl Client {
    fn infer_url(&self, model: &str, version: Option<&str>) -> Url {
        self.model_url(model, version, &["infer"])
    }

    /// Whether requests to a model may share a forward pass: Triton's `max_batch_size` above 0. `None` when the server does not say.
    async fn is_batched(&self, model: &str, version: Option<&str>) -> Option<bool> {
        let url = self.model_url(model, version, &["config"]);
        let config: serde_json::Value = self.json(Method::GET, url, Bytes::new()).await.ok()?;
        config.get("max_batch_size")?.as_u64().map(|rows| rows > 0)
    }
}

fn host_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}
