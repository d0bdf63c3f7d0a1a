//! The protocol over gRPC.

mod convert;
mod stream;

use std::collections::HashMap;
use std::time::Duration;

use mvl_infer::Total;
use tonic::{Code, Request, Response, Status};

use super::rest::{Oip, config_of, extensions, state_words};
use crate::gateway::Asked;
use crate::models::{LoadedModel, ModelDefinition};
use crate::{Caller, ServiceError, Trouble};

/// What the proto file says, in Rust.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
pub(crate) mod proto {
    tonic::include_proto!("inference");
}

use proto::grpc_inference_service_server::GrpcInferenceService;
pub(crate) use proto::grpc_inference_service_server::GrpcInferenceServiceServer;

impl From<ServiceError> for Status {
    fn from(error: ServiceError) -> Self {
        let code = match error.trouble {
            Trouble::Invalid => Code::InvalidArgument,
            Trouble::Unauthenticated => Code::Unauthenticated,
            Trouble::Forbidden => Code::PermissionDenied,
            Trouble::NotFound => Code::NotFound,
            Trouble::TooLarge | Trouble::TooMany => Code::ResourceExhausted,
            Trouble::Internal => Code::Internal,
            Trouble::Unsupported => Code::Unimplemented,
            Trouble::Unavailable => Code::Unavailable,
            Trouble::Late => Code::DeadlineExceeded,
        };
        let mut status = Self::new(code, error.message);
        if let Some(after) = error.retry_after
            && let Ok(value) = after.as_millis().max(1).to_string().parse()
        {
            // What gRPC's own retries read.
            status.metadata_mut().insert("grpc-retry-pushback-ms", value);
        }
        status
    }
}

/// An empty version is none.
fn named(version: &str) -> Option<&str> {
    (!version.is_empty()).then_some(version)
}

impl Oip {
    fn picked(&self, name: &str, version: &str) -> Result<std::sync::Arc<LoadedModel>, ServiceError> {
        Ok(self.service.repository().pick(name, named(version))?.model)
    }

    /// Answers one request for tensors.
    pub(super) async fn answer(
        &self,
        request: proto::ModelInferRequest,
        timeout: Option<Duration>,
    ) -> Result<proto::ModelInferResponse, ServiceError> {
        let (mut call, plan) = convert::parse(request, &self.memory)?;
        call.timeout = match (call.timeout, timeout) {
            (Some(asked), Some(header)) => Some(asked.min(header)),
            (asked, header) => asked.or(header),
        };
        let answer = self.service.infer(call).await?;
        convert::write(plan, &answer, &self.memory)
    }
}

/// How long the client waits, as its `grpc-timeout` says.
pub(crate) fn timeout_of<T>(request: &Request<T>) -> Option<Duration> {
    let text = request.metadata().get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok().filter(|_| number.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

fn duration(total: &Total) -> Option<proto::StatisticDuration> {
    let ns = u64::try_from(total.time.as_nanos()).unwrap_or(u64::MAX);
    Some(proto::StatisticDuration { count: total.count, ns })
}

fn statistics_of(model: &LoadedModel) -> proto::ModelStatistics {
    let statistics = model.batcher.statistics();
    let batches = statistics.batches.iter().map(|(&rows, batch)| proto::InferBatchStatistics {
        batch_size: rows as u64,
        compute_input: duration(&batch.input),
        compute_infer: duration(&batch.infer),
        compute_output: duration(&batch.output),
    });
    proto::ModelStatistics {
        name: model.name.clone(),
        version: model.version.clone(),
        last_inference: statistics.last.map_or(0, |last| last.as_millis() as u64),
        inference_count: statistics.rows,
        execution_count: statistics.passes,
        inference_stats: Some(proto::InferStatistics {
            success: duration(&statistics.success),
            fail: duration(&statistics.failure),
            queue: duration(&statistics.queue),
            compute_input: duration(&statistics.input),
            compute_infer: duration(&statistics.infer),
            compute_output: duration(&statistics.output),
            cache_hit: duration(&Total::default()),
            cache_miss: duration(&Total::default()),
        }),
        batch_stats: batches.collect(),
    }
}

/// Whom the gateway let in.
pub(crate) fn caller_of<T>(request: &Request<T>) -> Caller {
    Asked::caller(request.extensions())
}

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl GrpcInferenceService for Oip {
    async fn server_live(&self, _: Request<proto::ServerLiveRequest>) -> Answered<proto::ServerLiveResponse> {
        Ok(Response::new(proto::ServerLiveResponse { live: true }))
    }

    async fn server_ready(&self, _: Request<proto::ServerReadyRequest>) -> Answered<proto::ServerReadyResponse> {
        Ok(Response::new(proto::ServerReadyResponse { ready: self.service.repository().is_ready() }))
    }

    async fn model_ready(&self, request: Request<proto::ModelReadyRequest>) -> Answered<proto::ModelReadyResponse> {
        let caller = caller_of(&request);
        let request = request.into_inner();
        caller.check_model(&request.name)?;
        let ready = match self.picked(&request.name, &request.version) {
            Ok(_) => true,
            Err(error) if error.trouble == Trouble::Unavailable => false,
            Err(error) => return Err(error.into()),
        };
        Ok(Response::new(proto::ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<proto::ServerMetadataRequest>,
    ) -> Answered<proto::ServerMetadataResponse> {
        Ok(Response::new(proto::ServerMetadataResponse {
            name: "mvl".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extensions: extensions(&self.memory).into_iter().map(ToOwned::to_owned).collect(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<proto::ModelMetadataRequest>,
    ) -> Answered<proto::ModelMetadataResponse> {
        let caller = caller_of(&request);
        let request = request.into_inner();
        caller.check_model(&request.name)?;
        let model = self.picked(&request.name, &request.version)?;
        let versions = self.service.repository().versions(&request.name)?;
        let tensors = |specs: &[mvl_infer::TensorSpec]| {
            let tensor = |spec: &mvl_infer::TensorSpec| proto::model_metadata_response::TensorMetadata {
                name: spec.name.clone(),
                datatype: spec.datatype.name().to_owned(),
                shape: spec.wire_shape(),
            };
            specs.iter().map(tensor).collect()
        };
        Ok(Response::new(proto::ModelMetadataResponse {
            name: model.name.clone(),
            versions: versions.iter().map(|model| model.version.clone()).collect(),
            platform: model.batcher.platform().to_owned(),
            inputs: tensors(&model.signature().inputs),
            outputs: tensors(&model.signature().outputs),
        }))
    }

    async fn model_infer(&self, request: Request<proto::ModelInferRequest>) -> Answered<proto::ModelInferResponse> {
        let (timeout, caller) = (timeout_of(&request), caller_of(&request));
        let request = request.into_inner();
        caller.check_model(&request.model_name)?;
        Ok(Response::new(self.answer(request, timeout).await?))
    }

    type ModelStreamInferStream = stream::Answers;

    async fn model_stream_infer(
        &self,
        request: Request<tonic::Streaming<proto::ModelInferRequest>>,
    ) -> Answered<stream::Answers> {
        let (caller, held) = (caller_of(&request), Asked::held(request.extensions()));
        Ok(Response::new(stream::answers(self.clone(), caller, held, request.into_inner())))
    }

    async fn model_config(&self, request: Request<proto::ModelConfigRequest>) -> Answered<proto::ModelConfigResponse> {
        let caller = caller_of(&request);
        let request = request.into_inner();
        caller.check_model(&request.name)?;
        let model = self.picked(&request.name, &request.version)?;
        let config = convert::config(&config_of(&model));
        Ok(Response::new(proto::ModelConfigResponse { config: Some(config) }))
    }

    async fn model_statistics(
        &self,
        request: Request<proto::ModelStatisticsRequest>,
    ) -> Answered<proto::ModelStatisticsResponse> {
        let caller = caller_of(&request);
        let request = request.into_inner();
        named(&request.name).map_or(Ok(()), |name| caller.check_model(name))?;
        let models = match (named(&request.name), named(&request.version)) {
            (None, _) => self.service.repository().loaded(None),
            (Some(name), None) => {
                self.picked(name, "")?;
                self.service.repository().loaded(Some(name))
            }
            (Some(name), Some(version)) => vec![self.picked(name, version)?],
        };
        let model_stats =
            models.iter().filter(|model| caller.may_use(&model.name)).map(|model| statistics_of(model)).collect();
        Ok(Response::new(proto::ModelStatisticsResponse { model_stats }))
    }

    async fn repository_index(
        &self,
        request: Request<proto::RepositoryIndexRequest>,
    ) -> Answered<proto::RepositoryIndexResponse> {
        let caller = caller_of(&request);
        let ready_only = request.into_inner().ready;
        let entries = self.service.repository().index().into_iter().filter(|entry| caller.may_use(&entry.name));
        let models = entries.filter_map(|entry| {
            let (state, reason) = state_words(&entry);
            (!ready_only || state == "READY").then(|| proto::repository_index_response::ModelIndex {
                name: entry.name.clone(),
                version: entry.version.clone().unwrap_or_default(),
                state: state.to_owned(),
                reason,
            })
        });
        Ok(Response::new(proto::RepositoryIndexResponse { models: models.collect() }))
    }

    async fn repository_model_load(
        &self,
        request: Request<proto::RepositoryModelLoadRequest>,
    ) -> Answered<proto::RepositoryModelLoadResponse> {
        use proto::model_repository_parameter::ParameterChoice;
        let caller = caller_of(&request);
        let request = request.into_inner();
        caller.check_model(&request.model_name)?;
        if request.parameters.contains_key("config") {
            let message = "a model's configuration is read from the server's config file alone";
            return Err(ServiceError::unsupported(message).into());
        }
        let source = request.parameters.get("source").and_then(|parameter| match &parameter.parameter_choice {
            Some(ParameterChoice::StringParam(source)) => Some(source.clone()),
            _ => None,
        });
        if let Some(source) = &source {
            self.service.check_source(source).await?;
        }
        let loading = self.service.blocking(move |repository| match source {
            Some(source) => repository.add(ModelDefinition::new(request.model_name, source)),
            None => repository.load(&request.model_name).map(drop),
        });
        loading.await?;
        Ok(Response::new(proto::RepositoryModelLoadResponse {}))
    }

    async fn repository_model_unload(
        &self,
        request: Request<proto::RepositoryModelUnloadRequest>,
    ) -> Answered<proto::RepositoryModelUnloadResponse> {
        let caller = caller_of(&request);
        let name = request.into_inner().model_name;
        caller.check_model(&name)?;
        self.service.blocking(move |repository| repository.unload(&name)).await?;
        Ok(Response::new(proto::RepositoryModelUnloadResponse {}))
    }

    async fn system_shared_memory_status(
        &self,
        request: Request<proto::SystemSharedMemoryStatusRequest>,
    ) -> Answered<proto::SystemSharedMemoryStatusResponse> {
        let status = self.memory.status(named(&request.into_inner().name))?;
        let regions: HashMap<_, _> = status
            .into_iter()
            .map(|region| {
                let status = proto::system_shared_memory_status_response::RegionStatus {
                    name: region.name.clone(),
                    key: region.key,
                    offset: region.offset,
                    byte_size: region.byte_size,
                };
                (region.name, status)
            })
            .collect();
        Ok(Response::new(proto::SystemSharedMemoryStatusResponse { regions }))
    }

    async fn system_shared_memory_register(
        &self,
        request: Request<proto::SystemSharedMemoryRegisterRequest>,
    ) -> Answered<proto::SystemSharedMemoryRegisterResponse> {
        let request = request.into_inner();
        self.memory.register(&request.name, &request.key, request.offset, request.byte_size)?;
        Ok(Response::new(proto::SystemSharedMemoryRegisterResponse {}))
    }

    async fn system_shared_memory_unregister(
        &self,
        request: Request<proto::SystemSharedMemoryUnregisterRequest>,
    ) -> Answered<proto::SystemSharedMemoryUnregisterResponse> {
        self.memory.unregister(named(&request.into_inner().name))?;
        Ok(Response::new(proto::SystemSharedMemoryUnregisterResponse {}))
    }
}
