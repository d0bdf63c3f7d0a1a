//! Between backbone and head: features to features. A neck's outputs are taps like a backbone's, so a head is checked against
//! them the same way.

use burn::module::Module;

use crate::{Features, Head, Tap, TapSet};

/// Turns a backbone's maps into other maps: a pyramid, a decoder.
///
/// The contract, proven by [`conformance::neck`](crate::conformance::neck): `taps` tells the truth about channels and strides of
/// what `forward` returns, finest first; features of all taps are returned; the size of the pictures is handed on.
pub trait Neck: Module + 'static {
    /// The backbone's taps that it reads.
    fn reads(&self) -> TapSet;

    /// What it gives, by position in the features that [`forward`](Self::forward) returns; finest first.
    fn taps(&self) -> &[Tap];

    /// # Panics
    /// May panic when a tap of [`reads`](Self::reads) is missing.
    fn forward(&self, features: Features) -> Features;
}

/// A head on a neck: together they are a head.
///
/// The head is built for the neck's taps, not the backbone's.
#[derive(Module, Debug)]
pub struct NeckedHead<N: Module, H: Module> {
    /// Features → features.
    pub neck: N,
    /// Features → answer.
    pub head: H,
}

impl<N: Neck, H: Head> NeckedHead<N, H> {
    /// Puts a head on a neck.
    pub fn new(neck: N, head: H) -> Self {
        Self { neck, head }
    }
}

impl<N, H> Head for NeckedHead<N, H>
where
    N: Neck + burn::module::ModuleDisplay,
    H: Head + burn::module::ModuleDisplay,
{
    type Output = H::Output;

    fn reads(&self) -> TapSet {
        self.neck.reads()
    }

    fn forward(&self, features: Features) -> H::Output {
        self.head.forward(self.neck.forward(features))
    }
}
