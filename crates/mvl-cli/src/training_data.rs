//! What a run trains, validates and tests on.

use std::path::Path;
use std::sync::Arc;

use mvl::core::{Backend, Labels, ResourceManager};
use mvl::data::{
    LabelledDataset, Loader, LoaderConfig, Split, Subset, available_splits, fashion_mnist_part, open_dataset,
    split_balanced,
};

use crate::config::RunConfig;
use crate::plugins::Plugins;

/// Names the data set that mvl carries.
pub(crate) const EMBEDDED: &str = "embedded:fashion-mnist";

/// The parts of a data set that a run needs.
pub(crate) struct TrainingData {
    pub(crate) labels: Labels,
    pub(crate) train: Arc<dyn LabelledDataset>,
    pub(crate) valid: Option<Arc<dyn LabelledDataset>>,
    pub(crate) test: Option<Arc<dyn LabelledDataset>>,
    resources: ResourceManager,
}

impl TrainingData {
    /// Trains on the training split, or on everything where there are no splits. Validates on the validation split, or else on a
    /// share that is held out. Tests on the test split, which training never sees.
    pub(crate) fn open(config: &RunConfig) -> anyhow::Result<Self> {
        let path = &config.data.path;
        let open =
            |split| -> anyhow::Result<_> { has_split(path, split)?.then(|| open_split(path, split)).transpose() };
        let train = match open(Split::Train)? {
            Some(train) => train,
            None => open_split(path, Split::All)?,
        };
        let (valid, test) = (open(Split::Valid)?, open(Split::Test)?);
        let labels = train.labels().clone();
        let names = |labels: &Labels| labels.iter().collect::<Vec<_>>().join(", ");
        anyhow::ensure!(
            labels.len() > 1,
            "expected at least two classes to tell apart, got {} ({}); {path}",
            labels.len(),
            names(&labels)
        );
        for other in [&valid, &test].into_iter().flatten() {
            anyhow::ensure!(
                other.labels() == &labels,
                "the splits have different classes: training has {}, another has {}; {path}",
                names(&labels),
                names(other.labels())
            );
        }
        let resources = ResourceManager::new(&config.resources);
        if valid.is_some() || config.data.validation == 0.0 {
            return Ok(Self { labels, train, valid, test, resources });
        }
        let (kept, held) = split_balanced(&*train, config.data.validation, config.train.seed);
        let part = |indices: Vec<usize>| -> anyhow::Result<Arc<dyn LabelledDataset>> {
            Ok(Arc::new(Subset::new(train.clone(), indices)?))
        };
        let valid = if held.is_empty() { None } else { Some(part(held)?) };
        Ok(Self { labels, train: part(kept)?, valid, test, resources })
    }

    /// The training split in the run's order, with random changes, by a plugin's strategy if one has any.
    pub(crate) fn training_loader<B: Backend>(
        &self,
        config: &RunConfig,
        plugins: &Plugins,
    ) -> anyhow::Result<Loader<B>> {
        let settings = settings(config);
        let sampler = config.data.order.build(&*self.train, &settings)?;
        let loader = Loader::<B>::new(self.train.clone(), config.preprocess.clone(), config.device, settings)?;
        let loader = loader.with_sampler(sampler).within(&self.resources)?;
        let loader = loader.with_augment(&config.data.augment)?.on_device(B::device(config.device)?.autodiff());
        Ok(match plugins.strategy(config) {
            Some(strategy) => loader.with_strategy(strategy),
            None => loader,
        })
    }

    /// Bytes of memory that the run may use.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.resources.usage().memory_budget_bytes as u64
    }

    /// The validation split, if there is one, as it is.
    pub(crate) fn validation_loader<B: Backend>(&self, config: &RunConfig) -> anyhow::Result<Option<Loader<B>>> {
        let Some(valid) = self.valid.clone() else { return Ok(None) };
        let loader = Loader::<B>::new(valid, config.preprocess.clone(), config.device, settings(config))?;
        Ok(Some(loader.within(&self.resources)?))
    }
}

fn settings(config: &RunConfig) -> LoaderConfig {
    LoaderConfig {
        workers: config.data.workers,
        queue_bytes: config.data.queue_mib << 20,
        reduced_decoding: config.data.reduced_decoding,
        seed: config.train.seed,
        on_corrupt: config.data.on_corrupt,
        strategy: config.data.strategy.clone(),
        ..LoaderConfig::new(config.data.batch_size)
    }
}

/// Opens a path, or the embedded set.
pub(crate) fn open_split(path: &str, split: Split) -> anyhow::Result<Arc<dyn LabelledDataset>> {
    if path == EMBEDDED {
        return Ok(Arc::new(fashion_mnist_part(split)?));
    }
    Ok(Arc::from(open_dataset(Path::new(path), split)?))
}

/// Whether the data is divided and has this part.
pub(crate) fn has_split(path: &str, split: Split) -> anyhow::Result<bool> {
    if path == EMBEDDED {
        return Ok(matches!(split, Split::Train | Split::Test));
    }
    Ok(available_splits(Path::new(path))?.contains(&split))
}
