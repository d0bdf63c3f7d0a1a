//! How the numbers of each parameter are spread.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use mvl_core::Histogram;

/// As many as TensorBoard draws.
const BUCKETS: usize = 30;

/// A histogram of each parameter under its path. Reads all weights to the host.
pub fn weight_histograms<M: Module>(model: &M) -> Vec<(String, Histogram)> {
    let mut found = Found::default();
    model.valid().visit(&mut found);
    found.histograms
}

#[derive(Default)]
struct Found {
    path: Vec<String>,
    histograms: Vec<(String, Histogram)>,
}

impl ModuleVisitor for Found {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values: Vec<f32> = param.val().into_data().iter::<f32>().collect();
        self.histograms.push((self.path.join("."), Histogram::of(&values, BUCKETS)));
    }
}
