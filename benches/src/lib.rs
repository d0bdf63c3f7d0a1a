//! How the benches run, measure and report: on every backend that is compiled in and has a device; a warm-up, then rounds, then
//! the median with the spread, so that a busy machine shows.

pub mod photographs;

use std::path::Path;
use std::time::{Duration, Instant};

use mvl::core::{Backend, Labels, ModelConfig, Preprocess};
use mvl::models::{ClassifierSpec, save_classifier, zoo};

/// Rounds that are thrown away.
const WARM_UP: usize = 2;
/// Rounds that count.
const ROUNDS: usize = 7;

/// Writes a bench's `main`: `run::<B>()` for the CPU, and for CUDA where the feature `cuda` is on and a GPU is there.
#[macro_export]
macro_rules! on_every_backend {
    ($run:ident) => {
        fn main() -> anyhow::Result<()> {
            #[cfg(feature = "cpu")]
            $run::<mvl::core::Cpu>()?;
            #[cfg(feature = "cuda")]
            if <mvl::core::Cuda as mvl::core::Backend>::device_count() > 0 {
                $run::<mvl::core::Cuda>()?;
            }
            Ok(())
        }
    };
}

/// The time one round took: the median, and the fastest and slowest.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Half of the rounds were faster.
    pub median: Duration,
    /// The fastest round.
    pub fastest: Duration,
    /// The slowest round.
    pub slowest: Duration,
}

/// Times a round of work. The closure must wait for the device before it returns, such as by reading a result.
pub fn measure(mut round: impl FnMut()) -> Timing {
    (0..WARM_UP).for_each(|_| round());
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            round();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    Timing { median: times[ROUNDS / 2], fastest: times[0], slowest: times[ROUNDS - 1] }
}

/// Prints what is measured, with what one needs to compare it.
pub fn heading<B: Backend>(question: &str) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{question}, {}", B::NAME);
    println!(
        "  mvl {}, burn {}, {threads} threads, {}, warm-up {WARM_UP}, median of {ROUNDS} rounds (slowest..fastest)",
        env!("CARGO_PKG_VERSION"),
        mvl::core::BURN_VERSION,
        simd()
    );
}

/// The widest vectors that this CPU computes with.
fn simd() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if is_x86_feature_detected!("avx2") {
            return "AVX2";
        }
    }
    std::env::consts::ARCH
}

/// Prints a rate: items a round over the time of a round.
pub fn report_rate(name: &str, items: usize, timing: Timing) {
    let rate = |time: Duration| items as f64 / time.as_secs_f64();
    println!(
        "  {name:<44} {:>9.0} images/s  ({:.0}..{:.0})",
        rate(timing.median),
        rate(timing.slowest),
        rate(timing.fastest)
    );
}

/// Prints a latency.
pub fn report_latency(name: &str, timing: Timing) {
    let ms = |time: Duration| 1e3 * time.as_secs_f64();
    println!(
        "  {name:<44} {:>9.2} ms        ({:.2}..{:.2})",
        ms(timing.median),
        ms(timing.slowest),
        ms(timing.fastest)
    );
}

/// Saves a classifier of the zoo for pictures of 224 by 224 pixels, with random weights and so many classes, in a folder.
///
/// # Errors
/// When there is no such name, or it cannot be saved.
pub fn save_random_classifier<B: Backend>(name: &str, classes: usize, folder: &Path) -> anyhow::Result<()> {
    let config = ModelConfig::new(name, classes);
    let model = zoo().create_classifier(&config, &B::device(0)?)?;
    let labels = Labels::new((0..classes).map(|class| class.to_string()));
    save_classifier(folder, &model, &ClassifierSpec::new(config, labels, Preprocess::imagenet(256, 224)))?;
    Ok(())
}
