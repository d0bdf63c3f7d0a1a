//! Layers that a user keeps in `f32`, by patterns of their paths.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::place::{Bearer, Place};
use crate::matches_path;

/// What is wrong with patterns of layers to keep in `f32` in a model of this kind, each with its field (`keep_f32`); empty when
/// [`lower_precision`](super::lower_precision) can use them.
///
/// A pattern means layers that run in the type of their weights: linear layers, convolutions, normalisations. One that means none
/// of them is refused, be it that nothing is called so, or that it names a parameter that meets what flows through the net as it
/// is, such as a table of positions. Where a pattern means a module with layers and such parameters, it keeps the layers.
///
/// # Example
/// ```
/// use burn::nn::LinearConfig;
/// use mvl_core::{Backend, Cpu, keep_problems};
///
/// let device = Cpu::device(0)?;
/// let layers = vec![LinearConfig::new(4, 2).init(&device)];
/// assert!(keep_problems(&layers, &["0".to_owned()]).is_empty());
/// assert_eq!(keep_problems(&layers, &["head.*".to_owned()]), ["keep_f32[0]: no layer is called \"head.*\""]);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[must_use]
pub fn keep_problems<M: Module>(model: &M, patterns: &[String]) -> Vec<String> {
    let problem = |(index, pattern): (usize, &String)| {
        let meant = Meant::by(model, std::slice::from_ref(pattern));
        if !meant.layers.is_empty() {
            return None;
        }
        let what = match meant.raw {
            None => format!("no layer is called {pattern:?}"),
            Some(path) => format!("expected a linear layer, convolution or normalisation, got {path}"),
        };
        Some(format!("keep_f32[{index}]: {what}"))
    };
    patterns.iter().enumerate().filter_map(problem).collect()
}

/// What patterns mean in a model.
#[derive(Default)]
pub(super) struct Meant<'a> {
    patterns: &'a [String],
    place: Place,
    /// Paths of layers.
    pub(super) layers: BTreeSet<String>,
    /// The path of the first parameter of no layer.
    raw: Option<String>,
}

impl<'a> Meant<'a> {
    pub(super) fn by<M: Module>(model: &M, patterns: &'a [String]) -> Self {
        let mut meant = Self { patterns, ..Self::default() };
        if !patterns.is_empty() {
            model.visit(&mut meant);
        }
        meant
    }
}

impl ModuleVisitor for Meant<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.place.exit();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        let path = self.place.path();
        if !self.patterns.iter().any(|pattern| matches_path(pattern, path)) {
            return;
        }
        match self.place.bearer() {
            (raw, Bearer::Raw) => {
                self.raw.get_or_insert_with(|| raw.to_owned());
            }
            (layer, _) if !self.layers.contains(layer) => {
                self.layers.insert(layer.to_owned());
            }
            _ => {}
        }
    }
}
