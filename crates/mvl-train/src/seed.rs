//! Random numbers on the device: drawn anew for each step from `(seed, step)`.
//!
//! A backend has one generator, which every random operation moves on. Seeding it before each step makes what a step draws
//! (dropout) depend on nothing but the run's seed and the step, so that a resumed run draws what an unbroken one would have.
//! The CPU backends share their generator within a process: two runs at once in one process are not repeatable.

use burn::tensor::Device;
use mvl_core::SampleRng;

/// Keeps the numbers of initialisation, steps and data apart.
const INITIALIZATION: u64 = u64::from_le_bytes(*b"weights\0");
const STEP: u64 = u64::from_le_bytes(*b"step\0\0\0\0");

/// Seeds the initialisation of weights.
pub fn seed_initialization(device: &Device, seed: u64) {
    device.seed(SampleRng::new([seed, 0, 0, INITIALIZATION]).next_u64());
}

/// Seeds one training step.
pub fn seed_step(device: &Device, seed: u64, global_step: usize) {
    device.seed(SampleRng::new([seed, global_step as u64, 0, STEP]).next_u64());
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tensor};
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn a_step_draws_the_same_whatever_was_drawn_before() {
        let device = Cpu::device(0).expect("the CPU is always there");
        let draw = || Tensor::<1>::random([4], Distribution::Default, &device).into_data();
        seed_step(&device, 1, 7);
        let first = draw();
        let second = draw();
        seed_step(&device, 1, 7);
        assert_eq!(draw(), first);
        seed_step(&device, 1, 8);
        assert_ne!(draw(), first);
        assert_ne!(first, second);
    }
}
