//! Samplers by name, as a config file writes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use mvl_core::{DataError, EveryItem, Order, Sampler};
use serde::{Deserialize, Serialize};

use super::{AspectRatioGroups, ClassBalanced, RepeatedAugmentation, ShardShuffled, Weighted, aspect_ratios};
use crate::loader::LoaderConfig;
use crate::sources::LabelledDataset;

/// The order of an epoch. Every epoch is about as long as the data set.
///
/// # Example
/// ```
/// use mvl_data::{LoaderConfig, SamplerConfig, Split, fashion_mnist_part};
/// let order: SamplerConfig = serde_json::from_str(r#"{"repeated_augmentation": {"repeats": 3}}"#)?;
/// let sampler = order.build(&fashion_mnist_part(Split::Test)?, &LoaderConfig::new(64))?;
/// assert_eq!(sampler.len(), 2_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SamplerConfig {
    /// In the data set's order.
    #[default]
    Sequential,
    /// Shuffled anew for each epoch.
    Shuffled,
    /// [`ClassBalanced`].
    ClassBalanced,
    /// [`Weighted`] by class.
    Weighted {
        /// The weight of a sample by the name of its class; 1 for classes that are not named, and for samples without one.
        classes: BTreeMap<String, f64>,
    },
    /// [`RepeatedAugmentation`].
    RepeatedAugmentation {
        /// How many times each picked sample comes.
        repeats: usize,
    },
    /// [`AspectRatioGroups`]; reads the header of every image first.
    AspectRatioGroups,
    /// [`ShardShuffled`], by the objects in which the samples lie.
    ShardShuffled {
        /// Samples that are shuffled among each other.
        window: usize,
    },
}

impl SamplerConfig {
    /// Every problem, as `field: what is wrong`; empty when it can be built.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::Weighted { classes } => {
                let wrong = classes.iter().filter(|(_, weight)| !(0.0..f64::INFINITY).contains(*weight));
                wrong.map(|(class, weight)| format!("classes.{class}: expected at least 0, got {weight}")).collect()
            }
            Self::RepeatedAugmentation { repeats: 0 } => vec!["repeats: expected at least 1, got 0".to_owned()],
            Self::ShardShuffled { window: 0 } => vec!["window: expected at least 1, got 0".to_owned()],
            _ => Vec::new(),
        }
    }

    /// The sampler for a data set, and for a loader with these settings.
    ///
    /// # Errors
    /// [`DataError::Invalid`] with all [`problems`](Self::problems), or when a named class is not one of the data set's, or no sample
    /// has a class that is needed; [`DataError`] when an image's header cannot be read.
    pub fn build(&self, dataset: &dyn LabelledDataset, loader: &LoaderConfig) -> Result<Arc<dyn Sampler>, DataError> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(DataError::invalid(format!("the sampler cannot run: {}", problems.join("; "))));
        }
        let len = dataset.len();
        Ok(match self {
            Self::Sequential => Arc::new(EveryItem::new(len, Order::Sequential)),
            Self::Shuffled => Arc::new(EveryItem::new(len, Order::Shuffled)),
            Self::ClassBalanced => Arc::new(ClassBalanced::new(dataset, len)?),
            Self::Weighted { classes } => Arc::new(Weighted::new(&class_weights(dataset, classes)?, len)?),
            Self::RepeatedAugmentation { repeats } => Arc::new(RepeatedAugmentation::new(len, *repeats)?),
            Self::AspectRatioGroups => {
                Arc::new(AspectRatioGroups::new(&aspect_ratios(dataset)?, loader.batch_size, loader.world_size)?)
            }
            Self::ShardShuffled { window } => Arc::new(ShardShuffled::of(dataset, *window)),
        })
    }
}

/// A weight for each sample, from those of the classes.
fn class_weights(dataset: &dyn LabelledDataset, by_name: &BTreeMap<String, f64>) -> Result<Vec<f64>, DataError> {
    let labels = dataset.labels();
    if let Some(unknown) = by_name.keys().find(|name| labels.index(name).is_none()) {
        let known: Vec<&str> = labels.iter().collect();
        let what = format!("the sampler weighs a class {unknown:?} that the data set does not have, only {known:?}");
        return Err(DataError::invalid(what));
    }
    let weight = |name: &str| by_name.get(name).copied().unwrap_or(1.0);
    let of_class: Vec<f64> = labels.iter().map(weight).collect();
    let of_sample = |index| dataset.label_of(index).and_then(|class| of_class.get(class).copied()).unwrap_or(1.0);
    Ok((0..dataset.len()).map(of_sample).collect())
}
