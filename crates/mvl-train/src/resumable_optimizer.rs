//! Optimiser state that is restored on the model's device.
//!
//! burn 0.22.1 restores a saved optimiser on `Device::default()`, the first backend that was compiled in: in a build with
//! CUDA that is a GPU, which a run on the CPU may not have. [`Resumable`] wraps any burn optimiser and puts the state
//! where [`restoring_on`] says.

use std::cell::RefCell;

use burn::optim::{Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

thread_local! {
    static TARGET: RefCell<Option<Device>> = const { RefCell::new(None) };
}

/// Runs `restore`, with all optimiser state it loads going to `device`.
pub(crate) fn restoring_on<R>(device: &Device, restore: impl FnOnce() -> R) -> R {
    TARGET.set(Some(device.clone()));
    let result = restore();
    TARGET.set(None);
    result
}

/// An optimiser whose state is restored on the right device.
#[derive(Debug, Clone)]
pub(crate) struct Resumable<O>(pub(crate) O);

/// The state of one parameter.
#[derive(Clone)]
pub(crate) struct Placed<S>(S);

impl<O: Optimizer> Optimizer for Resumable<O> {
    type State<const D: usize> = Placed<O::State<D>>;

    fn step<const D: usize>(
        &self,
        learning_rate: f64,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (tensor, state) = self.0.step(learning_rate, tensor, gradient, state.map(|placed| placed.0));
        (tensor, state.map(Placed))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Placed(O::to_device(state.0, device))
    }
}

impl<S: RecordState> RecordState for Placed<S> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let device = TARGET.with_borrow(Clone::clone).unwrap_or_else(|| device.clone());
        S::state_unflatten(prefix, source, &device).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mvl_core::{Backend, Cpu};

    use super::*;

    struct Velocity(Tensor<1>);

    impl RecordState for Velocity {
        fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
            out.push_tensor(prefix, "velocity", self.0.to_data());
        }

        fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
            source.take_tensor(prefix, "velocity").map(|data| Self(Tensor::from_data(data, device)))
        }
    }

    /// Saves a state and restores it with `suggested` as burn's choice.
    fn restored(suggested: &Device) -> Option<Device> {
        let device = Cpu::device(0).expect("the CPU is always there");
        let mut sink = StateSink::default();
        Placed(Velocity(Tensor::from_floats([1.0, 2.0], &device))).state_flatten("7", &mut sink);
        let mut source = StateSource::new(BTreeMap::new());
        sink.tensors.into_iter().for_each(|(name, data)| source.insert_tensor(name, data));
        Placed::<Velocity>::state_unflatten("7", &mut source, suggested).map(|placed| placed.0.0.device())
    }

    #[test]
    fn state_goes_where_it_is_told() {
        let device = Cpu::device(0).expect("the CPU is always there");
        // Asking for a tensor on a capture device outside of a capture would fail.
        assert_eq!(restoring_on(&device, || restored(&Device::capture())), Some(device.clone()));
        assert_eq!(restored(&device), Some(device), "burn's choice, without another");
    }
}
