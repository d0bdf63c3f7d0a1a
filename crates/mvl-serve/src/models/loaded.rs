//! [`LoadedModel`]: one version of a model, ready to answer.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mvl_core::ClassifierSpec;
use mvl_infer::drift::{DriftReference, DriftWatch};
use mvl_infer::{BatchOptions, Batcher, ComputeSlots, Engine, HostTensor, Request, Signature};

use super::FoundVersion;
use crate::ServiceError;

/// The output of a classifier that drift is looked for in.
const PROBABILITIES: &str = "probabilities";

/// What a loader found: engines that share weights, and what is known of the model beside them.
pub struct ModelParts {
    /// The replicas, at least one.
    pub replicas: Vec<Arc<dyn Engine>>,
    /// What is known of a model for pictures; without it the model is asked by tensors alone.
    pub classifier: Option<ClassifierSpec>,
}

impl fmt::Debug for ModelParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platforms: Vec<&str> = self.replicas.iter().map(|engine| engine.platform()).collect();
        f.debug_struct("ModelParts").field("replicas", &platforms).finish_non_exhaustive()
    }
}

/// One version of a model, ready to answer.
#[derive(Debug)]
pub struct LoadedModel {
    /// The model's name.
    pub name: String,
    /// The version, as [`found`](Self::found) names it.
    pub version: String,
    /// Where it came from.
    pub found: FoundVersion,
    /// What answers.
    pub batcher: Batcher,
    /// What is known of a model for pictures.
    pub classifier: Option<ClassifierSpec>,
    /// Whether pictures and answers are still like those that it was made with, where that is known.
    pub drift: Option<DriftWatch>,
    /// When it was loaded.
    pub loaded_at: SystemTime,
}

impl LoadedModel {
    /// Starts the replicas.
    pub fn start(
        name: impl Into<String>,
        found: FoundVersion,
        parts: ModelParts,
        options: BatchOptions,
        slots: Option<ComputeSlots>,
    ) -> Self {
        Self {
            name: name.into(),
            version: found.version.clone(),
            found,
            batcher: Batcher::start_in(parts.replicas, options, slots),
            classifier: parts.classifier,
            drift: None,
            loaded_at: SystemTime::now(),
        }
    }

    /// Compares pictures and answers from now on with what they were like when the version was made.
    #[must_use]
    pub fn watched_by(self, reference: Option<DriftReference>) -> Self {
        Self { drift: reference.map(DriftWatch::new), ..self }
    }

    /// Looks at what was asked and answered.
    pub(crate) fn look(&self, inputs: &[HostTensor], outputs: &[HostTensor]) {
        let probabilities = self.signature().outputs.iter().position(|output| output.name == PROBABILITIES);
        let probabilities = probabilities.and_then(|place| outputs.get(place));
        if let (Some(drift), [pictures], Some(probabilities)) = (&self.drift, inputs, probabilities) {
            drift.look(pictures, probabilities);
        }
    }

    /// Which tensors it takes and gives.
    pub fn signature(&self) -> &Signature {
        self.batcher.signature()
    }

    /// Runs zeros through it, one row and a full batch, so that the first caller waits for nothing but the answer. Blocks.
    ///
    /// # Errors
    /// When the model fails.
    pub fn warm_up(&self) -> Result<(), ServiceError> {
        for rows in [1, self.batcher.options().max_rows] {
            // What text it wants is not known, and one whose sides are open may not take pictures of one pixel; that is no reason not to
            // serve it.
            let Some(inputs) = self.signature().zeros(rows) else { return Ok(()) };
            let deadline = Some(std::time::Instant::now() + Duration::from_secs(600));
            self.batcher.submit(Request { deadline, ..Request::new(inputs) }).wait()?;
        }
        self.batcher.clear_statistics(); // nobody asked for these
        Ok(())
    }
}
