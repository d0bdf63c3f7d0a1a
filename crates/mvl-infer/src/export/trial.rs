//! What an exported model is tried with elsewhere: weights that hide nothing, pictures, and our own answers to them.

use std::io::{self, Write};
use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Tensor};
use mvl_core::{device_of, write_atomically};

/// Learnt tables of positions, classes and the like are small.
const TABLE_DEVIATION: f64 = 0.1;
/// Scales of residual branches.
const BRANCH_SCALES: (f64, f64) = (0.1, 0.4);
/// Logarithm of the sharpness of attention by angles.
const LOG_SHARPNESS: f64 = 2.08;

/// Draws every weight of a model anew, so that each part changes the answer: fresh models have scales of 0 and normalisations that
/// do nothing, behind which mistakes hide. Statistics of normalisations are drawn too.
#[must_use]
pub fn with_trial_weights<M: Module>(model: M, seed: u64) -> M {
    if let Some(device) = device_of(&model) {
        device.seed(seed);
    }
    model.map(&mut Draw::default())
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
        let images = Tensor::random([batch, channels, height, width], Distribution::Normal(0.0, 1.0), device);
        write_npy(&folder.join(format!("{batch}.images.npy")), images.clone())?;
        write_npy(&folder.join(format!("{batch}.answer.npy")), forward(images))?;
    }
    Ok(())
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
#[derive(Default)]
struct Draw {
    path: Vec<String>,
    /// The types of the modules on the path.
    inside: Vec<String>,
}

impl Draw {
    fn distribution<const D: usize>(&self, shape: [usize; D]) -> Option<Distribution> {
        let name = self.path.last().map_or("", String::as_str);
        let values: usize = shape.iter().product();
        Some(match name {
            _ if name.starts_with("buffer_") => return None,
            "running_var" => Distribution::Uniform(0.5, 1.5),
            "running_mean" => Distribution::Uniform(-0.2, 0.2),
            "gamma" if self.inside.iter().any(|container| container == "LayerScale") => {
                Distribution::Uniform(BRANCH_SCALES.0, BRANCH_SCALES.1)
            }
            "layer_scale" => Distribution::Uniform(BRANCH_SCALES.0, BRANCH_SCALES.1),
            "gamma" => Distribution::Uniform(0.5, 1.5),
            "logit_scale" => Distribution::Uniform(LOG_SHARPNESS, LOG_SHARPNESS + 0.1),
            _ if D == 1 || D == 3 || name.contains("table") => Distribution::Normal(0.0, TABLE_DEVIATION),
            _ => {
                let inputs = if D == 2 { shape[0] } else { values / shape[0].max(1) };
                Distribution::Normal(0.0, (2.0 / inputs.max(1) as f64).sqrt())
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
