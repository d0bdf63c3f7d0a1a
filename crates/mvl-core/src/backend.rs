//! The type parameter that picks where a program runs: CUDA, CPU, or another backend of burn.
//!
//! burn 0.22 keeps the backend inside its `Device` value. A [`Backend`] type names one statically, so that CUDA or CPU is
//! chosen once, by a type, and a build without the `cuda` feature cannot name [`Cuda`] at all. It sits at the edge
//! (`Trainer<B, T>`, `Predictor<B>`, `Loader<B, _>`), never on layers.

use std::fmt::Debug;

use burn::tensor::{Device, DeviceType};

/// Where tensors live and are computed.
///
/// # Example
/// ```
/// use mvl_core::{Backend, Cpu};
/// use burn::tensor::Tensor;
///
/// fn two<B: Backend>() -> Result<f32, mvl_core::BackendError> {
///     let device = B::device(0)?;
///     Ok(Tensor::<1>::from_floats([1.0, 1.0], &device).sum().into_scalar::<f32>())
/// }
/// assert_eq!(two::<Cpu>()?, 2.0);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
pub trait Backend: Copy + Debug + Default + Send + Sync + 'static {
    /// The name on the command line: `cpu`, `ndarray`, `cuda` …
    const NAME: &'static str;

    /// Whether tensors lie in the host's own memory, so that what is done there needs no copy.
    const ON_HOST: bool;

    /// The burn device with this ordinal, without autodiff.
    ///
    /// # Errors
    /// [`BackendError::NoDevice`] when this machine has none with that ordinal: no GPU, no driver, too few GPUs.
    fn device(ordinal: usize) -> Result<Device, BackendError>;

    /// How many devices of this kind the machine has; 0 without hardware or driver, never a panic.
    fn device_count() -> usize;
}

/// Why a backend cannot be used on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The machine has no such device.
    #[error("no {backend} device {ordinal}: this machine has {available}; {hint}")]
    NoDevice {
        /// The backend that was asked for.
        backend: &'static str,
        /// The ordinal that was asked for.
        ordinal: usize,
        /// How many devices of that backend exist.
        available: usize,
        /// What to do next.
        hint: &'static str,
    },
}

/// Asks burn for the devices of one kind, and counts a driver that panics while it is probed as none.
fn count(device_type: DeviceType) -> usize {
    let probe = std::panic::AssertUnwindSafe(|| Device::enumerate(device_type).into_vec().len());
    std::panic::catch_unwind(probe).unwrap_or(0)
}

/// The enumeration comes first because burn panics when it opens a device that is absent.
fn open(
    backend: &'static str,
    ordinal: usize,
    available: usize,
    hint: &'static str,
    open: impl FnOnce() -> Device,
) -> Result<Device, BackendError> {
    if ordinal < available {
        return Ok(open());
    }
    Err(BackendError::NoDevice { backend, ordinal, available, hint })
}

macro_rules! backend {
    ($(#[$doc:meta])* $name:ident, $feature:literal, $label:literal, on_host: $on_host:literal, $device_type:expr, $hint:literal, |$ordinal:ident| $open:expr) => {
        $(#[$doc])*
        #[cfg(feature = $feature)]
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name;

        #[cfg(feature = $feature)]
        impl Backend for $name {
            const NAME: &'static str = $label;
            const ON_HOST: bool = $on_host;

            fn device($ordinal: usize) -> Result<Device, BackendError> {
                open($label, $ordinal, Self::device_count(), $hint, || $open)
            }

            fn device_count() -> usize {
                count($device_type)
            }
        }
    };
}

backend!(
    /// The CPU through burn-flex: multi-threaded, SIMD, no dependencies. The default.
    Cpu, "cpu", "cpu", on_host: true, DeviceType::Flex, "the CPU is device 0", |_ordinal| Device::flex()
);
backend!(
    /// The CPU through burn-ndarray: slower than [`Cpu`], kept as a second opinion on results.
    NdArray, "ndarray", "ndarray", on_host: true, DeviceType::NdArray, "the CPU is device 0", |_ordinal| {
        #[expect(deprecated, reason = "deprecated upstream in favour of flex; kept as a reference implementation")]
        Device::ndarray()
    }
);
backend!(
    /// NVIDIA GPUs.
    Cuda, "cuda", "cuda", on_host: false, DeviceType::Cuda,
    "check `nvidia-smi` for a GPU and its driver, or use the cpu backend", |ordinal| Device::cuda(ordinal)
);
backend!(
    /// GPUs through Vulkan.
    Vulkan, "vulkan", "vulkan", on_host: false, DeviceType::Vulkan,
    "check `vulkaninfo` for a GPU and its driver, or use the cpu backend",
    |ordinal| Device::vulkan(burn::tensor::DeviceKind::DiscreteGpu(ordinal))
);
backend!(
    /// Apple GPUs.
    Metal, "metal", "metal", on_host: false, DeviceType::Metal, "Metal needs macOS; elsewhere use the cpu backend",
    |ordinal| Device::metal(burn::tensor::DeviceKind::DiscreteGpu(ordinal))
);
backend!(
    /// AMD GPUs.
    Rocm, "rocm", "rocm", on_host: false, DeviceType::Rocm,
    "check `rocminfo` for a GPU and its driver, or use the cpu backend", |ordinal| Device::rocm(ordinal)
);
