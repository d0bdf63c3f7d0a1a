//! [`ModelDefinition`], [`LoadOptions`]: what a config says of a model.

use mvl_infer::{BatchOptions, EngineOptions};

/// What a config says of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDefinition {
    /// The name by which it is asked.
    pub name: String,
    /// Where it is: `models:/NAME@ALIAS`, a run's or a saved model's folder, a folder with a version in each of its numbered folders, a
    /// name of the zoo.
    pub source: String,
    /// How many forward passes of it may run at once.
    pub replicas: usize,
    /// What computes it.
    pub engine: EngineOptions,
    /// How requests are put together.
    pub batching: BatchOptions,
}

impl ModelDefinition {
    /// One replica, computed by burn, default batching.
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            replicas: 1,
            engine: EngineOptions::default(),
            batching: BatchOptions::default(),
        }
    }

    /// What its source has to know.
    pub fn load_options(&self) -> LoadOptions {
        LoadOptions { replicas: self.replicas, engine: self.engine.clone() }
    }
}

/// How a version is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// How many engines are wanted, at least one.
    pub replicas: usize,
    /// What computes them; for sources whose engines are fixed of no matter.
    pub engine: EngineOptions,
}

/// The longest name of a model.
const MAX_NAME: usize = 128;

/// Whether a model may have this name: letters, digits, `_`, `-` and `.`, not beginning with a dot. So no name is a path.
pub fn is_model_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.bytes().all(allowed)
}
