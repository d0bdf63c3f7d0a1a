//! Optimisers: what a person writes ([`OptimizerConfig`]), and one file for the settings of each.
//!
//! All are burn's, with PyTorch's meaning of every setting and PyTorch's defaults in place of burn's where they differ
//! (dampening 0.1, epsilon 1e-5 and others). Each agrees with PyTorch or, where PyTorch has it not, with timm within 1e-5 over 50
//! steps (`scripts/make_optimizer_goldens.py`), and is saved and resumed bit for bit.
//!
//! burn's L-BFGS is deliberately absent: it evaluates the loss many times a step, which a loop over batches does not.

mod adafactor;
mod adagrad;
mod adam;
mod adamw;
mod adan;
mod config;
mod lamb;
mod lion;
mod muon;
mod muon_on_matrices;
mod rmsprop;
mod rule;
mod settings;
mod sgd;

pub use adafactor::AdafactorConfig;
pub use adagrad::AdaGradConfig;
pub use adam::AdamConfig;
pub use adamw::AdamWConfig;
pub use adan::AdanConfig;
pub use config::OptimizerConfig;
pub use lamb::LambConfig;
pub use lion::LionConfig;
pub use muon::{MuonAdjustment, MuonConfig};
pub use rmsprop::RmsPropConfig;
pub use sgd::SgdConfig;
