//! Does every parameter that learns get a gradient?

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

/// How many parameters learn.
///
/// # Panics
/// When the gradient of one is missing, not finite, or of another type than the parameter.
pub(super) fn finite_gradients<M: Module>(module: &M, gradients: Gradients) -> usize {
    let mut check = GradientCheck { gradients, path: Vec::new(), seen: 0 };
    module.visit(&mut check);
    check.seen
}

struct GradientCheck {
    gradients: Gradients,
    path: Vec<String>,
    seen: usize,
}

impl ModuleVisitor for GradientCheck {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            return;
        }
        self.seen += 1;
        let path = self.path.join(".");
        let gradient = value.grad(&self.gradients).unwrap_or_else(|| panic!("no gradient for {path}"));
        assert_eq!(gradient.dtype(), value.dtype(), "the type of the gradient of {path}");
        let norm = gradient.powi_scalar(2).sum().into_scalar::<f32>();
        assert!(norm.is_finite(), "the gradient of {path} is not finite: squared norm {norm}");
    }
}
