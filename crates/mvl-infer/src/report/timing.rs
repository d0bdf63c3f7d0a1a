//! [`EngineTiming`]: how long an engine takes for so many samples at once.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{DataType, Engine, EngineError, HostTensor};

/// Forward passes that are not counted.
const WARM_UP: usize = 2;
/// The fewest that are.
const LEAST: usize = 3;

/// How long an engine took for so many samples at once. Times are in milliseconds, of a whole forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EngineTiming {
    /// The samples of a forward pass.
    pub batch: usize,
    /// How many forward passes were counted.
    pub passes: usize,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 99 of a hundred took no longer.
    pub p99_ms: f64,
    /// Samples a second.
    pub per_second: f64,
}

impl EngineTiming {
    /// Asks an engine with random numbers for so long, at least three times after two for warming up.
    ///
    /// # Errors
    /// [`EngineError::Input`] when the engine takes other things than FP32 tensors of known sides; what the engine says else.
    pub fn measure(engine: &dyn Engine, batch: usize, duration: Duration) -> Result<Self, EngineError> {
        let inputs = inputs(engine, batch)?;
        for _ in 0..WARM_UP {
            engine.run(inputs.clone())?;
        }
        let begun = Instant::now();
        let mut times = Vec::new();
        while times.len() < LEAST || begun.elapsed() < duration {
            let start = Instant::now();
            engine.run(inputs.clone())?;
            times.push(start.elapsed());
        }
        let per_second = (times.len() * batch) as f64 / begun.elapsed().as_secs_f64();
        times.sort_unstable();
        let at = |share: f64| {
            let place = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1;
            times[place].as_secs_f64() * 1000.0
        };
        Ok(Self { batch, passes: times.len(), p50_ms: at(0.5), p99_ms: at(0.99), per_second })
    }
}

/// Numbers between -2 and 2 that repeat late.
fn inputs(engine: &dyn Engine, batch: usize) -> Result<Vec<HostTensor>, EngineError> {
    let signature = engine.signature();
    let input = |spec: &crate::TensorSpec| {
        let sides = spec.shape.iter().enumerate().map(|(axis, &side)| match side {
            None if axis == 0 && signature.batched => Some(batch),
            side => side,
        });
        let shape = sides.collect::<Option<Vec<usize>>>().filter(|_| spec.datatype == DataType::Fp32);
        let shape = shape.ok_or_else(|| {
            let got = spec.wire_shape();
            EngineError::Input(format!("{:?}: expected FP32 of known sides, got {} {got:?}", spec.name, spec.datatype))
        })?;
        let number = |place: usize| (place.wrapping_mul(2_654_435_761) >> 16 & 0xffff) as f32 / 16_384.0 - 2.0;
        let values: Vec<f32> = (0..shape.iter().product()).map(number).collect();
        Ok(HostTensor::from_f32(shape, &values))
    };
    signature.inputs.iter().map(input).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signature, TensorSpec};

    struct Sleeps(Signature);

    impl Engine for Sleeps {
        fn signature(&self) -> &Signature {
            &self.0
        }

        fn platform(&self) -> &str {
            "sleeps"
        }

        fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
            std::thread::sleep(Duration::from_millis(2));
            Ok(inputs)
        }
    }

    #[test]
    fn passes_are_timed_and_counted() {
        let spec = |sides: &[i64]| vec![TensorSpec::new("x", DataType::Fp32, sides)];
        let engine = |sides: &[i64]| Sleeps(Signature { inputs: spec(sides), outputs: spec(sides), batched: true });
        let timing = EngineTiming::measure(&engine(&[-1, 3]), 4, Duration::ZERO).expect("measured");
        assert_eq!((timing.batch, timing.passes), (4, LEAST));
        assert!(timing.p50_ms >= 2.0 && timing.p99_ms >= timing.p50_ms && timing.per_second <= 2000.0, "{timing:?}");
        EngineTiming::measure(&engine(&[-1, -1]), 1, Duration::ZERO).expect_err("sides are not known");
    }
}
