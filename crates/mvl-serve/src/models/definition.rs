//! [`ModelDefinition`]: what a config says of a model.

use mvl_infer::BatchOptions;

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
    /// How requests are put together.
    pub batching: BatchOptions,
}

impl ModelDefinition {
    /// One replica, default batching.
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self { name: name.into(), source: source.into(), replicas: 1, batching: BatchOptions::default() }
    }
}

/// The longest name of a model.
const MAX_NAME: usize = 128;

/// Whether a model may have this name: letters, digits, `_`, `-` and `.`, not beginning with a dot. So no name is a path.
pub fn is_model_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.bytes().all(allowed)
}
