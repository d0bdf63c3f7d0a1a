//! Ten steps of each optimiser against PyTorch's (`scripts/make_optimizer_goldens.py`).

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{Backend, Cpu};
use mvl_train::{AdamWConfig, OptimizerConfig, SgdConfig};
use serde_json::Value;

const GOLDEN: &str = include_str!("../fixtures/sgd_adamw.json");
/// PyTorch stepped in f64, we in f32.
const TOLERANCE: f64 = 1e-5;

#[derive(Module, Debug)]
struct Matrix {
    weight: Param<Tensor<2>>,
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

fn tensor(value: &Value, device: &Device) -> Tensor<2> {
    let rows = value.as_array().expect("a matrix").len();
    let values: Vec<f32> = numbers(value).into_iter().map(|value| value as f32).collect();
    let columns = values.len() / rows;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

fn follows_pytorch<B: Backend>(name: &str, config: &OptimizerConfig) {
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    let case = &golden["cases"][name];
    let device = B::device(0).expect("there").autodiff();
    let (x, t) = (tensor(&golden["x"], &device), tensor(&golden["t"], &device));
    let mut model = Matrix { weight: Param::from_tensor(tensor(&golden["w"], &device)) };
    let mut optimizer = config.init();
    let after = case["w_after_step"].as_array().expect("steps");
    assert_eq!(after.len(), 10);
    for (step, expected) in after.iter().enumerate() {
        let loss = (x.clone().matmul(model.weight.val().transpose()) - t.clone()).square().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let expected_loss = numbers(&case["loss_before_step"])[step];
        assert!((loss.into_scalar::<f64>() - expected_loss).abs() < TOLERANCE, "{name}: loss before step {step}");
        model = optimizer.step(config.learning_rate(), model, gradients);
        let got = model.weight.val().into_data();
        for (got, expected) in got.iter::<f64>().zip(numbers(expected)) {
            assert!((got - expected).abs() < TOLERANCE, "{name}, step {step}: {got} instead of {expected}");
        }
    }
}

fn all_follow_pytorch<B: Backend>() {
    let sgd = SgdConfig { learning_rate: 0.1, momentum: 0.9, weight_decay: 1e-3, nesterov: false };
    let nesterov = SgdConfig { nesterov: true, ..sgd.clone() };
    let adamw = AdamWConfig { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.05 };
    follows_pytorch::<B>("sgd", &OptimizerConfig::Sgd(sgd));
    follows_pytorch::<B>("sgd_nesterov", &OptimizerConfig::Sgd(nesterov));
    follows_pytorch::<B>("adamw", &OptimizerConfig::AdamW(adamw));
}

#[test]
fn optimizers_follow_pytorch_on_cpu() {
    all_follow_pytorch::<Cpu>();
}

#[cfg(feature = "ndarray")]
#[test]
fn optimizers_follow_pytorch_on_ndarray() {
    all_follow_pytorch::<mvl_core::NdArray>();
}
