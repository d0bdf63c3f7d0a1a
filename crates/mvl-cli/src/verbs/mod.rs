//! One file per verb.

pub(crate) mod bench;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod reference;
pub(crate) mod registry;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod sweep;
pub(crate) mod track;
pub(crate) mod train;
mod train_finders;
