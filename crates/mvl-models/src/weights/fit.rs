//! Do these tensors fit this module? Names and shapes are compared first, so that nothing is read from a file in vain.

use std::fmt;
use std::path::Path;

use burn::module::Module;
use burn::store::{Applier, ModuleAdapter};
use mvl_core::ModelError;

/// How many names of each kind a message lists.
const LISTED: usize = 8;

/// A tensor of a file: name, type and shape are known, its bytes are read when they are wanted.
pub(crate) type FileTensor = burn::store::burn_pack::Tensor;

/// A tensor by key and shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorShape {
    /// Its key in the file.
    pub key: String,
    /// Its shape, as PyTorch has it.
    pub shape: Vec<usize>,
}

/// A tensor that is in the file in another shape, or with another kind of values, than the model wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MisshapenTensor {
    /// Its key in the file.
    pub key: String,
    /// The shape that the model wants, as PyTorch has it.
    pub expected: Vec<usize>,
    /// The shape in the file.
    pub found: Vec<usize>,
    /// What the file's values are: `F32`, `I64` …
    pub dtype: String,
}

impl fmt::Display for TensorShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.key, self.shape)
    }
}

impl fmt::Display for MisshapenTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, expected, found, dtype } = self;
        if found == expected {
            write!(f, "{key} holds {dtype}")
        } else {
            write!(f, "{key} expected {expected:?}, found {found:?}")
        }
    }
}

/// What a file lacks, has too much, or has in another shape; empty when it fits.
#[derive(Debug, Default)]
pub(crate) struct Misfit {
    pub missing: Vec<TensorShape>,
    pub unexpected: Vec<TensorShape>,
    pub misshapen: Vec<MisshapenTensor>,
}

impl Misfit {
    pub(crate) fn add_missing(&mut self, key: &str, shape: &[usize]) {
        self.missing.push(TensorShape { key: key.to_owned(), shape: shape.to_vec() });
    }

    pub(crate) fn add_unexpected(&mut self, key: &str, found: &FileTensor) {
        self.unexpected.push(TensorShape { key: key.to_owned(), shape: found.shape.to_vec() });
    }

    pub(crate) fn add_misshapen(&mut self, key: &str, expected: &[usize], found: &FileTensor) {
        self.misshapen.push(MisshapenTensor {
            key: key.to_owned(),
            expected: expected.to_vec(),
            found: found.shape.to_vec(),
            dtype: format!("{:?}", found.dtype),
        });
    }

    /// Nothing if all fits, or the error that lists what does not.
    pub(crate) fn into_result(self, model: &str, path: &Path) -> Result<(), ModelError> {
        let what = [
            described("missing", &self.missing),
            described("unexpected", &self.unexpected),
            described("misshapen", &self.misshapen),
        ];
        let what = what.into_iter().flatten().collect::<Vec<_>>().join("; ");
        if what.is_empty() {
            return Ok(());
        }
        Err(ModelError::WeightsMismatch { model: model.to_owned(), what, path: path.display().to_string() })
    }
}

/// `missing 10: the first eight of them and 2 more`; nothing for none.
pub(super) fn described<T: fmt::Display>(kind: &str, tensors: &[T]) -> Option<String> {
    let listed = tensors.iter().take(LISTED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let more = match tensors.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!tensors.is_empty()).then(|| format!("{kind} {}: {listed}{more}", tensors.len()))
}

/// Puts tensors, named by path and checked against the module's slots, into it.
pub(crate) fn fill<M: Module>(
    module: M,
    tensors: Vec<FileTensor>,
    adapter: Option<Box<dyn ModuleAdapter>>,
    path: &Path,
) -> Result<M, ModelError> {
    let mut applier = Applier::new(tensors, None, adapter, false);
    let module = module.map(&mut applier);
    match applier.into_result().errors.into_iter().next() {
        None => Ok(module),
        Some(error) => Err(ModelError::File {
            what: "cannot read weights; the file may be damaged, fetch or copy it again".to_owned(),
            path: path.display().to_string(),
            source: Some(Box::new(error)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_eight_are_listed() {
        let mut misfit = Misfit::default();
        for index in 0..10 {
            misfit.add_missing(&format!("k{index}"), &[index]);
        }
        let error = misfit.into_result("resnet18", Path::new("w.pth")).expect_err("ten are missing");
        assert_eq!(
            error.to_string(),
            "weights do not fit \"resnet18\": missing 10: k0 [0], k1 [1], k2 [2], k3 [3], k4 [4], k5 [5], k6 [6], k7 [7] \
             and 2 more; w.pth"
        );
    }
}
