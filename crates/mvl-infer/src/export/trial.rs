//! What an exported model is tried with elsewhere: weights that hide nothing, pictures, and our own answers to them.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor};
use mvl_core::{device_of, is_learnt, write_atomically};

/// Learnt tables of positions, classes and the like are small.
const TABLE_DEVIATION: f64 = 0.1;
/// Scales of normalisations over batches, and of others.
const BATCH_NORM_SCALES: (f64, f64) = (0.3, 0.8);
const NORM_SCALES: (f64, f64) = (0.5, 1.5);
/// In nets with more normalisations over batches than this the scales are smaller in proportion: residual branches of full strength, a
/// hundred and more of them with random weights, let every rounding grow until nothing else is left.
const DEEP: f64 = 60.0;
/// Passes that statistics of normalisations are gathered in, and the pictures in each.
const FITTING_PASSES: usize = 8;
const FITTING_PICTURES: usize = 2;
/// A mean that no channel has.
const FAR_OFF: f32 = 1e6;
/// Share of a channel's mean that is taken out: with all of it, what is left of the nearly constant maps of a random net is rounding.
const MEAN_SHARE: f32 = 0.5;
/// Contrast of pictures, and how far their brightness is from the middle: pictures that are all noise of one kind look alike to a net.
const CONTRAST: (f64, f64) = (0.2, 2.0);
const BRIGHTNESS: f64 = 1.0;
/// The least that a channel's mean square counts, of that of all channels: silent ones would be made loud, and noise with them.
const LEAST_SHARE: f32 = 0.1;
/// The type of module that weighs channels by what is in all of a map, and the share of an ordinary weight that its weights have: at full
/// strength one such module after the other would double every rounding.
const GATE: &str = "SqueezeExcite";
const GATE_SHARE: f64 = 0.1;
/// Scales of residual branches.
const BRANCH_SCALES: (f64, f64) = (0.1, 0.4);
/// Logarithm of the sharpness of attention by angles.
const LOG_SHARPNESS: f64 = 2.08;

/// Draws every weight of a model anew, so that each part changes the answer: fresh models have scales of 0 and normalisations that
/// do nothing, behind which mistakes hide. Statistics of normalisations are fitted to random pictures of `[channels, height, width]`, so
/// that the maps inside keep an ordinary size.
///
/// # Panics
/// When the model does not take such pictures.
#[must_use]
pub fn with_trial_weights<M: Module, const D: usize>(
    model: M,
    seed: u64,
    [channels, height, width]: [usize; 3],
    forward: impl Fn(&M, Tensor<4>) -> Tensor<D>,
) -> M {
    let device = device_of(&model).unwrap_or_default();
    device.seed(seed);
    let mut statistics = Statistics::default();
    model.visit(&mut statistics);
    let norms: HashSet<Vec<String>> = statistics.means.into_keys().collect();
    let strength = (DEEP / norms.len().max(1) as f64).min(1.0);
    let is_bare = norms.is_empty();
    let model = model.map(&mut Draw { path: Vec::new(), inside: Vec::new(), norms, strength });
    if is_bare {
        return model;
    }
    let learn = |model: M| {
        let (learning, place) = (model.train(), device.clone().autodiff());
        for _ in 0..FITTING_PASSES {
            let _ = forward(&learning, pictures([FITTING_PICTURES, channels, height, width], &place));
        }
        learning.valid()
    };
    // How much of a statistic is new after so many passes is another matter in each net: a mean that begins far off tells.
    let model = learn(model.map(&mut Statistics::setting(FAR_OFF, 0.0)));
    let mut gathered = Statistics::default();
    model.visit(&mut gathered);
    let model = learn(model.map(&mut Statistics::setting(0.0, 0.0)));
    let mut statistics = Statistics::default();
    model.visit(&mut statistics);
    statistics.unbias(&gathered);
    model.map(&mut statistics)
}

/// Random pictures of `[channels, height, width]` and a model's answers to them as NumPy files in a folder: `N.images.npy` and
/// `N.answer.npy` for each number of pictures N. `scripts/check_onnx.py` compares an exported model with them.
///
/// # Errors
/// What the system says.
///
/// # Panics
/// When the model does not take such pictures.
pub fn write_trial<const D: usize>(
    folder: &Path,
    batches: &[usize],
    [channels, height, width]: [usize; 3],
    device: &Device,
    forward: impl Fn(Tensor<4>) -> Tensor<D>,
) -> io::Result<()> {
    for &batch in batches {
        let images = pictures([batch, channels, height, width], device);
        write_npy(&folder.join(format!("{batch}.images.npy")), images.clone())?;
        write_npy(&folder.join(format!("{batch}.answer.npy")), forward(images))?;
    }
    Ok(())
}

/// Noise, each picture's of another contrast and each channel's of another brightness. `[N, C, H, W]`
fn pictures(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let [count, channels, ..] = shape;
    let noise = Tensor::random(shape, Distribution::Normal(0.0, 1.0), device);
    let contrast = Tensor::random([count, 1, 1, 1], Distribution::Uniform(CONTRAST.0, CONTRAST.1), device);
    let brightness = Tensor::random([count, channels, 1, 1], Distribution::Normal(0.0, BRIGHTNESS), device);
    noise * contrast + brightness
}

/// NumPy's format, version 1: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
fn write_npy<const D: usize>(path: &Path, tensor: Tensor<D>) -> io::Result<()> {
    const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
    const ALIGNMENT: usize = 64;
    let shape: String = tensor.dims().iter().map(|side| format!("{side},")).collect();
    let values = tensor.into_data().try_to_vec::<f32>().map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let length = MAGIC.len() + 2 + header.len() + 1;
    header.push_str(&" ".repeat(length.next_multiple_of(ALIGNMENT) - length));
    header.push('\n');
    write_atomically(path, |out: &mut dyn Write| {
        out.write_all(MAGIC)?;
        out.write_all(&(header.len() as u16).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
    })
}

/// Draws weights by the names of their fields.
struct Draw {
    path: Vec<String>,
    /// The types of the modules on the path.
    inside: Vec<String>,
    /// Normalisations over batches.
    norms: HashSet<Vec<String>>,
    /// Of their scales, 0 to 1.
    strength: f64,
}

impl Draw {
    fn distribution<const D: usize>(&self, shape: [usize; D]) -> Option<Distribution> {
        let name = self.path.last().map_or("", String::as_str);
        let values: usize = shape.iter().product();
        Some(match name {
            _ if !is_learnt(name) => return None,
            "gamma" if self.inside.iter().any(|container| container == "LayerScale") => {
                Distribution::Uniform(BRANCH_SCALES.0, BRANCH_SCALES.1)
            }
            "layer_scale" => Distribution::Uniform(BRANCH_SCALES.0, BRANCH_SCALES.1),
            "gamma" if self.norms.contains(&self.path[..self.path.len() - 1]) => {
                Distribution::Uniform(self.strength * BATCH_NORM_SCALES.0, self.strength * BATCH_NORM_SCALES.1)
            }
            "gamma" => Distribution::Uniform(NORM_SCALES.0, NORM_SCALES.1),
            "logit_scale" => Distribution::Uniform(LOG_SHARPNESS, LOG_SHARPNESS + 0.1),
            _ if D == 1 || D == 3 || name.contains("table") => Distribution::Normal(0.0, TABLE_DEVIATION),
            _ => {
                let inputs = if D == 2 { shape[0] } else { values / shape[0].max(1) };
                let is_gate = self.inside.iter().any(|container| container.contains(GATE));
                let share = if is_gate { GATE_SHARE } else { 1.0 };
                Distribution::Normal(0.0, share * (2.0 / inputs.max(1) as f64).sqrt())
            }
        })
    }
}

impl ModuleMapper for Draw {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push(name.to_owned());
        self.inside.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
        self.inside.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.distribution(param.val().dims()) {
            Some(distribution) => param.map(|value| value.random_like(distribution)),
            None => param,
        }
    }
}

/// Statistics of normalisations by the paths of these: gathered as a visitor, made safe for a random net as a mapper.
#[derive(Default)]
struct Statistics {
    path: Vec<String>,
    means: HashMap<Vec<String>, Vec<f32>>,
    variances: HashMap<Vec<String>, Vec<f32>>,
    /// A mean and a variance for all channels, instead of their own.
    set: Option<(f32, f32)>,
}

impl Statistics {
    fn setting(mean: f32, variance: f32) -> Self {
        Self { set: Some((mean, variance)), ..Self::default() }
    }

    /// Means and variances of the pictures alone, from statistics that began at 0 and those that began with means far off.
    fn unbias(&mut self, far_off: &Self) {
        for (norm, means) in &mut self.means {
            let (Some(old), Some(variances)) = (far_off.means.get(norm), far_off.variances.get(norm)) else { continue };
            let new = 1.0 - old.iter().sum::<f32>() / (FAR_OFF * old.len() as f32);
            let alone = |value: &f32| value / new.max(f32::EPSILON);
            *means = means.iter().map(alone).collect();
            self.variances.insert(norm.clone(), variances.iter().map(alone).collect());
        }
    }

    /// What is taken out of each channel of the normalisation that the path leads into, and the mean square of what is left.
    fn safe(&self) -> Option<(Vec<f32>, Vec<f32>)> {
        let norm = &self.path[..self.path.len() - 1];
        let (means, variances) = (self.means.get(norm)?, self.variances.get(norm)?);
        let taken: Vec<f32> = means.iter().map(|mean| MEAN_SHARE * mean).collect();
        let left = means.iter().zip(&taken).zip(variances);
        let squares: Vec<f32> = left.map(|((mean, taken), variance)| (mean - taken).powi(2) + variance).collect();
        let least = LEAST_SHARE * squares.iter().sum::<f32>() / squares.len() as f32;
        Some((taken, squares.into_iter().map(|square| square.max(least)).collect()))
    }
}

impl ModuleVisitor for Statistics {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some((name, norm)) = self.path.split_last() else { return };
        let kept = match name.as_str() {
            "running_mean" => &mut self.means,
            "running_var" => &mut self.variances,
            _ => return,
        };
        if let Ok(values) = param.val().into_data().try_to_vec::<f32>() {
            kept.insert(norm.to_vec(), values);
        }
    }
}

impl ModuleMapper for Statistics {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.last().map_or("", String::as_str);
        if !name.starts_with("running_") {
            return param;
        }
        if let Some((mean, variance)) = self.set {
            let value = if name == "running_mean" { mean } else { variance };
            return param.map(|old| old.full_like(value));
        }
        let Some((taken, squares)) = self.safe() else { return param };
        let values = if name == "running_mean" { taken } else { squares };
        param.map(|value| Tensor::<1>::from_floats(values.as_slice(), &value.device()).reshape(value.dims()))
    }
}
