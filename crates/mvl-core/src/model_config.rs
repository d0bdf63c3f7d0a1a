//! A model as data: enough to build it again, weights apart.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ModelError;

/// Which backbone with which head, and their options. What a person writes under `[model]`, and what a saved model carries.
///
/// # Example
/// ```
/// use mvl_core::ModelConfig;
/// let config = ModelConfig::new("resnet18", 10).with_in_channels(1).with_option("stem", "small");
/// let json = serde_json::to_string(&config).expect("plain data");
/// assert_eq!(serde_json::from_str::<ModelConfig>(&json).expect("what was written"), config);
/// assert_eq!(ModelConfig::from_toml(&config.to_toml()?)?, config);
/// # Ok::<(), mvl_core::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Name in the registry: `resnet18`.
    pub name: String,
    /// Classes to tell apart.
    pub num_classes: usize,
    /// Channels of the input image.
    #[serde(default = "rgb")]
    pub in_channels: usize,
    /// The head, unless said otherwise the one that the model was published with.
    #[serde(default)]
    pub head: HeadConfig,
    /// Options of the backbone's family; unknown ones are errors.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
}

/// A head as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Name in the registry: `linear`. `default` is the head that the model was published with.
    #[serde(default = "default_head")]
    pub name: String,
    /// Options of the head; unknown ones are errors.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
}

impl HeadConfig {
    /// The name that stands for the head a model was published with.
    pub const DEFAULT: &str = "default";

    /// A head by name, without options.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), options: Options::default() }
    }

    /// Sets one option.
    #[must_use]
    pub fn with_option(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.0.insert(key.into(), value.into());
        self
    }

    /// The head itself, where this one is the default of a model published with `published`: options said here go before
    /// published ones.
    #[must_use]
    pub fn or_published(&self, published: Self) -> Self {
        if self.name != Self::DEFAULT {
            return self.clone();
        }
        self.options.0.iter().fold(published, |head, (key, value)| head.with_option(key, value.clone()))
    }
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

fn toml_error(error: &impl ToString) -> ModelError {
    ModelError::InvalidOptions { owner: "model config".to_owned(), what: error.to_string() }
}

fn default_head() -> String {
    HeadConfig::DEFAULT.to_owned()
}

fn rgb() -> usize {
    3
}

impl ModelConfig {
    /// A model by name for RGB images, with the default head.
    pub fn new(name: impl Into<String>, num_classes: usize) -> Self {
        Self {
            name: name.into(),
            num_classes,
            in_channels: rgb(),
            head: HeadConfig::default(),
            options: Options::default(),
        }
    }

    /// Reads what [`to_toml`](Self::to_toml) wrote, or a person did.
    ///
    /// # Errors
    /// [`ModelError::InvalidOptions`] that says what is wrong and where.
    pub fn from_toml(text: &str) -> Result<Self, ModelError> {
        toml::from_str(text).map_err(|error| toml_error(&error))
    }

    /// The config as TOML, which rebuilds the model alone.
    ///
    /// # Errors
    /// [`ModelError::InvalidOptions`] when an option has no form in TOML, such as a null.
    pub fn to_toml(&self) -> Result<String, ModelError> {
        toml::to_string_pretty(self).map_err(|error| toml_error(&error))
    }

    /// Sets the number of input channels.
    pub fn with_in_channels(mut self, in_channels: usize) -> Self {
        self.in_channels = in_channels;
        self
    }

    /// Sets one option of the backbone.
    pub fn with_option(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.0.insert(key.into(), value.into());
        self
    }

    /// Sets the head.
    pub fn with_head(mut self, name: impl Into<String>) -> Self {
        self.head.name = name.into();
        self
    }

    /// Sets one option of the head.
    pub fn with_head_option(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.head.options.0.insert(key.into(), value.into());
        self
    }
}

/// Free-form options that a factory reads strictly into its own type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(Map<String, Value>);

impl Options {
    /// Whether nothing was set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the options as `T`, which should be `#[serde(deny_unknown_fields, default)]` so that a misspelt key is an error.
    ///
    /// # Errors
    /// [`ModelError::InvalidOptions`] that names `owner` and the key.
    pub fn read<T: DeserializeOwned>(&self, owner: &str) -> Result<T, ModelError> {
        serde_json::from_value(Value::Object(self.0.clone()))
            .map_err(|source| ModelError::InvalidOptions { owner: owner.to_owned(), what: source.to_string() })
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
