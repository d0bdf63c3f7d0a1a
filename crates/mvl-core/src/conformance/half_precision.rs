//! Can it be trained in half precision: does it run, near what it answers in `f32`, with gradients in `f32` for every parameter?

use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::gradients::finite_gradients;
use super::worn::UnlikeFresh;
use crate::{Precision, full_precision, lower_precision};

/// How far an answer may be from the one in `f32`: the root mean square of the difference, as a share of the answer's. A floor, about
/// eight roundings' worth, and as many times what rounding the weights alone changes, because nets with batch normalisation over a few
/// cells amplify every rounding. Of the zoo's cheap forms, differences beyond the floor were 2 and 9 times that at most: burn-flex
/// 0.22.1 runs convolutions and products of `bf16` in `f32`, but sums up those of `f16` in `f16`.
const ALLOWED: [(Precision, f32, f32); 2] = [(Precision::Bf16, 0.03, 5.0), (Precision::F16, 0.004, 16.0)];

/// Weights and inputs that are drawn before a difference counts: answers that happen to cancel out are small, and every rounding is a
/// large share of them. What computes wrongly differs in every draw.
const DRAWS: usize = 3;

/// Checks a module that answers with one vector, in training: answers near those in `f32`, finite gradients of its parameters' own
/// type. `draw` draws an input, and `answer` brings it to the type it is given.
pub(super) fn half_precision<M: Module, I>(
    make: impl Fn(&Device) -> M,
    draw: impl Fn(&M, &Device) -> I,
    answer: impl Fn(&M, &I, DType) -> Tensor<1>,
    device: &Device,
) {
    let training = device.clone().autodiff();
    let worn = || make(device).map(&mut UnlikeFresh::default()).train();
    let compare = |(precision, floor, roundings): (Precision, f32, f32)| {
        let certain = worn().map(&mut WithoutDropout::default());
        let input = draw(&certain, &training);
        let expected = answer(&certain, &input, DType::F32).detach();
        let lowered = lower_precision(&certain, precision, &[]);
        let got = full_precision(answer(&lowered, &input, precision.dtype())).detach();
        let rounded = lowered.map(&mut InFull);
        let least = relative(&answer(&rounded, &input, DType::F32).detach(), &expected);
        (relative(&got, &expected), floor + roundings * least)
    };
    for allowance in ALLOWED {
        let precision = allowance.0;
        if precision.supported_by(device).is_err() {
            continue; // a run on such a device is refused when its settings are read
        }
        let drawn: Vec<_> = (0..DRAWS)
            .map_while(|_| Some(compare(allowance)).filter(|(got, most)| got.is_nan() || got > most))
            .collect();
        assert!(
            drawn.len() < DRAWS,
            "in {precision} the answer differs in every draw (difference and allowance): {drawn:?}"
        );
        let master = worn();
        if master.num_params() > 0 {
            let input = draw(&master, &training);
            let output = full_precision(answer(&lower_precision(&master, precision, &[]), &input, precision.dtype()));
            let weights = Tensor::random(output.dims(), Distribution::Normal(0.0, 1.0), &training);
            let learnt = finite_gradients(&master, (output * weights).mean().backward());
            assert!(learnt > 0, "in {precision} it has parameters that learn");
        }
    }
}

/// Casts back what was lowered: weights that were rounded, in a model that computes in `f32`.
struct InFull;

impl ModuleMapper for InFull {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(full_precision)
    }
}

/// The root mean square of the difference, as a share of that of what is expected.
fn relative(got: &Tensor<1>, expected: &Tensor<1>) -> f32 {
    let rms = |values: Tensor<1>| values.powi_scalar(2).mean().sqrt().into_scalar::<f32>();
    rms(got.clone() - expected.clone()) / rms(expected.clone()).max(f32::MIN_POSITIVE)
}

/// Lets everything pass through dropouts, so that two passes can be compared.
#[derive(Default)]
struct WithoutDropout {
    containers: Vec<String>,
}

impl ModuleMapper for WithoutDropout {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.containers.pop();
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        let in_dropout = self.containers.last().is_some_and(|container| container == "Struct:Dropout");
        if in_dropout { flag.with_value(false) } else { flag }
    }
}
