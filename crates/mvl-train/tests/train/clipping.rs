//! Every way of clipping against PyTorch's or timm's (`scripts/make_clip_goldens.py`).

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{Backend, Cpu};
use mvl_train::{AdaptiveClipConfig, GradientClipConfig, clip_gradients};
use serde_json::Value;

const GOLDEN: &str = include_str!("../fixtures/clipping.json");
/// PyTorch clipped in f64, we in f32.
const TOLERANCE: f64 = 1e-6;

#[derive(Module, Debug)]
struct Net {
    conv: Conv2d,
    linear: Linear,
}

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

const CONV: [usize; 4] = [3, 2, 3, 3];
const LINEAR: [usize; 2] = [4, 5]; // PyTorch's layout; burn's is the other way round

fn net(golden: &Value, device: &Device) -> Net {
    let values = &golden["values"];
    let mut conv = Conv2dConfig::new([2, 3], [3, 3]).init(device);
    conv.weight = Param::from_tensor(tensor(&values["conv.weight"], CONV, device));
    conv.bias = Some(Param::from_tensor(tensor(&values["conv.bias"], [3], device)));
    let mut linear = LinearConfig::new(5, 4).init(device);
    linear.weight = Param::from_tensor(tensor(&values["linear.weight"], LINEAR, device).transpose());
    linear.bias = Some(Param::from_tensor(tensor(&values["linear.bias"], [4], device)));
    Net { conv, linear }
}

fn gradients(golden: &Value, net: &Net, device: &Device) -> GradientsParams {
    let values = &golden["gradients"];
    let mut gradients = GradientsParams::new();
    gradients.register(net.conv.weight.id, tensor(&values["conv.weight"], CONV, device));
    gradients.register(net.conv.bias.as_ref().expect("has one").id, tensor(&values["conv.bias"], [3], device));
    gradients.register(net.linear.weight.id, tensor(&values["linear.weight"], LINEAR, device).transpose());
    gradients.register(net.linear.bias.as_ref().expect("has one").id, tensor(&values["linear.bias"], [4], device));
    gradients
}

fn clips_as_the_reference<B: Backend>(autodiff: bool) {
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    let device = B::device(0).expect("there");
    let model_device = if autodiff { device.clone().autodiff() } else { device.clone() };
    let mut worst = 0.0_f64;
    for (name, config) in [
        ("norm", GradientClipConfig::Norm(0.1)),
        ("norm_unreached", GradientClipConfig::Norm(100.0)),
        ("value", GradientClipConfig::Value(0.015)),
        ("adaptive", GradientClipConfig::Adaptive(AdaptiveClipConfig { factor: 0.02, eps: 1e-3 })),
        ("adaptive_eps", GradientClipConfig::Adaptive(AdaptiveClipConfig { factor: 0.05, eps: 0.5 })),
    ] {
        let case = &golden["cases"][name];
        let net = net(&golden, &model_device);
        let (clipped, norm) = clip_gradients(&net, gradients(&golden, &net, &device), config);
        let bias = |param: &Option<Param<Tensor<1>>>| {
            clipped.get::<1>(param.as_ref().expect("has one").id).expect("kept").into_data()
        };
        for (parameter, got) in [
            ("conv.weight", clipped.get::<4>(net.conv.weight.id).expect("kept").into_data()),
            ("conv.bias", bias(&net.conv.bias)),
            ("linear.weight", clipped.get::<2>(net.linear.weight.id).expect("kept").transpose().into_data()),
            ("linear.bias", bias(&net.linear.bias)),
        ] {
            let expected = numbers(&case["gradients"][parameter]);
            assert_eq!(got.iter::<f64>().count(), expected.len());
            for (got, expected) in got.iter::<f64>().zip(expected) {
                assert!((got - expected).abs() < TOLERANCE, "{name}, {parameter}: {got} instead of {expected}");
                worst = worst.max((got - expected).abs());
            }
        }
        let norm = norm.map(|norm| norm.into_scalar::<f64>());
        let expected = case["norm"].as_f64();
        assert_eq!(norm.is_some(), expected.is_some(), "{name}");
        assert!(
            norm.zip(expected).is_none_or(|(got, expected)| (got - expected).abs() < TOLERANCE),
            "{name}: {norm:?}"
        );
    }
    println!("largest difference: {worst:.1e}");
}

#[test]
fn clipping_follows_pytorch_and_timm_on_cpu() {
    clips_as_the_reference::<Cpu>(true);
    clips_as_the_reference::<Cpu>(false);
}

#[cfg(feature = "ndarray")]
#[test]
fn clipping_follows_pytorch_and_timm_on_ndarray() {
    clips_as_the_reference::<mvl_core::NdArray>(true);
}
