//! [`EngineReport`]: memory and latency of an engine.

use std::time::Duration;

use mvl_core::peak_bytes;
use serde::{Deserialize, Serialize};

use super::{EngineTiming, Loading, WeightsSize};
use crate::{Engine, EngineError};

/// Memory and latency of an engine. [`Predictor::report`](crate::Predictor::report) makes one; it can be written to JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineReport {
    /// What computes: `burn-cpu`, `onnxruntime`.
    pub platform: String,
    /// How large the weights are, where the engine knows.
    pub weights: Option<WeightsSize>,
    /// What loading took.
    pub loading: Loading,
    /// The most that the process had in memory since it began, in bytes, the forward passes of this report included; `None` where the
    /// system does not say. What lies on a GPU does not count.
    pub peak_bytes: Option<u64>,
    /// Times of forward passes, a line for each number of samples.
    pub timings: Vec<EngineTiming>,
}

impl EngineReport {
    /// Asks an engine, for so long for each number of samples, as [`EngineTiming::measure`] does.
    ///
    /// # Errors
    /// As [`EngineTiming::measure`].
    pub fn measure(
        engine: &dyn Engine,
        loading: Loading,
        batches: &[usize],
        duration: Duration,
    ) -> Result<Self, EngineError> {
        let timings = batches.iter().map(|&batch| EngineTiming::measure(engine, batch, duration));
        let timings = timings.collect::<Result<_, _>>()?;
        let (platform, weights) = (engine.platform().to_owned(), engine.weights());
        Ok(Self { platform, weights, loading, peak_bytes: peak_bytes(), timings })
    }
}
