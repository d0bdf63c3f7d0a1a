//! Pictures to predictions: decoded and prepared as in training, then asked together with strangers' pictures.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::FromRef;
use bytes::Bytes;
use mvl_core::{Classification, ClassifierSpec};
use mvl_data::{image_size, preprocess_encoded};
use mvl_infer::{HostTensor, Priority};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::remote::RemotePictures;
use super::{ModelDescription, NewModel, StreamOptions};
use crate::extract::BodyLimit;
use crate::gateway::Held;
use crate::models::Picked;
use crate::service::{InferCall, Service};
use crate::task::Task;
use crate::{Caller, ServiceError, ServiceOptions, Trouble};

/// How many classes are told unless it is said.
pub(crate) const TOP: usize = 5;

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedClass {
    /// Its name.
    pub label: String,
    /// Its place among the model's classes.
    pub index: usize,
    /// 0 to 1.
    pub probability: f32,
}

/// What a model sees in pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// The model.
    pub model: String,
    /// The version that answered.
    pub version: String,
    /// For each picture, the likeliest classes, likeliest first.
    pub predictions: Vec<Vec<NamedClass>>,
}

/// A place for each processor of this process, whoever decodes: requests, streams, ensembles.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// Decodes pictures and prepares them, in the whole process as many at a time as there are processors, so that memory has a bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoders {
    limits: PictureLimits,
}

impl Decoders {
    pub(crate) fn new(limits: PictureLimits) -> Self {
        Self { limits }
    }

    /// How many pictures there may be.
    pub(crate) fn count(&self, got: usize) -> Result<(), ServiceError> {
        let most = self.limits.count;
        match (1..=most).contains(&got) {
            true => Ok(()),
            false => Err(ServiceError::invalid(format!("expected 1 to {most} pictures in a request, got {got}"))),
        }
    }

    /// A picture as a model wants it, `[1, C, H, W]`.
    pub(crate) async fn prepare(&self, spec: Arc<ClassifierSpec>, picture: Bytes) -> Result<HostTensor, ServiceError> {
        let place = PLACES.acquire().await.map_err(|_| ServiceError::internal("decoding has ended"))?;
        let limits = self.limits;
        let span = tracing::info_span!(target: "mvl_serve::request", "decode", bytes = picture.len());
        let prepared = tokio::task::spawn_blocking(move || {
            let _place = place;
            span.in_scope(|| prepare(&limits, &spec, &picture))
        });
        prepared.await.unwrap_or_else(|_| Err(ServiceError::internal("decoding ended with a panic")))
    }
}

/// Turns pictures into predictions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Pictures {
    service: Service,
    decoders: Decoders,
    remote: RemotePictures,
    /// How large the pictures of a request may be together.
    most_bytes: usize,
    pub(super) streaming: StreamOptions,
    /// As many streams as may be open.
    pub(super) streams: Arc<Semaphore>,
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

impl FromRef<Pictures> for BodyLimit {
    fn from_ref(pictures: &Pictures) -> Self {
        Self(pictures.most_bytes)
    }
}

impl Pictures {
    pub(crate) fn new(service: Service, options: &ServiceOptions) -> Self {
        let ServiceOptions { pictures: limits, streams: streaming, .. } = *options;
        let streams = Arc::new(Semaphore::new(streaming.streams));
        let remote = RemotePictures::new(options.remote.clone());
        Self { service, decoders: Decoders::new(limits), remote, most_bytes: options.message_bytes, streaming, streams }
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// What is told of the models that a caller may use.
    pub(crate) fn described(&self, caller: &Caller) -> Result<Vec<ModelDescription>, ServiceError> {
        ModelDescription::of_all(self.service.repository(), caller)
    }

    /// Loads another model, if a caller may, and says what it is.
    pub(crate) async fn create(&self, caller: &Caller, new: NewModel) -> Result<ModelDescription, ServiceError> {
        caller.check_model(&new.name)?;
        self.service.check_source(&new.source).await?;
        self.service.blocking(move |repository| new.create(repository)).await
    }

    /// Fetches pictures that are given by URL, one after the other. They are `held` like bodies.
    pub(super) async fn fetched(&self, urls: &[String], held: Option<&Held>) -> Result<Vec<Bytes>, ServiceError> {
        self.decoders.count(urls.len())?;
        let (mut pictures, mut total) = (Vec::with_capacity(urls.len()), 0);
        for url in urls {
            let picture = self.remote.fetch(url).await?;
            held.map_or(Ok(()), |held| held.hold(picture.len()))?;
            total += picture.len();
            if total > self.most_bytes {
                let message = format!("expected pictures of at most {} bytes together", self.most_bytes);
                return Err(ServiceError::new(Trouble::TooLarge, message));
            }
            pictures.push(picture);
        }
        Ok(pictures)
    }

    /// The likeliest classes of each picture.
    pub(crate) async fn look(&self, question: &Question, pictures: Vec<Bytes>) -> Result<Predictions, ServiceError> {
        self.decoders.count(pictures.len())?;
        // The version is picked once, so that all pictures of a request are seen by one.
        let picked = self.service.repository().pick(&question.model, question.version.as_deref())?;
        let spec = Arc::new(takes_pictures(&picked)?.clone());
        let asked: Vec<_> = pictures
            .into_iter()
            .map(|picture| {
                let (this, question, spec, picked) = (self.clone(), question.clone(), spec.clone(), picked.clone());
                Task::spawn(async move { this.look_at_one(&question, picked, &spec, picture).await })
            })
            .collect();
        let (model, version) = (picked.model.name.clone(), picked.model.version.clone());
        let mut seen = Predictions { model, version, predictions: Vec::new() };
        for one in asked {
            seen.predictions.push(one.await?);
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
        let images = self.decoders.prepare(spec.clone(), picture).await?;
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

/// What is known of a model for pictures, if it takes some.
pub(crate) fn takes_pictures(picked: &Picked) -> Result<&ClassifierSpec, ServiceError> {
    picked.model.classifier.as_ref().ok_or_else(|| {
        ServiceError::invalid(format!("model {:?} takes tensors, not pictures; ask it under /v2", picked.model.name))
    })
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
    let prepared = preprocess_encoded(&spec.preprocess, picture, NAME).map_err(wrong)?;
    let [channels, height, width] = prepared.shape;
    Ok(HostTensor::from_f32(vec![1, channels, height, width], &prepared.values))
}
