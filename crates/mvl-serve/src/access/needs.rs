//! [`needs`]: which scope each route and each method needs, and which model it is about.

use std::borrow::Cow;

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::Scope;

/// What a request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The scope; without it the request is open to all.
    pub scope: Option<Scope>,
    /// The model in its path. A model in a body or a message is looked at where that is read.
    pub model: Option<String>,
}

/// Open to all, for those who watch over servers.
const OPEN: [&str; 5] = [
    "/v2/health/live",
    "/v2/health/ready",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
    "/grpc.health.v1.Health/Check",
];

/// Methods of gRPC by their last names, whatever the service.
const METHODS: [(&str, Scope); 18] = [
    ("ModelInfer", Scope::Infer),
    ("ModelStreamInfer", Scope::Infer),
    ("InferModel", Scope::Infer),
    ("SystemSharedMemoryRegister", Scope::Infer),
    ("SystemSharedMemoryUnregister", Scope::Infer),
    ("SystemSharedMemoryStatus", Scope::Read),
    ("ServerMetadata", Scope::Read),
    ("ModelReady", Scope::Read),
    ("ModelMetadata", Scope::Read),
    ("ModelConfig", Scope::Read),
    ("ModelStatistics", Scope::Read),
    ("RepositoryIndex", Scope::Read),
    ("ListModels", Scope::Read),
    ("GetModel", Scope::Read),
    ("RepositoryModelLoad", Scope::Manage),
    ("RepositoryModelUnload", Scope::Manage),
    ("CreateModel", Scope::Manage),
    ("TrainModel", Scope::Manage),
];

/// What a request needs, by its method and path. What is not known needs `read` to be looked at and `manage` for anything else.
pub fn needs(method: &Method, path: &str) -> Needs {
    let all = |scope| Needs { scope: Some(scope), model: None };
    if OPEN.contains(&path) {
        return Needs { scope: None, model: None };
    }
    // Handlers see what is left once the parts are decoded, so that is what counts here.
    let undecoded = path.split('/').skip(1);
    let decoded: Vec<Cow<'_, str>>;
    let mut parts = Vec::with_capacity(8);
    if path.contains('%') {
        decoded = undecoded.map(|part| percent_decode_str(part).decode_utf8_lossy()).collect();
        parts.extend(decoded.iter().map(AsRef::as_ref));
    } else {
        parts.extend(undecoded);
    }
    let otherwise = if method == Method::GET || method == Method::HEAD { Scope::Read } else { Scope::Manage };
    let of = |scope, model: &str| Needs { scope: Some(scope), model: Some(model.to_owned()) };
    match parts.as_slice() {
        ["v2", "models", "stats"] => all(Scope::Read),
        ["v2", "models", model, rest @ ..] => match rest {
            ["versions", _, rest @ ..] | rest => {
                let infers = rest == ["infer"];
                of(if infers { Scope::Infer } else { otherwise }, model)
            }
        },
        ["v2", "repository", "index"] => all(Scope::Read),
        ["v2", "repository", "models", model, ..] => of(Scope::Manage, model),
        ["v2", "systemsharedmemory", .., "register" | "unregister"] => all(Scope::Infer),
        ["v1", "models"] => all(otherwise),
        ["v1", "models", model, rest @ ..] => {
            // The verb stands behind the last part of the path.
            let last = rest.last().unwrap_or(model);
            let (name, verb) = last.rsplit_once(':').unwrap_or((last, ""));
            let model = if rest.is_empty() { name } else { model };
            // A WebSocket is known by its path: a header that anybody may send must not make less of what is needed.
            let streams = *method == Method::GET && rest == ["stream"];
            of(if verb == "predict" || streams { Scope::Infer } else { otherwise }, model)
        }
        [service, name] if service.contains('.') => {
            let known = METHODS.iter().find(|(known, _)| known == name);
            all(known.map_or(Scope::Manage, |(_, scope)| *scope))
        }
        _ => all(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_needs_something() {
        use Scope::{Infer, Manage, Read};
        for (asked, scope, model) in [
            ("GET /v2/health/live", None, None),
            ("GET /v2/health/ready", None, None),
            ("GET /v2", Some(Read), None),
            ("GET /v2/", Some(Read), None),
            ("GET /v2/models/m", Some(Read), Some("m")),
            ("GET /v2/models/m/ready", Some(Read), Some("m")),
            ("GET /v2/models/m/versions/2/config", Some(Read), Some("m")),
            ("GET /v2/models/m/stats", Some(Read), Some("m")),
            ("GET /v2/models/stats", Some(Read), None),
            ("POST /v2/models/m/infer", Some(Infer), Some("m")),
            ("POST /v2/models/m/versions/2/infer", Some(Infer), Some("m")),
            ("POST /v2/models/%6d/%69nfer", Some(Infer), Some("m")),
            ("POST /v2/models/m/trace/setting", Some(Manage), Some("m")),
            ("POST /v2/repository/index", Some(Read), None),
            ("POST /v2/repository/models/m/load", Some(Manage), Some("m")),
            ("POST /v2/repository/models/m/unload", Some(Manage), Some("m")),
            ("GET /v2/systemsharedmemory/region/r/status", Some(Read), None),
            ("POST /v2/systemsharedmemory/region/r/register", Some(Infer), None),
            ("GET /v1/models", Some(Read), None),
            ("POST /v1/models", Some(Manage), None),
            ("GET /v1/models/m", Some(Read), Some("m")),
            ("DELETE /v1/models/m", Some(Manage), Some("m")),
            ("POST /v1/models/m:predict", Some(Infer), Some("m")),
            ("POST /v1/models/m%3Apredict", Some(Infer), Some("m")),
            ("POST /v1/models/m%3Aload", Some(Manage), Some("m")),
            ("POST /v1/models/m:predict:load", Some(Manage), Some("m:predict")),
            ("POST /v1/models/m/versions/2:predict", Some(Infer), Some("m")),
            ("POST /v1/models/m:rollback", Some(Manage), Some("m")),
            ("GET /v1/models/m/stream", Some(Infer), Some("m")),
            ("DELETE /v1/models/m/stream", Some(Manage), Some("m")),
            ("GET /v1/models/stream", Some(Read), Some("stream")),
            ("GET /metrics", Some(Read), None),
            ("GET /metrics/triton", Some(Read), None),
            ("POST /elsewhere", Some(Manage), None),
            ("POST /inference.GRPCInferenceService/ServerLive", None, None),
            ("POST /inference.GRPCInferenceService/ModelInfer", Some(Infer), None),
            ("POST /inference.GRPCInferenceService/ModelMetadata", Some(Read), None),
            ("POST /inference.GRPCInferenceService/RepositoryModelUnload", Some(Manage), None),
            ("POST /mvl.v1.ModelService/CreateModel", Some(Manage), None),
            ("POST /mvl.v1.ModelService/Unheard", Some(Manage), None),
        ] {
            let (method, path) = asked.split_once(' ').expect("two words");
            let needed = needs(&method.parse().expect("a method"), path);
            assert_eq!(needed, Needs { scope, model: model.map(ToOwned::to_owned) }, "{asked}");
        }
    }
}
