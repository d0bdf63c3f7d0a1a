//! Fifty updates of a small ResNet against PyTorch's, from the same weights and batches (`scripts/make_training_goldens.py`).

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use mvl_core::{
    Annotations, Backend, Classification, Cpu, ImageBatch, Loss, Metric, MixedForward, ModelEmaConfig, Monitor,
    ParameterGroupsConfig, Precision, Task,
};
use mvl_train::{
    Anneal, GradientClipConfig, LookAheadConfig, LossScaleConfig, OneCycleSchedule, OptimizerConfig, RunPlan,
    ScheduleConfig, ScheduleShape, SgdConfig, SharpnessConfig, SwaConfig, TrainConfig, Updater, WeightAverage,
    prepare_model, refresh_statistics, train_step,
};
use serde_json::{Value, json};

use crate::tiny::one_run_at_a_time;

const GOLDEN: &str = include_str!("../fixtures/training.json");
const STEPS: usize = 50;
const BATCH: usize = 8;
const SIDE: usize = 8;
const CLASSES: usize = 4;
/// PyTorch trained in f64, we in f32.
const EXACT: f64 = 1e-5;

#[derive(Module, Debug)]
struct Block {
    conv1: Conv2d,
    norm1: BatchNorm,
    conv2: Conv2d,
    norm2: BatchNorm,
    shortcut: Option<Conv2d>,
}

#[derive(Module, Debug)]
struct Net {
    conv: Conv2d,
    norm: BatchNorm,
    block1: Block,
    block2: Block,
    linear: Linear,
}

fn conv(channels: [usize; 2], side: usize, stride: usize, device: &Device) -> Conv2d {
    let config = Conv2dConfig::new(channels, [side, side]).with_stride([stride, stride]).with_bias(false);
    config.with_padding(PaddingConfig2d::Explicit(side / 2, side / 2, side / 2, side / 2)).init(device)
}

impl Block {
    fn new(inputs: usize, outputs: usize, stride: usize, device: &Device) -> Self {
        Self {
            conv1: conv([inputs, outputs], 3, stride, device),
            norm1: BatchNormConfig::new(outputs).init(device),
            conv2: conv([outputs, outputs], 3, 1, device),
            norm2: BatchNormConfig::new(outputs).init(device),
            shortcut: (stride > 1).then(|| conv([inputs, outputs], 1, stride, device)),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branch = relu(self.norm1.forward_mixed(self.conv1.forward_mixed(input.clone())));
        let branch = self.norm2.forward_mixed(self.conv2.forward_mixed(branch));
        relu(branch + self.shortcut.as_ref().map_or(input.clone(), |conv| conv.forward_mixed(input)))
    }
}

impl Net {
    fn new(device: &Device) -> Self {
        let net = Self {
            conv: conv([1, 6], 3, 1, device),
            norm: BatchNormConfig::new(6).init(device),
            block1: Block::new(6, 6, 1, device),
            block2: Block::new(6, 12, 2, device),
            linear: LinearConfig::new(12, CLASSES).init(device),
        };
        net.map(&mut Formula::default())
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = images.cast(self.conv.weight.val().dtype());
        let maps = relu(self.norm.forward_mixed(self.conv.forward_mixed(images)));
        let maps = self.block2.forward(self.block1.forward(maps));
        self.linear.forward_mixed(maps.flatten::<3>(2, 3).mean_dim(2).squeeze_dim::<2>(2)).cast(DType::F32)
    }
}

/// The formula of `make_model_goldens.py`: numbers in [0, 1).
fn uniform(key: &str, count: usize) -> Vec<f64> {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let number = |place: u64| {
        let mut z = hash.wrapping_add(place).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / 16_777_216.0
    };
    (0..count as u64).map(number).collect()
}

/// PyTorch's name of a parameter.
fn key(path: &[String]) -> String {
    path.join(".").replace("gamma", "weight").replace("beta", "bias")
}

/// Puts the formula's weights into a model.
#[derive(Default)]
struct Formula(Vec<String>);

impl ModuleMapper for Formula {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.0.push(name.to_owned());
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.0.pop();
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let key = key(&self.0);
        if key.contains("running") {
            return param;
        }
        param.map(|old| {
            let mut shape = old.dims();
            if D == 2 {
                shape.reverse(); // PyTorch's layout
            }
            let inputs: usize = shape[1..].iter().product();
            let value = |u: f64| match D {
                _ if key.ends_with(".bias") => (u - 0.5) * 0.2,
                1 => 0.5 + u,
                _ => (u - 0.5) * 2.0 * (3.0 / inputs as f64).sqrt(),
            };
            let values: Vec<f32> = uniform(&key, shape.iter().product()).into_iter().map(|u| value(u) as f32).collect();
            let tensor = Tensor::<D>::from_data(TensorData::new(values, shape), &old.device());
            let tensor = if D == 2 { tensor.swap_dims(0, 1) } else { tensor };
            tensor.set_require_grad(old.is_require_grad())
        })
    }
}

fn batch(number: usize, device: &Device) -> ImageBatch {
    let mut pixels: Vec<f32> =
        uniform(&format!("pictures {number}"), BATCH * SIDE * SIDE).iter().map(|u| (u * 2.0 - 1.0) as f32).collect();
    let classes = uniform(&format!("classes {number}"), BATCH);
    let classes: Vec<usize> = classes.iter().map(|u| (u * CLASSES as f64) as usize).collect();
    for (picture, &class) in pixels.chunks_mut(SIDE * SIDE).zip(&classes) {
        for (place, pixel) in picture.iter_mut().enumerate() {
            if (place / SIDE / 4, place % SIDE / 4) == (class / 2, class % 2) {
                *pixel += 0.75;
            }
        }
    }
    let images = Tensor::from_data(TensorData::new(pixels, [BATCH, 1, SIDE, SIDE]), device);
    ImageBatch { images, annotations: classes.into_iter().map(Annotations::labelled).collect() }
}

struct Quarters;

impl Task for Quarters {
    type Model = Net;
    type Batch = ImageBatch;
    type Output = Tensor<2>;
    type Prediction = Classification;
    type Truth = Option<usize>;

    fn name(&self) -> &str {
        "quarters"
    }
    fn describe(&self) -> Value {
        json!({"kind": "quarters"})
    }
    fn batch_len(&self, batch: &ImageBatch) -> usize {
        batch.len()
    }
    fn forward(&self, model: &Net, batch: &ImageBatch) -> Tensor<2> {
        model.forward(batch.images.clone())
    }
    fn loss(&self, logits: &Tensor<2>, batch: &ImageBatch) -> Loss {
        let labels: Vec<i64> = self.truths(batch).iter().map(|label| label.expect("labelled") as i64).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [BATCH]), &logits.device());
        Loss::new(CrossEntropyLossConfig::new().init(&logits.device()).forward(logits.clone(), targets))
    }
    fn decode(&self, _: Tensor<2>) -> Vec<Classification> {
        Vec::new()
    }
    fn truths(&self, batch: &ImageBatch) -> Vec<Option<usize>> {
        batch.annotations.iter().map(|known| known.label).collect()
    }
    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, Option<usize>>>> {
        Vec::new()
    }
    fn monitor(&self) -> Monitor {
        Monitor::min("loss")
    }
}

/// All numbers of each parameter, in PyTorch's layout.
#[derive(Default)]
struct Numbers {
    path: Vec<String>,
    found: Vec<(String, Vec<f64>)>,
}

impl Numbers {
    fn of(model: &Net) -> Vec<(String, Vec<f64>)> {
        let mut numbers = Self::default();
        model.valid().visit(&mut numbers);
        numbers.found
    }
}

impl ModuleVisitor for Numbers {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let value = if D == 2 { value.swap_dims(0, 1) } else { value };
        self.found.push((key(&self.path), value.into_data().iter::<f64>().collect()));
    }
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// The largest distance of a model's weights from the golden summary: of their first numbers, and of mean and root mean square.
fn distance(model: &Net, golden: &Value) -> f64 {
    let mut worst = 0.0_f64;
    for (name, values) in Numbers::of(model).into_iter().filter(|(name, _)| !name.contains("running")) {
        let golden = &golden[name.as_str()];
        let (sum, norm) = (golden["sum"].as_f64().expect(&name), golden["norm"].as_f64().expect(&name));
        let count = values.len() as f64;
        worst = worst.max((values.iter().sum::<f64>() - sum).abs() / count);
        let own = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        worst = worst.max((own - norm).abs() / count.sqrt());
        for (own, golden) in values.iter().zip(floats(&golden["first"])) {
            worst = worst.max((own - golden).abs());
        }
    }
    worst
}

struct Outcome {
    losses: Vec<f64>,
    scales: Vec<f64>,
    model: Net,
    average: Option<Net>,
}

/// Fifty updates; an epoch is `per_epoch` of them.
fn train(config: &TrainConfig, per_epoch: usize) -> Outcome {
    let _alone = one_run_at_a_time();
    assert_eq!(config.problems(), [""; 0]);
    let device = Cpu::device(0).expect("there").autodiff();
    let accumulation = config.gradient_accumulation;
    let plan = RunPlan::new(config, per_epoch * accumulation);
    let mut model = prepare_model(Net::new(&device), &device, 0);
    let mut updater = Updater::new(config, &model);
    let mut average = WeightAverage::new(config);
    let (mut losses, mut scales) = (Vec::new(), Vec::new());
    for number in 0..STEPS {
        let (epoch, step) = (number / per_epoch, number % per_epoch);
        let group: Vec<ImageBatch> =
            (0..accumulation).map(|part| batch(number * accumulation + part, &device)).collect();
        let (updated, report) =
            train_step(&Quarters, model, &group, &mut updater, plan.step(epoch, step)).expect("a step");
        model = updated;
        losses.push(report.loss.total);
        scales.extend(report.loss_scale);
        if let Some(average) = &mut average {
            average.after_update(&model, number + 1);
            if step + 1 == per_epoch
                && let Some(most) = average.after_epoch(&model, epoch)
            {
                let first = epoch * per_epoch;
                let batches = (first..first + per_epoch).map(|number| Ok(batch(number, &device))).take(most);
                let averaged = average.model().expect("just averaged");
                let refreshed = refresh_statistics(&Quarters, averaged, &device, batches).expect("batches");
                average.set_model(refreshed);
            }
        }
    }
    Outcome { losses, scales, model, average: average.and_then(WeightAverage::into_model) }
}

fn sgd() -> OptimizerConfig {
    OptimizerConfig::Sgd(SgdConfig {
        learning_rate: 0.05,
        momentum: 0.9,
        weight_decay: 1e-3,
        nesterov: true,
        ..SgdConfig::default()
    })
}

/// Settings for an epoch of all fifty updates.
fn settings() -> TrainConfig {
    TrainConfig { epochs: 1, optimizer: sgd(), schedule: ScheduleConfig::constant(), ..TrainConfig::default() }
}

fn golden(case: &str) -> Value {
    let mut golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    golden[case].take()
}

fn largest_difference(own: &[f64], golden: &Value) -> f64 {
    let golden = floats(golden);
    assert_eq!(own.len(), golden.len());
    own.iter().zip(golden).map(|(own, golden)| (own - golden).abs()).fold(0.0, f64::max)
}

/// Trains and compares losses, weights and, where there is one, their average.
fn follows(case: &str, config: &TrainConfig, per_epoch: usize, tolerance: f64) -> Outcome {
    let (golden, outcome) = (golden(case), train(config, per_epoch));
    let losses = largest_difference(&outcome.losses, &golden["losses"]);
    let weights = golden.get("weights").map_or(0.0, |golden| distance(&outcome.model, golden));
    let average = outcome.average.as_ref().map_or(0.0, |average| distance(average, &golden["average"]));
    println!("{case}: losses {losses:.1e}, weights {weights:.1e}, average {average:.1e}");
    assert!(
        losses <= tolerance && weights <= tolerance && average <= tolerance,
        "{case}: {losses} {weights} {average}"
    );
    outcome
}

#[test]
fn plain_updates() {
    follows("sgd", &settings(), STEPS, EXACT);
}

#[test]
fn schedule_clipping_and_average() {
    let mut schedule = ScheduleConfig::cosine().with_warmup_epochs(0.2);
    schedule.warmup_factor = Some(0.1);
    let config = TrainConfig {
        schedule,
        gradient_clip: Some(GradientClipConfig::Norm(0.5)),
        ema: Some(ModelEmaConfig { decay: 0.9, ..ModelEmaConfig::default() }),
        ..settings()
    };
    follows("cosine_norm_ema", &config, STEPS, EXACT);
}

#[test]
fn one_cycle_value_clipping_and_accumulation() {
    let mut optimizer = OptimizerConfig::adamw(0.01);
    if let OptimizerConfig::AdamW(config) = &mut optimizer {
        (config.weight_decay, config.epsilon) = (0.05, 1e-4);
    }
    let one_cycle = OneCycleSchedule { anneal: Anneal::Cosine, ..OneCycleSchedule::default() };
    let config = TrainConfig {
        optimizer,
        schedule: ScheduleShape::OneCycle(one_cycle).into(),
        gradient_clip: Some(GradientClipConfig::Value(0.02)),
        gradient_accumulation: 2,
        ..settings()
    };
    follows("one_cycle_value_accumulated", &config, STEPS, EXACT);
}

#[test]
fn parameter_groups() {
    let optimizer = sgd().with_learning_rate(0.03);
    let config = TrainConfig { optimizer, parameter_groups: Some(ParameterGroupsConfig::default()), ..settings() };
    follows("groups", &config, STEPS, EXACT);
}

#[test]
fn look_ahead() {
    let config = TrainConfig { look_ahead: Some(LookAheadConfig { every: 5, alpha: 0.5 }), ..settings() };
    follows("look_ahead", &config, STEPS, EXACT);
}

#[test]
fn sharpness() {
    for (case, rho, adaptive) in [("sharpness", 0.05, false), ("sharpness_adaptive", 0.5, true)] {
        let config = TrainConfig { sharpness: Some(SharpnessConfig { rho, adaptive }), ..settings() };
        follows(case, &config, STEPS, EXACT);
    }
}

#[test]
fn stochastic_weight_average() {
    let swa = Some(SwaConfig { start_epoch: 6, statistics_batches: None });
    let outcome = follows("swa", &TrainConfig { epochs: 10, swa, ..settings() }, 5, EXACT);
    let golden = &golden("swa")["running_means"];
    let statistics = Numbers::of(outcome.average.as_ref().expect("averaged"));
    let mut compared = 0;
    for (name, values) in statistics.iter().filter(|(name, _)| name.contains("running_mean")) {
        let difference = largest_difference(values, &golden[name.as_str()]);
        assert!(difference <= EXACT, "{name}: {difference}");
        compared += 1;
    }
    assert_eq!(compared, 5);
}

/// PyTorch's autocast rounds in other places than we do, so two paths in half precision are compared by how far each is from the true one.
#[test]
fn half_precision_follows_within_its_rounding() {
    let path = |case: &str| floats(&golden(case)["losses"]);
    let apart =
        |a: &[f64], b: &[f64]| (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64).sqrt();
    let within = |name: &str, own: f64, pytorch: f64| {
        println!("{name}: losses {own:.1e} away (root mean square), PyTorch's {pytorch:.1e}");
        assert!(own < 1.5 * pytorch, "{name}: {own} against {pytorch}");
    };
    let outcome = train(&TrainConfig { precision: Precision::Bf16, ..settings() }, STEPS);
    within("bf16", apart(&outcome.losses, &path("sgd")), apart(&path("bf16"), &path("sgd")));

    let clipped = TrainConfig { gradient_clip: Some(GradientClipConfig::Norm(1.0)), ..settings() };
    let loss_scale = LossScaleConfig { initial: 256.0, growth_interval: 8, ..LossScaleConfig::default() };
    let outcome = train(&TrainConfig { precision: Precision::F16, loss_scale, ..clipped.clone() }, STEPS);
    let pytorch = apart(&path("f16"), &path("clipped"));
    within("f16", apart(&outcome.losses, &path("clipped")), pytorch);
    assert_eq!(outcome.scales, floats(&golden("f16")["scales"]));

    // The first updates are left out, until the scale is small enough; so there is no true path to be held against.
    let initial = 1_099_511_627_776.0;
    let loss_scale = LossScaleConfig { initial, growth_interval: 1000, ..LossScaleConfig::default() };
    let outcome = train(&TrainConfig { precision: Precision::F16, loss_scale, ..clipped }, STEPS);
    within("f16, overflowing", apart(&outcome.losses, &path("f16_overflowing")), pytorch);
    assert_eq!(outcome.scales, floats(&golden("f16_overflowing")["scales"]));
}
