//! A model family of your own, as a crate of its own: plain chains of convolutions under the names `plain2`, `plain3`, `plain4`, a
//! task to train them for, and an observer that says how fast they learn. No `mvl-*` crate knows of it.

mod margin;
mod plain;
mod throughput;

pub use margin::{Margin, MarginFactory};
pub use plain::{Plain, PlainFactory, PlainOptions};
pub use throughput::Throughput;

use mvl_cli::Plugins;

/// Everything that this crate brings.
pub fn register(plugins: &mut Plugins) {
    for stages in 2..=4 {
        plugins.registry.register_model(PlainFactory::new(stages));
    }
    plugins.registry.register_task(MarginFactory);
    plugins.observe(|run| run.model.name.starts_with("plain").then(|| Box::new(Throughput) as _));
}
