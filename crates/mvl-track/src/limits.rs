//! How much may be logged at once, and how long names and values may be: MLflow's limits. Lengths are in characters.

/// Metrics in one batch.
pub(crate) const METRICS_PER_BATCH: usize = 1000;
/// Parameters in one batch; as many tags.
pub(crate) const PARAMS_PER_BATCH: usize = 100;
/// All three together.
pub(crate) const ENTITIES_PER_BATCH: usize = 1000;
/// Names of metrics, parameters and tags.
pub(crate) const KEY_LENGTH: usize = 250;
/// A parameter's value; longer ones are cut.
pub(crate) const PARAM_VALUE_LENGTH: usize = 6000;
/// A run tag's value; longer ones are cut.
pub(crate) const TAG_VALUE_LENGTH: usize = 8000;
/// An experiment's name.
pub(crate) const EXPERIMENT_NAME_LENGTH: usize = 500;
/// An experiment tag's value.
pub(crate) const EXPERIMENT_TAG_VALUE_LENGTH: usize = 20_000;
/// A tag's value in the registry.
pub(crate) const REGISTRY_TAG_VALUE_LENGTH: usize = 100_000;
/// Names of registered and of logged models.
pub(crate) const MODEL_NAME_LENGTH: usize = 256;
/// Descriptions in the registry.
pub(crate) const DESCRIPTION_LENGTH: usize = 100_000;
/// An alias.
pub(crate) const ALIAS_LENGTH: usize = 255;
/// Addresses of artifacts and sources.
pub(crate) const LOCATION_LENGTH: usize = 2048;
/// A data set's name.
pub(crate) const DATASET_NAME_LENGTH: usize = 500;
/// A data set's digest.
pub(crate) const DATASET_DIGEST_LENGTH: usize = 36;
/// A data set's source.
pub(crate) const DATASET_SOURCE_LENGTH: usize = 65_535;
/// A data set's schema.
pub(crate) const DATASET_SCHEMA_LENGTH: usize = 1_048_575;
/// A data set's profile.
pub(crate) const DATASET_PROFILE_LENGTH: usize = 16_777_215;
/// Data sets in one call.
pub(crate) const DATASETS_PER_BATCH: usize = 1000;
/// An input tag's key.
pub(crate) const INPUT_TAG_KEY_LENGTH: usize = 255;
/// An input tag's value.
pub(crate) const INPUT_TAG_VALUE_LENGTH: usize = 500;
/// Answers on one page of experiments or runs.
pub(crate) const SEARCH_RESULTS: u32 = 50_000;
/// Answers on one page of registered models.
pub(crate) const MODEL_RESULTS: u32 = 1000;
/// Answers on one page of model versions.
pub(crate) const VERSION_RESULTS: u32 = 200_000;
/// Points in one answer of a metric's history.
pub(crate) const HISTORY_RESULTS: u32 = 25_000;
/// Bytes of a filter.
pub(crate) const FILTER_BYTES: usize = 64 * 1024;
/// Conditions of a filter; databases limit how deep an expression may be.
pub(crate) const FILTER_CONDITIONS: usize = 100;
/// Fields of an order.
pub(crate) const ORDER_FIELDS: usize = 16;
/// Values of an `IN` list, and ids in one statement. SQLite takes 32,766 values a statement.
pub(crate) const LIST_VALUES: usize = 1000;
/// Experiments, or runs, of one search.
pub(crate) const IDS: usize = 10_000;
