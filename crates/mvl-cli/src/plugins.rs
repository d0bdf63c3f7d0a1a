//! What a program of your own adds to the command line.

use std::fmt;
use std::sync::Arc;

use mvl::core::{DataLoadStrategy, Registry, TrainingObserver};
use mvl::data::Prepared;

use crate::config::RunConfig;

type MakeObserver = dyn Fn(&RunConfig) -> Option<Box<dyn TrainingObserver>> + Send + Sync;
type MakeStrategy = dyn Fn(&RunConfig) -> Option<Box<dyn DataLoadStrategy<Prepared>>> + Send + Sync;

/// Models, heads, tasks, observers and loading strategies that a program knows.
///
/// A plugin is a function that registers what it brings, so that a crate with one can be added to any program:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use mvl_cli::Plugins;
///
/// mod my_plugin {
///     pub fn register(plugins: &mut mvl_cli::Plugins) {
///         // plugins.registry.register_model(MyFactory);
///         plugins.observe(|run| {
///             println!("{} trains for {} epochs", run.model.name, run.train.epochs);
///             None // or an observer for this run
///         });
///     }
/// }
///
/// fn main() -> ExitCode {
///     mvl_cli::main_with(Plugins::zoo().with(my_plugin::register))
/// }
/// ```
///
/// Models, heads and tasks are chosen by name in a run's config. Observers and strategies are asked for at the start of every run, and
/// see its config.
#[derive(Clone, Default)]
pub struct Plugins {
    /// Models, heads and tasks by name.
    pub registry: Registry,
    observers: Vec<Arc<MakeObserver>>,
    strategy: Option<Arc<MakeStrategy>>,
}

impl Plugins {
    /// The built-in models, heads and tasks.
    #[must_use]
    pub fn zoo() -> Self {
        mvl::models::zoo().into()
    }

    /// Adds what a plugin registers.
    #[must_use]
    pub fn with(mut self, register: impl FnOnce(&mut Self)) -> Self {
        register(&mut self);
        self
    }

    /// Adds an observer to every training run that `make` gives one for.
    pub fn observe(
        &mut self,
        make: impl Fn(&RunConfig) -> Option<Box<dyn TrainingObserver>> + Send + Sync + 'static,
    ) -> &mut Self {
        self.observers.push(Arc::new(make));
        self
    }

    /// Loads the training images of every run that `make` gives a strategy for with that one, in place of its config's; one set
    /// before is replaced.
    pub fn load_with(
        &mut self,
        make: impl Fn(&RunConfig) -> Option<Box<dyn DataLoadStrategy<Prepared>>> + Send + Sync + 'static,
    ) -> &mut Self {
        self.strategy = Some(Arc::new(make));
        self
    }

    /// The observers of a run.
    pub(crate) fn observers(&self, config: &RunConfig) -> Vec<Box<dyn TrainingObserver>> {
        self.observers.iter().filter_map(|make| make(config)).collect()
    }

    /// The strategy of a run, if it is not the config's.
    pub(crate) fn strategy(&self, config: &RunConfig) -> Option<Box<dyn DataLoadStrategy<Prepared>>> {
        self.strategy.as_ref().and_then(|make| make(config))
    }
}

impl From<Registry> for Plugins {
    fn from(registry: Registry) -> Self {
        Self { registry, ..Self::default() }
    }
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugins")
            .field("registry", &self.registry)
            .field("observers", &self.observers.len())
            .field("strategy", &self.strategy.is_some())
            .finish()
    }
}
