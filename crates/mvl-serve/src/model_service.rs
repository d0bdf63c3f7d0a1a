//! `mvl.v1.ModelService`: models to create, list, inspect, delete and ask, over gRPC.

use mvl_infer::{DataType, EngineKind, HostTensor};
use tonic::{Request, Response, Status};

use crate::oip::grpc::{caller_of, timeout_of};
use crate::oip::rest::priority_of;
use crate::predict::{Pictures, Question, TOP};
use crate::service::InferCall;
use crate::{ModelDescription, NewModel, Predictions, ServiceError, ShareDescription};

/// What the proto file says, in Rust.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
mod proto {
    tonic::include_proto!("mvl.v1");
}

use proto::model_service_server::ModelService;
pub(crate) use proto::model_service_server::ModelServiceServer;

/// The service, over the same pictures and models as the REST handlers.
#[derive(Debug, Clone)]
pub(crate) struct Models(pub(crate) Pictures);

fn share(share: Option<ShareDescription>) -> Option<proto::Share> {
    share.map(|share| proto::Share { version: share.version, percent: share.percent.into() })
}

fn told(model: ModelDescription) -> proto::Model {
    let preprocess = model.preprocess.as_ref().and_then(|preprocess| serde_json::to_string(preprocess).ok());
    proto::Model {
        name: model.name,
        source: model.source,
        state: model.state,
        reason: model.reason.unwrap_or_default(),
        version: model.version.unwrap_or_default(),
        versions: model.versions,
        canary: share(model.canary),
        shadow: share(model.shadow),
        platform: model.platform.unwrap_or_default(),
        task: model.task.unwrap_or_default(),
        model: model.model.unwrap_or_default(),
        classes: model.classes.unwrap_or_default() as u64,
        preprocess_json: preprocess.unwrap_or_default(),
    }
}

fn tensor(given: proto::Tensor) -> Result<(String, HostTensor), ServiceError> {
    let proto::Tensor { name, datatype, shape, contents } = given;
    let in_input = |error: String| ServiceError::invalid(format!("input {name:?}: {error}"));
    let datatype: DataType = datatype.parse().map_err(in_input)?;
    let sides: Option<Vec<usize>> = shape.iter().map(|&side| usize::try_from(side).ok()).collect();
    let sides = sides.ok_or_else(|| in_input(format!("expected a shape of numbers from 0, got {shape:?}")))?;
    let tensor = HostTensor::new(datatype, sides, contents).map_err(|error| in_input(error.to_string()))?;
    Ok((name, tensor))
}

fn listed(name: String, tensor: &HostTensor) -> proto::Tensor {
    proto::Tensor {
        name,
        datatype: tensor.datatype().name().to_owned(),
        shape: tensor.shape().iter().map(|&side| i64::try_from(side).unwrap_or(i64::MAX)).collect(),
        contents: tensor.bytes().clone(),
    }
}

fn seen(seen: Predictions) -> proto::InferModelResponse {
    let predictions = seen.predictions.into_iter().map(|classes| {
        let classes = classes.into_iter().map(|class| proto::NamedClass {
            label: class.label,
            index: class.index as u64,
            probability: class.probability,
        });
        proto::Prediction { classes: classes.collect() }
    });
    proto::InferModelResponse {
        predictions: predictions.collect(),
        model: seen.model,
        version: seen.version,
        outputs: Vec::new(),
    }
}

#[tonic::async_trait]
impl ModelService for Models {
    async fn create_model(
        &self,
        request: Request<proto::CreateModelRequest>,
    ) -> Result<Response<proto::Model>, Status> {
        let caller = caller_of(&request);
        let asked = request.into_inner();
        let some = |count: u32| (count > 0).then_some(count as usize);
        let engine = match asked.engine.as_str() {
            "" => EngineKind::default(),
            name => name.parse().map_err(|error: String| ServiceError::invalid(format!("engine: {error}")))?,
        };
        let new = NewModel {
            replicas: some(asked.replicas),
            engine,
            engine_threads: some(asked.engine_threads),
            max_batch_size: some(asked.max_batch_size),
            ..NewModel::new(asked.name, asked.source)
        };
        Ok(Response::new(told(self.0.create(&caller, new).await?)))
    }

    async fn get_model(&self, request: Request<proto::GetModelRequest>) -> Result<Response<proto::Model>, Status> {
        let caller = caller_of(&request);
        let name = request.into_inner().name;
        caller.check_model(&name)?;
        Ok(Response::new(told(ModelDescription::of(self.0.service().repository(), &name)?)))
    }

    async fn list_models(
        &self,
        request: Request<proto::ListModelsRequest>,
    ) -> Result<Response<proto::ListModelsResponse>, Status> {
        let models = self.0.described(&caller_of(&request))?.into_iter().map(told).collect();
        Ok(Response::new(proto::ListModelsResponse { models }))
    }

    async fn delete_model(
        &self,
        request: Request<proto::DeleteModelRequest>,
    ) -> Result<Response<proto::DeleteModelResponse>, Status> {
        let caller = caller_of(&request);
        let name = request.into_inner().name;
        caller.check_model(&name)?;
        self.0.service().blocking(move |repository| repository.remove(&name)).await?;
        Ok(Response::new(proto::DeleteModelResponse {}))
    }

    async fn infer_model(
        &self,
        request: Request<proto::InferModelRequest>,
    ) -> Result<Response<proto::InferModelResponse>, Status> {
        let (caller, timeout) = (caller_of(&request), timeout_of(&request));
        let asked = request.into_inner();
        caller.check_model(&asked.model)?;
        let version = (!asked.version.is_empty()).then_some(asked.version);
        let priority = priority_of(asked.priority);
        let response = match (asked.pictures.is_empty(), asked.inputs.is_empty()) {
            (false, true) => {
                let top = if asked.top == 0 { TOP } else { asked.top as usize };
                let question = Question { model: asked.model, version, top, priority, timeout };
                seen(self.0.look(&question, asked.pictures).await?)
            }
            (true, false) => {
                let inputs = asked.inputs.into_iter().map(tensor).collect::<Result<_, _>>()?;
                let (model, outputs) = (asked.model, asked.outputs);
                let call = InferCall { model, version, inputs, outputs, priority, timeout };
                let answer = self.0.service().infer(call).await?;
                proto::InferModelResponse {
                    model: answer.model.name.clone(),
                    version: answer.model.version.clone(),
                    predictions: Vec::new(),
                    outputs: answer.outputs.into_iter().map(|(name, tensor)| listed(name, &tensor)).collect(),
                }
            }
            _ => return Err(ServiceError::invalid("expected either pictures or inputs").into()),
        };
        Ok(Response::new(response))
    }

    async fn train_model(
        &self,
        _: Request<proto::TrainModelRequest>,
    ) -> Result<Response<proto::TrainModelResponse>, Status> {
        Err(ServiceError::unsupported("this server does not train; train with `mvl train`, then serve what came of it")
            .into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tonic::Code;

    use super::*;
    use crate::models::{IdentityModels, Repository};
    use crate::{AllowedSources, Service, ServiceOptions};

    #[tokio::test]
    async fn models_come_and_go_and_answer() {
        let repository = Arc::new(Repository::new(Arc::new(IdentityModels), None));
        let service = Service::new(repository).with_sources(AllowedSources::new(["identity:".to_owned()]));
        let models = Models(Pictures::new(service, &ServiceOptions::default()));
        let create = |name: &str, source: &str| {
            let (name, source) = (name.to_owned(), source.to_owned());
            let request =
                proto::CreateModelRequest { name, source, replicas: 2, max_batch_size: 4, ..Default::default() };
            models.create_model(Request::new(request))
        };
        let made = create("echo", "identity:FP32").await.expect("made").into_inner();
        assert_eq!((made.state.as_str(), made.version.as_str(), made.platform.as_str()), ("ready", "1", "identity"));
        for (name, source, code) in [
            ("echo", "identity:FP32", Code::InvalidArgument),
            ("../x", "identity:FP32", Code::InvalidArgument),
            ("new", "/etc/passwd", Code::PermissionDenied),
        ] {
            assert_eq!(create(name, source).await.expect_err(source).code(), code, "{name} {source}");
        }
        let listed = models.list_models(Request::new(proto::ListModelsRequest {})).await.expect("told").into_inner();
        assert_eq!(listed.models, [made]);
        let tensor = |datatype: &str, contents: &'static [u8]| proto::Tensor {
            name: "INPUT0".to_owned(),
            datatype: datatype.to_owned(),
            shape: vec![1, 1],
            contents: Bytes::from_static(contents),
        };
        let ask = |inputs, pictures| {
            let model = "echo".to_owned();
            models.infer_model(Request::new(proto::InferModelRequest { model, inputs, pictures, ..Default::default() }))
        };
        let number: &[u8] = &[0, 0, 128, 63];
        let answer = ask(vec![tensor("FP32", number)], vec![]).await.expect("answered").into_inner();
        assert_eq!((answer.outputs[0].name.as_str(), &answer.outputs[0].contents[..]), ("OUTPUT0", number));
        for (inputs, pictures) in [
            (vec![], vec![]),
            (vec![tensor("FP32", number)], vec![Bytes::new()]),
            (vec![tensor("FP99", number)], vec![]),
            (vec![tensor("FP32", &[1])], vec![]),
            (vec![proto::Tensor { shape: vec![-1, 1], ..tensor("FP32", number) }], vec![]),
            (vec![], vec![Bytes::from_static(b"a picture")]),
        ] {
            let error = ask(inputs, pictures).await.expect_err("wrong");
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        }
        let train = models.train_model(Request::new(proto::TrainModelRequest { name: "echo".to_owned() })).await;
        assert_eq!(train.expect_err("reserved").code(), Code::Unimplemented);
        let name = || "echo".to_owned();
        models.delete_model(Request::new(proto::DeleteModelRequest { name: name() })).await.expect("forgotten");
        let gone = models.get_model(Request::new(proto::GetModelRequest { name: name() })).await;
        assert_eq!(gone.expect_err("gone").code(), Code::NotFound);
    }
}
