//! Fifty steps of each optimiser against PyTorch's or timm's (`scripts/make_optimizer_goldens.py`).

use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{Backend, Cpu};
use mvl_train::OptimizerConfig;
use serde_json::Value;

const GOLDEN: &str = include_str!("../fixtures/optimizers.json");
/// The references stepped in f64, we in f32.
const TOLERANCE: f64 = 1e-5;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

fn tensor<const D: usize>(value: &Value, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = numbers(value).into_iter().map(|value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The model, with burn's layout of the weight: `[in, out]`.
fn layer(golden: &Value, device: &Device) -> Linear {
    let mut layer = LinearConfig::new(3, 4).init(device);
    layer.weight = Param::from_tensor(tensor(&golden["w"], [4, 3], &device.clone().without_autodiff()).transpose());
    layer.bias = Some(Param::from_tensor(tensor(&golden["b"], [4], &device.clone().without_autodiff())));
    burn::module::Module::train(layer)
}

/// Answers the largest difference.
fn follows_the_reference<B: Backend>(golden: &Value, case: &Value) -> f64 {
    let config: OptimizerConfig = serde_json::from_value(case["config"].clone()).expect("an optimiser");
    assert_eq!(config.problems(), [""; 0]);
    let device = B::device(0).expect("there").autodiff();
    let (x, t) = (tensor(&golden["x"], [8, 3], &device), tensor(&golden["t"], [8, 4], &device));
    let mut model = layer(golden, &device);
    let mut optimizer = config.init();
    let mut worst = 0.0_f64;
    let mut check = |what: &str, got: f64, expected: f64| {
        assert!((got - expected).abs() < TOLERANCE, "{config:?}: {what} {got} instead of {expected}");
        worst = worst.max((got - expected).abs());
    };
    let every = golden["every"].as_u64().expect("a count") as usize;
    let losses = numbers(&case["losses"]);
    assert_eq!(losses.len(), 50);
    for (step, expected) in losses.into_iter().enumerate() {
        let loss = (model.forward(x.clone()) - t.clone()).square().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        check(&format!("loss before step {step}"), loss.into_scalar::<f64>(), expected);
        model = optimizer.step(config.learning_rate(), model, gradients);
        if (step + 1) % every == 0 {
            let after = &case["after"][step / every];
            let weight = model.weight.val().transpose().into_data();
            let bias = model.bias.as_ref().expect("has one").val().into_data();
            for (name, got) in [("w", weight), ("b", bias)] {
                for (got, expected) in got.iter::<f64>().zip(numbers(&after[name])) {
                    check(&format!("{name} after step {step}"), got, expected);
                }
            }
        }
    }
    worst
}

fn all_follow_the_reference<B: Backend>() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    for case in golden["cases"].as_array().expect("cases") {
        let worst = follows_the_reference::<B>(&golden, case);
        println!("{worst:.1e} {}", case["config"]);
    }
}

/// A step from where `model` is.
fn step(optimizer: &mut ModuleOptimizer, model: Linear, learning_rate: f64, [x, t]: &[Tensor<2>; 2]) -> Linear {
    let loss = (model.forward(x.clone()) - t.clone()).square().mean();
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    optimizer.step(learning_rate, model, gradients)
}

fn bits(model: &Linear) -> Vec<u32> {
    let bias = model.bias.as_ref().expect("has one").val().into_data();
    model.weight.val().into_data().iter::<f32>().chain(bias.iter::<f32>()).map(f32::to_bits).collect()
}

#[test]
fn every_optimizer_is_saved_and_goes_on_bit_for_bit() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    let device = Cpu::device(0).expect("there").autodiff();
    let problem = [tensor(&golden["x"], [8, 3], &device), tensor(&golden["t"], [8, 4], &device)];
    for case in golden["cases"].as_array().expect("cases") {
        let config: OptimizerConfig = serde_json::from_value(case["config"].clone()).expect("an optimiser");
        let (mut optimizer, mut model) = (config.init(), layer(&golden, &device));
        for _ in 0..7 {
            model = step(&mut optimizer, model, config.learning_rate(), &problem);
        }
        let mut restored = config.init().from_bytes(optimizer.into_bytes().expect("encodes")).expect("decodes");
        let mut resumed = model.clone();
        for _ in 0..5 {
            model = step(&mut optimizer, model, config.learning_rate(), &problem);
            resumed = step(&mut restored, resumed, config.learning_rate(), &problem);
            assert_eq!(bits(&resumed), bits(&model), "{config:?}");
        }
    }
}

#[test]
fn optimizers_follow_pytorch_and_timm_on_cpu() {
    all_follow_the_reference::<Cpu>();
}

#[cfg(feature = "ndarray")]
#[test]
fn optimizers_follow_pytorch_and_timm_on_ndarray() {
    all_follow_the_reference::<mvl_core::NdArray>();
}
