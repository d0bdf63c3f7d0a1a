//! [`OnnxRuntimeEngine`]: a graph computed by ONNX Runtime, on the CPU. The library is found at run time.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::ErrorCode;
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Outlet, PrimitiveTensorElementType, Tensor, TensorElementType};

use super::onnx_graph::{GraphSource, signature};
use super::{Engine, EngineError, EngineKind, EngineOptions};
use crate::tensor::Number;
use crate::{DataType, HostTensor, InferError, Signature, TensorSpec};

/// The variable that names the library.
const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";
/// How the library's file is called on this system.
const LIBRARY: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_vendor = "apple") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};
/// How its name begins, where a version may stand in it or behind it.
const LIBRARY_STEM: &str = if cfg!(windows) { "onnxruntime." } else { "libonnxruntime." };
/// Where a Python package keeps it.
const PACKAGE_FOLDERS: [&str; 3] = ["", "capi", "onnxruntime/capi"];
const HINT: &str = "ONNX Runtime 1.22 or later is needed: `pip install onnxruntime` has it, in the package's folder capi (Debian: \
                    libonnxruntime-dev; or https://github.com/microsoft/onnxruntime/releases); name the file or its folder by \
                    ORT_DYLIB_PATH or the option library";

/// A graph in ONNX's format, computed by ONNX Runtime. Each replica has a session of its own, with threads and weights of its own.
pub struct OnnxRuntimeEngine {
    session: Mutex<Session>,
    signature: Signature,
}

impl fmt::Debug for OnnxRuntimeEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxRuntimeEngine").field("signature", &self.signature).finish_non_exhaustive()
    }
}

impl OnnxRuntimeEngine {
    pub(super) fn open(
        source: &GraphSource,
        options: &EngineOptions,
        replicas: usize,
    ) -> Result<Vec<Arc<dyn Engine>>, InferError> {
        let environment = environment(options.library.as_deref())?;
        let one = || Ok(Arc::new(Self::new(source, options, &environment)?) as Arc<dyn Engine>);
        (0..replicas).map(|_| one()).collect()
    }

    fn new(source: &GraphSource, options: &EngineOptions, environment: &Environment) -> Result<Self, InferError> {
        let session = session(source, options, environment).map_err(|error| wrong(error.to_string()))?;
        let inputs = session.inputs().iter().map(spec).collect::<Result<_, _>>()?;
        let outputs = session.outputs().iter().map(spec).collect::<Result<_, _>>()?;
        Ok(Self { signature: signature(inputs, outputs), session: Mutex::new(session) })
    }
}

impl Engine for OnnxRuntimeEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        "onnxruntime"
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        let values = inputs.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run::<0>(&values[..]).map_err(engine_error)?;
        outputs.values().map(|output| tensor(&output)).collect()
    }
}

/// Whose fault it is. What a node cannot compute, memory aside, no replica can: the inputs have sides, or values, that do not go together.
fn engine_error(error: ort::Error) -> EngineError {
    let message = error.to_string();
    let in_a_node = message.contains("while running") && !message.contains("alloc");
    match error.code() {
        ErrorCode::InvalidArgument => EngineError::Input(format!("the model cannot compute these inputs: {message}")),
        ErrorCode::GenericFailure | ErrorCode::RuntimeException if in_a_node => {
            EngineError::Input(format!("the model cannot compute these inputs: {message}"))
        }
        _ => EngineError::Failed(message),
    }
}

fn wrong(what: String) -> InferError {
    InferError::Engine { kind: EngineKind::Ort, what }
}

fn session(source: &GraphSource, options: &EngineOptions, environment: &Environment) -> ort::Result<Session> {
    // Threads that wait by spinning would take the cores from those that decode pictures.
    let mut builder = Session::builder(environment)?.with_intra_op_spinning(false)?;
    if let Some(threads) = options.threads {
        builder = builder.with_intra_threads(threads)?;
    }
    match source {
        GraphSource::Bytes(bytes) => builder.commit_from_memory(bytes),
        GraphSource::File(path) => builder.commit_from_file(path),
    }
}

/// The runtime, loaded once; it stays.
fn environment(library: Option<&Path>) -> Result<Environment, InferError> {
    static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);
    let path = library_path(library)?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((from, environment)) = &*loaded {
        if library.is_some() && *from != path {
            let (from, path) = (from.display(), path.display());
            return Err(wrong(format!(
                "a process has one library: expected that of the first model, {from}; got {path}"
            )));
        }
        return Ok(environment.clone());
    }
    let builder = ort::init_from(&path).map_err(|error| wrong(format!("{error}; {HINT}")))?;
    let environment =
        builder.with_name("mvl").with_telemetry(false).build().map_err(|error| wrong(error.to_string()))?;
    *loaded = Some((path, environment.clone()));
    Ok(environment)
}

/// The library's file: what is said here, in the environment, or else its bare name, which the system looks up.
fn library_path(library: Option<&Path>) -> Result<PathBuf, InferError> {
    let variable = || std::env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let Some(path) = library.map(Path::to_owned).or_else(variable) else { return Ok(LIBRARY.into()) };
    if !path.is_dir() {
        // A path that is relative to here, where a library's would be relative to the program.
        return Ok(std::path::absolute(&path).unwrap_or(path));
    }
    let found = PACKAGE_FOLDERS.iter().find_map(|folder| library_in(&path.join(folder)));
    found.ok_or_else(|| wrong(format!("expected a folder that holds {LIBRARY}, got {}; {HINT}", path.display())))
}

fn library_in(folder: &Path) -> Option<PathBuf> {
    let names = folder.read_dir().ok()?.flatten();
    let names = names.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(LIBRARY_STEM)));
    let found = names.map(|entry| entry.path()).max()?;
    std::path::absolute(&found).ok()
}

fn spec(outlet: &Outlet) -> Result<TensorSpec, InferError> {
    let (name, dtype) = (outlet.name(), outlet.dtype());
    let tensor = dtype.tensor_type().zip(dtype.tensor_shape());
    let known = tensor.and_then(|(element, shape)| Some((data_type(element)?, shape)));
    let (datatype, shape) = known.ok_or_else(|| {
        wrong(format!(
            "{name:?}: expected a tensor of numbers of 8 to 64 bits, f16 and complex ones aside, got {dtype}"
        ))
    })?;
    let sides: Vec<i64> = shape.iter().map(|&side| side.max(-1)).collect();
    Ok(TensorSpec::new(name, datatype, &sides))
}

fn data_type(element: TensorElementType) -> Option<DataType> {
    Some(match element {
        TensorElementType::Uint8 => DataType::Uint8,
        TensorElementType::Uint16 => DataType::Uint16,
        TensorElementType::Uint32 => DataType::Uint32,
        TensorElementType::Uint64 => DataType::Uint64,
        TensorElementType::Int8 => DataType::Int8,
        TensorElementType::Int16 => DataType::Int16,
        TensorElementType::Int32 => DataType::Int32,
        TensorElementType::Int64 => DataType::Int64,
        TensorElementType::Float32 => DataType::Fp32,
        TensorElementType::Float64 => DataType::Fp64,
        _ => return None,
    })
}

/// Runs `$body` with `$number` standing for the numbers of a [`DataType`].
macro_rules! with_number {
    ($datatype:expr, $number:ident => $body:expr, else $other:expr) => {{
        macro_rules! arm {
            ($type:ty) => {{
                type $number = $type;
                $body
            }};
        }
        match $datatype {
            DataType::Uint8 => arm!(u8),
            DataType::Uint16 => arm!(u16),
            DataType::Uint32 => arm!(u32),
            DataType::Uint64 => arm!(u64),
            DataType::Int8 => arm!(i8),
            DataType::Int16 => arm!(i16),
            DataType::Int32 => arm!(i32),
            DataType::Int64 => arm!(i64),
            DataType::Fp32 => arm!(f32),
            DataType::Fp64 => arm!(f64),
            _ => $other,
        }
    }};
}

fn value(tensor: &HostTensor) -> Result<SessionInputValue<'static>, EngineError> {
    fn of<T: Number + PrimitiveTensorElementType + fmt::Debug + 'static>(
        tensor: &HostTensor,
    ) -> Result<SessionInputValue<'static>, EngineError> {
        let values = tensor.to_numbers::<T>()?;
        let value = Tensor::from_array((tensor.shape().to_vec(), values));
        Ok(value.map_err(|error| EngineError::Input(error.to_string()))?.into())
    }
    let datatype = tensor.datatype();
    with_number!(datatype, Element => of::<Element>(tensor), else Err(foreign(datatype)))
}

fn tensor(value: &DynValue) -> Result<HostTensor, EngineError> {
    fn of<T: Number + PrimitiveTensorElementType>(value: &DynValue) -> Result<HostTensor, EngineError> {
        let extracted = value.try_extract_tensor::<T>();
        let (shape, values) = extracted.map_err(|error| EngineError::Failed(error.to_string()))?;
        let side = |&side: &i64| usize::try_from(side).map_err(|_| EngineError::Failed(format!("a side of {side}")));
        Ok(HostTensor::from_numbers(shape.iter().map(side).collect::<Result<_, _>>()?, values))
    }
    let datatype = value.dtype().tensor_type().and_then(data_type);
    let Some(datatype) = datatype else { return Err(EngineError::Failed("the answer is no tensor".to_owned())) };
    with_number!(datatype, Element => of::<Element>(value), else Err(foreign(datatype)))
}

fn foreign(datatype: DataType) -> EngineError {
    EngineError::Failed(format!("elements of {datatype} are not passed to ONNX Runtime"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_in_a_package() {
        let folder = tempfile::tempdir().expect("a folder");
        let capi = folder.path().join("onnxruntime/capi");
        std::fs::create_dir_all(&capi).expect("a folder");
        let error = library_path(Some(folder.path())).expect_err("an empty folder").to_string();
        assert!(error.contains("pip install onnxruntime"), "{error}");
        let file = capi.join(format!("{LIBRARY_STEM}so.1.22.0"));
        std::fs::write(&file, "").expect("a file");
        std::fs::write(capi.join("libonnxruntime_providers_shared.so"), "").expect("a file");
        for named in [folder.path(), &folder.path().join("onnxruntime"), &capi, &file] {
            assert_eq!(library_path(Some(named)).expect("there"), file);
        }
    }
}
