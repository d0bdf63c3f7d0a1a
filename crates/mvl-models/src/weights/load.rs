//! A weights file into a classifier: keys and shapes are compared first, everything that does not fit is listed at once.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use burn::store::{ModuleAdapter, ModuleContext, PyTorchToBurnAdapter, bridge};
use burn::tensor::DType;
use mvl_core::{Classifier, ModelConfig, ModelError, ModelFactory, Registry, device_of};

use super::checkpoint_file::{self, Tensors};
use super::class_rows::pick_classes;
use super::fit::{FileTensor, Misfit, MisshapenTensor, TensorShape, described, fill};
use super::input_channels::{self, AdaptedInput};
use super::key_names::{KeyNames, KeyPatterns};
use super::parameters::{LINEAR, ParameterKind, ParameterSlot, parameter_slots};

/// What to do about what does not fit. The default is [`Self::strict`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadPolicy {
    fresh_head: bool,
    partial: bool,
    classes: Option<Vec<usize>>,
}

impl LoadPolicy {
    /// Everything that the model has is in the file, and nothing else.
    #[must_use]
    pub fn strict() -> Self {
        Self::default()
    }

    /// A head that does not fit, because it has other classes or is of another kind, keeps its fresh weights as a whole.
    #[must_use]
    pub fn with_fresh_head(mut self) -> Self {
        self.fresh_head = true;
        self
    }

    /// What fits is taken, what is missing or has another shape keeps its fresh weights, and what the model does not know is left:
    /// the report tells it all. That nothing at all fits stays an error.
    #[must_use]
    pub fn with_partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Of the file's classes these alone, in this order, by their positions in the file: the classifier's rows are picked. The model
    /// has as many classes.
    #[must_use]
    pub fn with_classes(mut self, classes: impl IntoIterator<Item = usize>) -> Self {
        self.classes = Some(classes.into_iter().collect());
        self
    }
}

/// What came of loading weights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// How many tensors were taken from the file.
    pub loaded: usize,
    /// Parameters of the head that kept their fresh weights, by their keys.
    pub reinitialised: Vec<String>,
    /// The first convolution, if the file's has other input channels.
    pub adapted_input: Option<AdaptedInput>,
    /// How many classes the file has, if some of them were picked.
    pub picked_from: Option<usize>,
    /// How many tensors of the file are of no use here: batch counters, an optimiser's state, a head that was not taken.
    pub ignored: usize,
    /// What the file lacks, and kept its fresh weights ([`LoadPolicy::with_partial`]).
    pub missing: Vec<TensorShape>,
    /// What the model does not know, and was left (the same).
    pub unexpected: Vec<TensorShape>,
    /// What has another shape in the file, and kept its fresh weights (the same).
    pub misshapen: Vec<MisshapenTensor>,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors loaded", self.loaded)?;
        if let Some(AdaptedInput { key, from, to }) = &self.adapted_input {
            write!(f, ", {key} adapted from {from} to {to} input channels")?;
        }
        if let Some(from) = self.picked_from {
            write!(f, ", classes picked from {from}")?;
        }
        if !self.reinitialised.is_empty() {
            write!(f, ", freshly initialised: {}", self.reinitialised.join(", "))?;
        }
        let misfits = [
            described("missing", &self.missing),
            described("unexpected", &self.unexpected),
            described("misshapen", &self.misshapen),
        ];
        misfits.into_iter().flatten().try_for_each(|misfit| write!(f, "; {misfit}"))
    }
}

/// Reads a `.pth` (zip or legacy) or `.safetensors` file under the reference implementation's keys into a classifier that
/// `registry` made from `config`.
///
/// A state dict may be nested (`state_dict`, `model`) or carry DataParallel's `module.`; half and double precision are cast;
/// batch counters are ignored. Of the ways in which the model's files name parameters, the one is taken that knows most of the
/// file's keys ([`ModelFactory::other_key_maps`]). A first convolution of other input channels is adapted as timm does (see [`AdaptedInput`]).
///
/// # Errors
/// [`ModelError::File`] when the file cannot be read or is damaged, or lacks classes that were picked,
/// [`ModelError::WeightsMismatch`] that lists what is missing, unexpected and misshapen, unless the policy is to take what fits.
///
/// # Example
/// ```
/// use mvl_core::{Backend, Cpu, ModelConfig};
/// use mvl_models::weights::{LoadPolicy, load_weights, save_safetensors};
/// use mvl_models::zoo;
///
/// let (zoo, device) = (zoo(), Cpu::device(0)?);
/// let file = tempfile::tempdir()?.path().join("ten_classes.safetensors");
/// # std::fs::create_dir_all(file.parent().expect("a folder"))?;
/// let ten = ModelConfig::new("resnet8", 10);
/// save_safetensors(&zoo.create_classifier(&ten, &device)?, &ten, &zoo, &file)?;
///
/// let two = ModelConfig::new("resnet8", 2).with_in_channels(1);
/// let model = zoo.create_classifier(&two, &device)?;
/// let (_model, report) = load_weights(model, &two, &zoo, &file, LoadPolicy::strict().with_fresh_head())?;
/// assert_eq!(report.reinitialised, ["fc.weight", "fc.bias"]);
/// assert!(report.adapted_input.is_some());
/// # std::fs::remove_dir_all(file.parent().expect("a folder"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load_weights(
    model: Classifier,
    config: &ModelConfig,
    registry: &Registry,
    path: &Path,
    policy: LoadPolicy,
) -> Result<(Classifier, LoadReport), ModelError> {
    load(model, config, registry, path, policy, HashMap::new())
}

/// Like [`load_weights`], but parameters that need no change stay in the file, mapped into memory: all but linear layers' matrices,
/// which lie the other way round here, and what is of another precision than the device's. Nothing is read before it is used, and
/// processes that load the same file share its pages. A `.pth` is read, not mapped.
///
/// While the model lives, nobody may shorten the file, which ends the process (`SIGBUS`), or write into it, which changes the
/// weights. A file that is replaced whole, as everything here writes files, is safe.
///
/// # Errors
/// Like [`load_weights`].
pub fn load_weights_mapped(
    model: Classifier,
    config: &ModelConfig,
    registry: &Registry,
    path: &Path,
    policy: LoadPolicy,
) -> Result<(Classifier, LoadReport), ModelError> {
    load(model, config, registry, path, policy, checkpoint_file::map(path)?)
}

/// `mapped`: tensors by their names in the file that may be taken instead of those that are read.
fn load(
    model: Classifier,
    config: &ModelConfig,
    registry: &Registry,
    path: &Path,
    policy: LoadPolicy,
    mut mapped: Tensors,
) -> Result<(Classifier, LoadReport), ModelError> {
    let LoadPolicy { fresh_head, partial, classes } = policy;
    let factory = registry.model(&config.name)?;
    let slots = parameter_slots(&model);
    let (names, keys, (mut tensors, left_out)) = name_keys(factory, &slots, checkpoint_file::open(path)?)?;

    let unused = KeyPatterns::new(factory.unused_keys())?;
    let before = tensors.len();
    tensors.retain(|key, _| keys.contains(key) || !unused.matches(key));
    let mut report = LoadReport { ignored: left_out + before - tensors.len(), ..LoadReport::default() };
    if let Some(classes) = &classes {
        report.picked_from = pick_classes(&slots, &keys, &mut tensors, &mut mapped, classes, config, path)?;
    }
    if fresh_head && !head_fits(&slots, &keys, &tensors) {
        report.ignored += remove_head(&names, &slots, &keys, &mut tensors);
        let heads = slots.iter().zip(&keys).filter(|(slot, _)| is_head(slot));
        report.reinitialised = heads.map(|(_, key)| key.clone()).collect();
    }
    let skip_head = !report.reinitialised.is_empty();

    let float = device_of(&model).map_or(DType::F32, |device| device.settings().float_dtype.into());
    let input = input_channels::find(&slots, config);
    let mut misfit = Misfit::default();
    let mut taken = Vec::with_capacity(slots.len());
    for (index, (slot, key)) in slots.iter().zip(&keys).enumerate() {
        if skip_head && is_head(slot) {
            continue;
        }
        let expected = slot.torch_shape();
        let Some(mut tensor) = tensors.remove(key) else {
            misfit.add_missing(key, &expected);
            continue;
        };
        let found = tensor.shape.to_vec();
        if Some(index) == input && input_channels::differ_in_channels(&found, &expected) && slot.accepts(&tensor) {
            let (from, to) = (found[1], expected[1]);
            tensor = input_channels::adapt(cast(tensor, DType::F32), to);
            mapped.remove(&tensor.name);
            report.adapted_input = Some(AdaptedInput { key: key.clone(), from, to });
        }
        if tensor.shape.as_slice() != expected || !slot.accepts(&tensor) {
            misfit.add_misshapen(key, &expected, &tensor);
            continue;
        }
        if !slot.transposed && (slot.kind != ParameterKind::Float || tensor.dtype == float) {
            tensor = mapped.remove(&tensor.name).unwrap_or(tensor);
        }
        taken.push(to_slot(tensor, slot, float));
    }
    let mut unexpected: Vec<_> = tensors.iter().collect();
    unexpected.sort_by_key(|(key, _)| *key);
    unexpected.into_iter().for_each(|(key, tensor)| misfit.add_unexpected(key, tensor));
    if partial && !taken.is_empty() {
        (report.missing, report.unexpected, report.misshapen) = (misfit.missing, misfit.unexpected, misfit.misshapen);
    } else {
        misfit.into_result(&config.name, path)?;
    }

    report.loaded = taken.len();
    Ok((fill(model, taken, None, path)?, report))
}

/// A naming, the keys of the slots, and a file's tensors without wrappers, with how many were left out.
type Named = (KeyNames, Vec<String>, (Tensors, usize));

/// By the naming that knows most of the file's keys.
fn name_keys(factory: &dyn ModelFactory, slots: &[ParameterSlot], tensors: Tensors) -> Result<Named, ModelError> {
    let names = |map| -> Result<_, ModelError> {
        let names = KeyNames::new(map)?;
        let keys = names.keys(slots)?;
        Ok((names, keys))
    };
    let (mut best, mut best_keys) = names(factory.key_map())?;
    let mut most = checkpoint_file::known(&tensors, &best_keys);
    for &map in factory.other_key_maps() {
        let (names, keys) = names(map)?;
        let known = checkpoint_file::known(&tensors, &keys);
        if known > most {
            (best, best_keys, most) = (names, keys, known);
        }
    }
    let unwrapped = checkpoint_file::unwrap(tensors, &best_keys);
    Ok((best, best_keys, unwrapped))
}

/// PyTorch's tensor under the slot's path, in its type and layout.
fn to_slot(tensor: FileTensor, slot: &ParameterSlot, float: DType) -> FileTensor {
    let mut tensor = if slot.kind == ParameterKind::Float { cast(tensor, float) } else { tensor };
    tensor.name.clone_from(&slot.path);
    if slot.transposed { transpose(tensor) } else { tensor }
}

pub(super) fn cast(tensor: FileTensor, dtype: DType) -> FileTensor {
    if tensor.dtype == dtype {
        return tensor;
    }
    let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
    bridge::map_data(tensor, name, dtype, shape, move |data| data.convert_dtype(dtype))
}

/// A linear layer's matrix from PyTorch's layout to burn's, or back.
pub(super) fn transpose(tensor: FileTensor) -> FileTensor {
    PyTorchToBurnAdapter.adapt(tensor, ModuleContext::new(&[LINEAR.to_owned()]))
}

pub(super) fn is_head(slot: &ParameterSlot) -> bool {
    slot.path.starts_with("head.")
}

fn head_fits(slots: &[ParameterSlot], keys: &[String], tensors: &Tensors) -> bool {
    slots.iter().zip(keys).filter(|(slot, _)| is_head(slot)).all(|(slot, key)| {
        tensors.get(key).is_some_and(|tensor| tensor.shape.as_slice() == slot.torch_shape() && slot.accepts(tensor))
    })
}

/// Leaves the file's head out: tensors under the keys of the model's head, and under those of the usual linear one.
fn remove_head(names: &KeyNames, slots: &[ParameterSlot], keys: &[String], tensors: &mut Tensors) -> usize {
    let usual = ["head.linear.weight", "head.linear.bias"].map(|name| names.key(name));
    let own = slots.iter().zip(keys).filter(|(slot, _)| is_head(slot)).map(|(_, key)| key);
    own.chain(&usual).filter(|key| tensors.remove(*key).is_some()).count()
}
