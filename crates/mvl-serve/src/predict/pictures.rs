//! Pictures to predictions: decoded and prepared as in training, then asked together with strangers' pictures.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mvl_core::{Classification, ClassifierSpec};
use mvl_data::{decode, image_size, preprocess};
use mvl_infer::{HostTensor, Priority};
use serde::Serialize;
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::models::Picked;
use crate::service::{InferCall, Service};
use crate::{ServiceError, Trouble};

/// How much a picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLimits {
    /// The longest side, in pixels.
    pub side_px: u32,
    /// The most pixels.
    pub pixels: u64,
    /// The most pictures of one request.
    pub count: usize,
}

impl Default for PictureLimits {
    /// Sides of 16,384, 50 million pixels, 64 pictures.
    fn default() -> Self {
        Self { side_px: 16_384, pixels: 50_000_000, count: 64 }
    }
}

/// A class of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NamedClass {
    pub(crate) label: String,
    pub(crate) index: usize,
    pub(crate) probability: f32,
}

/// What was seen in some pictures.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    pub(crate) model: String,
    pub(crate) version: String,
    /// For each picture, the likeliest classes.
    pub(crate) predictions: Vec<Vec<NamedClass>>,
}

/// Turns pictures into predictions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Pictures {
    service: Service,
    limits: PictureLimits,
    /// As many pictures are decoded at a time as there are processors, so that memory has a bound.
    decoders: Arc<Semaphore>,
}

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) model: String,
    pub(crate) version: Option<String>,
    pub(crate) top: usize,
    pub(crate) priority: Priority,
    pub(crate) timeout: Option<Duration>,
}

impl Pictures {
    pub(crate) fn new(service: Service, limits: PictureLimits) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { service, limits, decoders: Arc::new(Semaphore::new(processors)) }
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// The likeliest classes of each picture.
    pub(crate) async fn look(&self, question: &Question, pictures: Vec<Bytes>) -> Result<Seen, ServiceError> {
        if pictures.is_empty() || pictures.len() > self.limits.count {
            let (most, got) = (self.limits.count, pictures.len());
            return Err(ServiceError::invalid(format!("expected 1 to {most} pictures in a request, got {got}")));
        }
        // The version is picked once, so that all pictures of a request are seen by one.
        let picked = self.service.repository().pick(&question.model, question.version.as_deref())?;
        let spec = picked.model.classifier.clone().map(Arc::new);
        let spec = spec.ok_or_else(|| {
            ServiceError::invalid(format!("model {:?} takes tensors, not pictures; ask it under /v2", question.model))
        })?;
        let asked: Vec<_> = pictures
            .into_iter()
            .map(|picture| {
                let (this, question, spec, picked) = (self.clone(), question.clone(), spec.clone(), picked.clone());
                let look = async move { this.look_at_one(&question, picked, &spec, picture).await };
                tokio::spawn(look.in_current_span())
            })
            .collect();
        let (model, version) = (picked.model.name.clone(), picked.model.version.clone());
        let mut seen = Seen { model, version, predictions: Vec::new() };
        for one in asked {
            let classes = one.await.unwrap_or_else(|_| Err(ServiceError::internal("the work ended with a panic")));
            seen.predictions.push(classes?);
        }
        Ok(seen)
    }

    async fn look_at_one(
        &self,
        question: &Question,
        picked: Picked,
        spec: &Arc<ClassifierSpec>,
        picture: Bytes,
    ) -> Result<Vec<NamedClass>, ServiceError> {
        let place = self.decoders.clone().acquire_owned().await;
        let place = place.map_err(|_| ServiceError::internal("decoding has ended"))?;
        let (limits, prepared_for) = (self.limits, spec.clone());
        let span = tracing::info_span!(target: "mvl_serve::request", "decode", bytes = picture.len());
        let prepared = tokio::task::spawn_blocking(move || {
            let _place = place;
            span.in_scope(|| prepare(&limits, &prepared_for, &picture))
        });
        let images = prepared.await.unwrap_or_else(|_| Err(ServiceError::internal("decoding ended with a panic")))?;
        let call = InferCall {
            inputs: vec![("images".to_owned(), images)],
            outputs: vec!["probabilities".to_owned()],
            priority: question.priority,
            timeout: question.timeout,
            ..InferCall::default()
        };
        let answer = self.service.infer_with(picked, call).await?;
        let (_, probabilities) = &answer.outputs[0];
        let classes = Classification::new(probabilities.to_f32()?).top(question.top);
        let named = classes.into_iter().map(|class| NamedClass {
            label: spec.labels.display(class.index),
            index: class.index,
            probability: class.probability,
        });
        Ok(named.collect())
    }
}

/// A picture as the model wants it.
fn prepare(limits: &PictureLimits, spec: &ClassifierSpec, picture: &[u8]) -> Result<HostTensor, ServiceError> {
    const NAME: &str = "the picture in the request";
    let wrong = |error: mvl_core::DataError| ServiceError::invalid(error.to_string());
    let [height, width] = image_size(picture, NAME).map_err(wrong)?;
    if width.max(height) > limits.side_px || u64::from(width) * u64::from(height) > limits.pixels {
        let message = format!(
            "expected a picture with sides of at most {} and {} pixels in all, got {width}×{height}",
            limits.side_px, limits.pixels
        );
        return Err(ServiceError::new(Trouble::TooLarge, message));
    }
    let prepared = preprocess(&spec.preprocess, decode(picture, NAME).map_err(wrong)?).map_err(wrong)?;
    let [channels, height, width] = prepared.shape;
    Ok(HostTensor::from_f32(vec![1, channels, height, width], &prepared.values))
}
