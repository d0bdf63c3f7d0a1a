//! `[[models]]` and `[defaults]`: what is served, and how.

use std::path::PathBuf;
use std::time::Duration;

use mvl::infer::{BatchOptions, EngineKind, EngineOptions, EnginePrecision};
use mvl_serve::models::{MAX_REPLICAS, MAX_ROWS, ModelDefinition};
use serde::{Deserialize, Serialize};

use super::gateway::MAX_MS;

/// A model as typed, and what `[defaults]` says of those that say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModelTable {
    /// The name by which it is asked; not in `[defaults]`, as the next three.
    pub name: Option<String>,
    /// Where it is: a folder, `models:/NAME@ALIAS`, a name of the zoo.
    pub source: Option<String>,
    /// Another version that answers a share of the requests.
    pub canary: Option<ShareTable>,
    /// Another version that sees a share of the requests.
    pub shadow: Option<ShareTable>,
    /// What computes it: `burn`, `ort`, `rten`.
    pub engine: Option<EngineKind>,
    /// Threads of one forward pass of a replica, of the engines `ort` and `rten`.
    pub engine_threads: Option<usize>,
    /// What burn computes in and keeps weights in: `f32`, `bf16`, `f16`, `int8` (weights alone).
    pub precision: Option<EnginePrecision>,
    /// On which devices of the backend burn computes it; replicas take turns on them.
    pub devices: Option<Vec<usize>>,
    /// ONNX Runtime's library, or a folder that holds it; one for all models.
    pub onnxruntime: Option<PathBuf>,
    /// How many forward passes of it may run at once.
    pub replicas: Option<usize>,
    /// The most rows of a forward pass.
    pub max_batch_size: Option<usize>,
    /// How long a request waits for others when a replica is free.
    pub max_delay_ms: Option<u64>,
    /// How long a request may take that says nothing of it.
    pub timeout_ms: Option<u64>,
    /// The most rows that wait; what comes then is refused.
    pub queue_rows: Option<usize>,
    /// A request that has waited so long goes before those of a higher priority.
    pub patience_ms: Option<u64>,
    /// How often a request is tried on replicas that fail.
    pub attempts: Option<u32>,
    /// How many failures in a row take a replica out.
    pub eject_after: Option<u32>,
    /// How long a replica is out at first.
    pub ejected_ms: Option<u64>,
}

/// Another version, and its share of the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareTable {
    /// Where it is.
    pub source: String,
    /// Of a hundred requests, how many it gets.
    pub percent: u8,
}

/// How a model is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ModelSettings {
    /// What computes it.
    pub engine: EngineKind,
    /// Threads of one forward pass of a replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_threads: Option<usize>,
    /// What burn computes in and keeps weights in.
    pub precision: EnginePrecision,
    /// On which devices of the backend burn computes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<usize>,
    /// ONNX Runtime's library, or a folder that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<PathBuf>,
    /// How many forward passes of it may run at once.
    pub replicas: usize,
    /// The most rows of a forward pass.
    pub max_batch_size: usize,
    /// How long a request waits for others when a replica is free.
    pub max_delay_ms: u64,
    /// How long a request may take that says nothing of it.
    pub timeout_ms: u64,
    /// The most rows that wait.
    pub queue_rows: usize,
    /// A request that has waited so long goes before those of a higher priority.
    pub patience_ms: u64,
    /// How often a request is tried on replicas that fail.
    pub attempts: u32,
    /// How many failures in a row take a replica out.
    pub eject_after: u32,
    /// How long a replica is out at first.
    pub ejected_ms: u64,
}

/// A model with everything that is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ServedModel {
    /// The name by which it is asked.
    pub name: String,
    /// Where it is.
    pub source: String,
    /// How it is run.
    #[serde(flatten)]
    pub settings: ModelSettings,
    /// Another version that answers a share of the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<ShareTable>,
    /// Another version that sees a share of the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShareTable>,
}

impl Default for ModelSettings {
    fn default() -> Self {
        let batching = BatchOptions::default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            engine: EngineKind::default(),
            engine_threads: None,
            precision: EnginePrecision::F32,
            devices: Vec::new(),
            onnxruntime: None,
            replicas: 1,
            max_batch_size: batching.max_rows,
            max_delay_ms: millis(batching.max_delay),
            timeout_ms: millis(batching.timeout),
            queue_rows: batching.queue_rows,
            patience_ms: millis(batching.patience),
            attempts: batching.attempts,
            eject_after: batching.eject_after,
            ejected_ms: millis(batching.ejected_for),
        }
    }
}

impl ModelTable {
    /// What is said here, and `defaults` where nothing is.
    pub(super) fn over(&self, defaults: &ModelSettings) -> ModelSettings {
        let engine = self.engine.unwrap_or(defaults.engine);
        // Threads, precision and devices are said of an engine; another one may not even have them.
        let threads = defaults.engine_threads.filter(|_| engine == defaults.engine);
        let precision = if engine == defaults.engine { defaults.precision } else { EnginePrecision::F32 };
        let devices = if engine == defaults.engine { defaults.devices.clone() } else { Vec::new() };
        ModelSettings {
            engine,
            engine_threads: self.engine_threads.or(threads),
            precision: self.precision.unwrap_or(precision),
            devices: self.devices.clone().unwrap_or(devices),
            onnxruntime: self.onnxruntime.clone().or_else(|| defaults.onnxruntime.clone()),
            replicas: self.replicas.unwrap_or(defaults.replicas),
            max_batch_size: self.max_batch_size.unwrap_or(defaults.max_batch_size),
            max_delay_ms: self.max_delay_ms.unwrap_or(defaults.max_delay_ms),
            timeout_ms: self.timeout_ms.unwrap_or(defaults.timeout_ms),
            queue_rows: self.queue_rows.unwrap_or(defaults.queue_rows),
            patience_ms: self.patience_ms.unwrap_or(defaults.patience_ms),
            attempts: self.attempts.unwrap_or(defaults.attempts),
            eject_after: self.eject_after.unwrap_or(defaults.eject_after),
            ejected_ms: self.ejected_ms.unwrap_or(defaults.ejected_ms),
        }
    }

    /// What is wrong with it as `[defaults]`, by field.
    pub(super) fn problems_as_defaults(&self) -> Vec<String> {
        let named = [
            ("name", self.name.is_some()),
            ("source", self.source.is_some()),
            ("canary", self.canary.is_some()),
            ("shadow", self.shadow.is_some()),
        ];
        let mut problems: Vec<String> = named
            .into_iter()
            .filter(|(_, said)| *said)
            .map(|(field, _)| format!("{field}: belongs to a model, under [[models]]"))
            .collect();
        problems.extend(self.problems());
        problems
    }

    /// What is wrong with what is said here, by field.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut within = |field: &str, least: u64, most: u64, got: Option<u64>| {
            if let Some(got) = got.filter(|got| !(least..=most).contains(got)) {
                problems.push(format!("{field}: expected {least} to {most}, got {got}"));
            }
        };
        let wide = |count: Option<usize>| count.map(|count| count as u64);
        within("replicas", 1, MAX_REPLICAS as u64, wide(self.replicas));
        within("max_batch_size", 1, MAX_ROWS as u64, wide(self.max_batch_size));
        within("max_delay_ms", 0, MAX_MS, self.max_delay_ms);
        within("timeout_ms", 1, MAX_MS, self.timeout_ms);
        within("queue_rows", 1, u64::from(u32::MAX), wide(self.queue_rows));
        within("patience_ms", 0, MAX_MS, self.patience_ms);
        within("attempts", 1, 100, self.attempts.map(u64::from));
        within("eject_after", 1, 1_000_000, self.eject_after.map(u64::from));
        within("ejected_ms", 1, MAX_MS, self.ejected_ms);
        let mut empty = Vec::new();
        for (field, share) in [("canary", &self.canary), ("shadow", &self.shadow)] {
            if let Some(ShareTable { source, percent }) = share {
                within(&format!("{field}.percent"), 0, 100, Some((*percent).into()));
                empty.extend(source.trim().is_empty().then_some(field));
            }
        }
        let nothing = |field| format!("{field}.source: expected a folder or an address, got nothing");
        problems.extend(empty.into_iter().map(nothing));
        problems
    }
}

impl ModelSettings {
    /// For the library.
    pub(super) fn engine_options(&self) -> EngineOptions {
        // There is one library for all, so that it may be said for models of other engines too.
        let library = self.onnxruntime.clone().filter(|_| self.engine == EngineKind::Ort);
        let (threads, precision, devices) = (self.engine_threads, self.precision, self.devices.clone());
        EngineOptions { kind: self.engine, threads, library, devices, precision }
    }
}

impl ServedModel {
    /// For the library.
    pub(crate) fn definition(&self) -> ModelDefinition {
        let ModelSettings { replicas, max_batch_size, queue_rows, attempts, eject_after, .. } = self.settings;
        let batching = BatchOptions {
            max_rows: max_batch_size,
            max_delay: Duration::from_millis(self.settings.max_delay_ms),
            queue_rows,
            timeout: Duration::from_millis(self.settings.timeout_ms),
            patience: Duration::from_millis(self.settings.patience_ms),
            attempts,
            eject_after,
            ejected_for: Duration::from_millis(self.settings.ejected_ms),
        };
        let engine = self.settings.engine_options();
        ModelDefinition { replicas, engine, batching, ..ModelDefinition::new(&self.name, &self.source) }
    }
}
