//! The unsafe parts of ML Vision Lab, each behind a safe door. No other crate of the family holds `unsafe`.
//!
//! - [`map_file`]: a file as memory.
//! - [`CountingAllocator`]: for tests of what is not allocated.
//! - [`bytes_of_floats`]: floats as bytes.
//! - [`Axis`], [`along_rows`], [`down_columns`]: resampling of 8-bit images.
//!
//! | feature | gives |
//! |---|---|
//! | `learning` | [`Convolution`], [`channel_moments`] and others: layers over batches, and their gradients |
//! | `turbojpeg` | libjpeg-turbo, built from source: needs cmake and a C compiler |

#[cfg(feature = "learning")]
mod batch_norm;
#[cfg(feature = "learning")]
mod convolution;
mod counting_allocator;
mod float_bytes;
mod memory_map;
#[cfg(feature = "learning")]
mod product;
mod resample;
#[cfg(target_arch = "x86_64")]
mod resample_avx2;
#[cfg(feature = "learning")]
mod sums;
#[cfg(feature = "turbojpeg")]
mod turbojpeg;

#[cfg(feature = "learning")]
pub use batch_norm::{batch_norm_gradient, batch_norm_sums, channel_moments, scale_channels};
#[cfg(feature = "learning")]
pub use convolution::Convolution;
pub use counting_allocator::CountingAllocator;
pub use float_bytes::bytes_of_floats;
pub use memory_map::map_file;
pub use resample::{Axis, WEIGHT_BITS, along_rows, down_columns};
#[cfg(feature = "turbojpeg")]
pub use turbojpeg::{TurboDecoder, TurboHeader, TurboPart};
