//! Do these tensors fit this module? Names and shapes are compared first, so that nothing is read from a file in vain.

use std::fmt::Write;
use std::path::Path;

use burn::module::Module;
use burn::store::{Applier, ModuleAdapter};
use mvl_core::ModelError;

/// How many names of each kind a message lists.
const LISTED: usize = 8;

/// A tensor of a file: name, type and shape are known, its bytes are read when they are wanted.
pub(crate) type FileTensor = burn::store::burn_pack::Tensor;

/// What a file lacks, has too much, or has in another shape; empty when it fits.
#[derive(Debug, Default)]
pub(crate) struct Misfit {
    pub missing: Vec<String>,
    pub unexpected: Vec<String>,
    pub misshapen: Vec<String>,
}

impl Misfit {
    pub(crate) fn add_missing(&mut self, key: &str, shape: &[usize]) {
        self.missing.push(format!("{key} {shape:?}"));
    }

    pub(crate) fn add_unexpected(&mut self, key: &str, found: &FileTensor) {
        self.unexpected.push(format!("{key} {:?}", found.shape.as_slice()));
    }

    pub(crate) fn add_misshapen(&mut self, key: &str, expected: &[usize], found: &FileTensor) {
        let (shape, dtype) = (found.shape.as_slice(), found.dtype);
        self.misshapen.push(if shape == expected {
            format!("{key} holds {dtype:?}")
        } else {
            format!("{key} expected {expected:?}, found {shape:?}")
        });
    }

    /// Nothing if all fits, or the error that lists what does not.
    pub(crate) fn into_result(self, model: &str, path: &Path) -> Result<(), ModelError> {
        let mut what = String::new();
        let kinds = [("missing", &self.missing), ("unexpected", &self.unexpected), ("misshapen", &self.misshapen)];
        for (kind, keys) in kinds.into_iter().filter(|(_, keys)| !keys.is_empty()) {
            let separator = if what.is_empty() { "" } else { "; " };
            let listed = keys.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
            write!(what, "{separator}{kind} {}: {listed}", keys.len()).expect("a string takes all");
            if keys.len() > LISTED {
                write!(what, " and {} more", keys.len() - LISTED).expect("a string takes all");
            }
        }
        if what.is_empty() {
            return Ok(());
        }
        Err(ModelError::WeightsMismatch { model: model.to_owned(), what, path: path.display().to_string() })
    }
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
