//! Models in their cheapest equal form for inference: normalisations folded into convolutions, parallel branches made one.
//!
//! burn's mappers see parameters, not blocks. So the pass is a mode: while [`fuse`] maps a model, every [`Fusable`] block in it,
//! however deep in boxes, vectors and enums, puts its fused form in its place. A family does nothing for it but use such blocks.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use burn::module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor};
use burn::tensor::Device;

thread_local! {
    static FUSING: Cell<bool> = const { Cell::new(false) };
}

/// A block that has a cheaper form with the same answers at inference.
pub trait Fuse: Module {
    /// The cheaper form; a block that is in it already stays. Its parameters are on a device without autodiff.
    #[must_use]
    fn fuse(self) -> Self;
}

/// The model in its fused form, for inference: without autodiff, with other parameters than before, answers equal but for
/// rounding. What is not a [`Fusable`] block stays as it is. The model given is not changed.
///
/// A fused model is for predicting: its weights no longer fit the files of its kind. Save the original and fuse what is loaded.
#[must_use]
pub fn fuse<M: Module>(model: &M) -> M {
    let _mode = Fusing::begin();
    model.valid().map(&mut Unchanged)
}

/// Sets the mode for as long as it lives, through panics too.
struct Fusing(bool);

impl Fusing {
    fn begin() -> Self {
        Self(FUSING.replace(true))
    }
}

impl Drop for Fusing {
    fn drop(&mut self) {
        FUSING.set(self.0);
    }
}

struct Unchanged;

impl ModuleMapper for Unchanged {}

/// A block that [`fuse`] finds, and otherwise the block itself: parameters have the same paths with and without it.
///
/// # Example
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::Tensor;
/// use mvl_core::{Backend, Cpu, Fusable, Fuse, fuse};
///
/// /// Two parallel scales, which one scale can stand for.
/// #[derive(Module, Debug)]
/// struct Scales {
///     first: Param<Tensor<1>>,
///     second: Option<Param<Tensor<1>>>,
/// }
///
/// impl Fuse for Scales {
///     fn fuse(self) -> Self {
///         let Some(second) = self.second else { return self };
///         Self { first: Param::from_tensor(self.first.val() + second.val()), second: None }
///     }
/// }
///
/// let device = Cpu::device(0)?;
/// let scale = |value: f32| Param::from_tensor(Tensor::<1>::from_floats([value], &device));
/// let block = Fusable::new(Scales { first: scale(2.0), second: Some(scale(3.0)) });
/// let fused = fuse(&vec![block]);
/// assert!(fused[0].second.is_none());
/// assert_eq!(fused[0].first.val().into_scalar::<f32>(), 5.0);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Clone)]
pub struct Fusable<T>(T);

impl<T: Fuse> Fusable<T> {
    /// The block, to be found by [`fuse`].
    pub fn new(block: T) -> Self {
        Self(block)
    }

    /// The block alone.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Fusable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Fusable<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Fuse> Module for Fusable<T> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.to_device(device))
    }

    fn train(self) -> Self {
        Self(self.0.train())
    }

    fn valid(&self) -> Self {
        Self(self.0.valid())
    }

    fn materialize(self) -> Self {
        Self(self.0.materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.0.visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let block = self.0.map(mapper);
        Self(if FUSING.get() { block.fuse() } else { block })
    }
}

impl<T: fmt::Debug> fmt::Debug for Fusable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Fusable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: ModuleDisplayDefault> ModuleDisplayDefault for Fusable<T> {
    fn content(&self, content: Content) -> Option<Content> {
        self.0.content(content)
    }

    fn num_params(&self) -> usize {
        self.0.num_params()
    }
}

impl<T: ModuleDisplay> ModuleDisplay for Fusable<T> {}
