//! Heads, necks and losses give the numbers of torchvision, timm and the papers' formulas (`scripts/make_head_goldens.py`), with
//! their gradients where they are losses.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use mvl_core::{Features, Head, HeadFactory, ModelConfig, Neck, Tap, TapSet};
use mvl_models::heads::dense::{DeepLabV3HeadFactory, FcnHeadConfig};
use mvl_models::layers::{AttentionPoolConfig, GeM};
use mvl_models::losses::{ArcFaceConfig, BinaryCrossEntropy, CrossEntropy};
use mvl_models::necks::{
    AsppConfig, BiFpnConfig, ExtraLevels, FpnConfig, Levels, NeckConfig, PafpnConfig, UnetDecoderConfig,
};
use serde_json::Value;

use super::fixtures::{cpu, fixture_json, floats, formula, largest_difference, uniform};

const TOLERANCE: f32 = 1e-5;
const WIDTH: usize = 6;
const PICTURE: [usize; 2] = [10, 14];

/// Fills every parameter by the formula of its PyTorch key: our path with replacements made in order.
fn filled<M: Module>(module: M, replacements: &[(&str, &str)]) -> M {
    struct Fill<'a> {
        path: Vec<String>,
        containers: Vec<String>,
        replacements: &'a [(&'a str, &'a str)],
    }
    impl ModuleMapper for Fill<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            if !container.starts_with("Enum:") {
                self.path.push(name.to_owned());
            }
            self.containers.push(container.to_owned());
        }
        fn exit_module(&mut self, _name: &str, container: &str) {
            if !container.starts_with("Enum:") {
                self.path.pop();
            }
            self.containers.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let mut key = self.path.join(".");
            for (from, to) in [(".gamma", ".weight"), (".beta", ".bias")].iter().chain(self.replacements) {
                key = key.replace(from, to);
            }
            let mut shape = param.lazy_shape().to_vec();
            let linear = self.containers.last().is_some_and(|owner| owner == "Struct:Linear") && D == 2;
            if linear {
                shape.reverse();
            }
            let values = formula(&key, &shape);
            param.map(|old| {
                let values: Tensor<D> = Tensor::from_data(TensorData::new(values, shape), &old.device());
                if linear { values.swap_dims(0, 1) } else { values }
            })
        }
    }
    module.map(&mut Fill { path: Vec::new(), containers: Vec::new(), replacements })
}

fn inputs<const D: usize>(key: &str, shape: [usize; D], scale: f64, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = uniform(key).take(shape.iter().product()).map(|u| ((u - 0.5) * scale) as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn assert_equal<const D: usize>(what: &str, got: Tensor<D>, expected: &Value) {
    let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).expect("a shape");
    assert_eq!(got.dims().to_vec(), shape, "{what}");
    let expected: Vec<f32> = serde_json::from_value(expected["values"].clone()).expect("numbers");
    let got = floats(got);
    let scale = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    let difference = largest_difference(&got, &expected) / scale;
    assert!(difference < TOLERANCE, "{what}: off by {difference}");
    println!("{what}: {difference:.1e}");
}

/// The backbone's taps and maps in the fixture.
fn maps(golden: &Value) -> (Vec<Tap>, Features) {
    let shapes: Vec<[usize; 4]> = serde_json::from_value(golden["maps"].clone()).expect("shapes");
    let mut features = Features::new().with_picture_size(PICTURE);
    let taps = shapes.iter().enumerate().map(|(index, &shape)| {
        features.keep_map(TapSet::one(index), index, &inputs(&format!("map{index}"), shape, 4.0, &cpu()));
        Tap::map(format!("map{index}"), shape[1], 2 << index)
    });
    (taps.collect(), features)
}

#[test]
fn necks_equal_their_references() {
    let golden = fixture_json("heads.json");
    let (taps, features) = maps(&golden);
    let levels = Levels::Coarsest(3);
    let fpn = |extra| NeckConfig::Fpn(FpnConfig { levels: levels.clone(), width: WIDTH, extra });
    // `inner_blocks.0.weight` is `inner_blocks.0.0.weight` in torchvision
    let indexed: Vec<(String, String)> = ["inner_blocks", "layer_blocks"]
        .iter()
        .flat_map(|list| (0..3).map(move |index| (format!("{list}.{index}."), format!("{list}.{index}.0."))))
        .collect();
    let pyramid: Vec<(&str, &str)> = indexed.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let unet = UnetDecoderConfig { levels: levels.clone(), widths: vec![6, 5, 4], full_size: true };
    let aspp = AsppConfig { tap: None, width: WIDTH, rates: vec![1, 2, 3], dropout: 0.5 };
    let bifpn = BiFpnConfig { levels: levels.clone(), width: WIDTH, layers: 2, extra: 1 };
    let pafpn = PafpnConfig { levels: levels.clone(), width: WIDTH, extra: ExtraLevels::None };
    let cases = vec![
        ("fpn", fpn(ExtraLevels::None), pyramid.clone()),
        ("fpn_max_pool", fpn(ExtraLevels::MaxPool), pyramid.clone()),
        ("fpn_convs", fpn(ExtraLevels::Convs), pyramid.clone()),
        ("fpn_backbone_convs", fpn(ExtraLevels::BackboneConvs), pyramid.clone()),
        ("pafpn", NeckConfig::Pafpn(pafpn), pyramid),
        ("bifpn", NeckConfig::BiFpn(bifpn), vec![]),
        ("unet", NeckConfig::Unet(unet), vec![(".conv.", ".0."), (".norm.", ".1.")]),
        ("aspp", NeckConfig::Aspp(aspp), ASPP.to_vec()),
    ];
    for (name, config, replacements) in cases {
        let neck = filled(config.build("maps", &taps, &cpu()).expect("the maps fit"), &replacements);
        let mut output = neck.forward(features.clone());
        assert_eq!(output.picture_size(), Some(PICTURE));
        let expected = golden["necks"][name].as_array().expect("maps");
        assert_eq!(neck.taps().len(), expected.len(), "{name}");
        for (index, expected) in expected.iter().enumerate() {
            assert_equal(&format!("{name} {}", neck.taps()[index].name), output.take_map(index), expected);
        }
    }
}

const ASPP: [(&str, &str); 4] =
    [("pool.conv.", "convs.4.1."), ("pool.norm.", "convs.4.2."), (".conv.", ".0."), (".norm.", ".1.")];

#[test]
fn attention_pool_equals_timm() {
    let golden = fixture_json("heads.json");
    for (name, norm) in [("attention_pool", None), ("attention_pool_norm", Some(1e-5))] {
        let config = AttentionPoolConfig::new(8, 2).with_mlp_ratio(2.0).with_norm(norm);
        let pool = filled(config.init(&cpu()), &[]);
        assert_equal(name, pool.forward(inputs("tokens", [2, 5, 8], 4.0, &cpu())), &golden[name]);
    }
}

#[test]
fn gem_equals_its_formula() {
    let golden = &fixture_json("heads.json")["gem"];
    let device = cpu().autodiff();
    let gem = GeM::new(&device);
    let cells = inputs("cells", [2, 6, 4], 4.0, &device).require_grad();
    let pooled = gem.forward(cells.clone());
    assert_equal("gem", pooled.clone(), &golden["pooled"]);
    let gradients = (pooled * inputs("gem_weights", [2, 4], 4.0, &device)).sum().backward();
    assert_equal("cells", cells.grad(&gradients).expect("a gradient"), &golden["cells_gradient"]);
    assert_equal("p", gem.p.val().grad(&gradients).expect("a gradient"), &golden["p_gradient"]);
}

#[test]
fn dense_heads_equal_torchvision() {
    let golden = fixture_json("heads.json");
    let (device, keep) = (cpu(), TapSet::one(0));
    let fcn = FcnHeadConfig::new(3).with_hidden(Some(2)).with_dropout(0.1).init(&[Tap::map("map", 8, 4)], 0, &device);
    let fcn = filled(fcn, &[("hidden.conv.", "0."), ("hidden.norm.", "1."), ("classifier.", "4.")]);
    let mut features = Features::new().with_picture_size([11, 13]);
    features.keep_map(keep, 0, &inputs("fcn_map", [2, 8, 3, 4], 4.0, &device));
    assert_equal("fcn", fcn.forward(features), &golden["fcn"]);

    let (taps, features) = maps(&golden);
    let config = ModelConfig::new("maps", 3).with_head("deeplabv3");
    let head = DeepLabV3HeadFactory.create_head(&config, &taps, &device).expect("the maps fit");
    let mut replacements =
        vec![("head.hidden.conv.", "1."), ("head.hidden.norm.", "2."), ("head.classifier.", "4."), ("neck.", "0.")];
    replacements.extend(ASPP);
    let head = filled(head, &replacements);
    assert_equal("deeplabv3", head.forward(features.with_picture_size([10, 15])), &golden["deeplabv3"]);
}

#[test]
fn binary_cross_entropy_equals_pytorch() {
    let golden = &fixture_json("head_losses.json")["binary_cross_entropy"];
    let device = cpu().autodiff();
    let targets: Vec<f32> = serde_json::from_value(golden["targets"]["values"].clone()).expect("numbers");
    let targets: Tensor<2> = Tensor::from_data(TensorData::new(targets, [4, 3]), &device);
    for case in golden["cases"].as_array().expect("cases") {
        let smoothing = case["smoothing"].as_f64().expect("a number");
        let weights = serde_json::from_value(case["positive_weights"].clone()).expect("numbers");
        let loss = BinaryCrossEntropy::new().with_label_smoothing(smoothing).with_positive_weights(weights);
        let logits = inputs("bce_logits", [4, 3], 12.0, &device).require_grad();
        let value = loss.forward(logits.clone(), targets.clone());
        let gradient = logits.grad(&value.backward()).expect("a gradient");
        let difference = (value.into_scalar::<f32>() - case["loss"].as_f64().expect("a number") as f32).abs();
        assert!(difference < TOLERANCE, "smoothing {smoothing}: off by {difference}");
        assert_equal("gradient", gradient, &case["gradient"]);
    }
}

#[test]
fn binary_cross_entropy_is_finite_at_large_logits_and_moves_at_zero() {
    let device = cpu().autodiff();
    let logits = Tensor::<2>::from_floats([[1e4, -1e4, 0.0]], &device).require_grad();
    let value = BinaryCrossEntropy::new().forward(logits.clone(), Tensor::from_floats([[0.0, 1.0, 1.0]], &device));
    let gradient = floats(logits.grad(&value.backward()).expect("a gradient"));
    assert!((value.into_scalar::<f32>() * 3.0 - 2e4 - 2f32.ln()).abs() < 0.01);
    assert!(largest_difference(&gradient, &[1.0 / 3.0, -1.0 / 3.0, -1.0 / 6.0]) < TOLERANCE, "{gradient:?}");
}

#[test]
fn arc_face_equals_its_formula() {
    let golden = &fixture_json("head_losses.json")["arc_face"];
    let device = cpu().autodiff();
    let labels: Vec<i64> = serde_json::from_value(golden["labels"].clone()).expect("numbers");
    let labels = Tensor::<1, Int>::from_ints(labels.as_slice(), &device);
    for case in golden["cases"].as_array().expect("cases") {
        let [scale, margin] = ["scale", "margin"].map(|field| case[field].as_f64().expect("a number"));
        let mut arc_face = ArcFaceConfig::new(5, 4).with_scale(scale).with_margin(margin).init(&device);
        arc_face.weight = Param::from_tensor(inputs("arc_weight", [4, 5], 4.0, &device));
        let embeddings = inputs("arc_embeddings", [4, 5], 4.0, &device).require_grad();
        let logits = arc_face.forward(embeddings.clone(), labels.clone());
        assert_equal(&format!("margin {margin}"), logits.clone(), &case["logits"]);
        let loss = CrossEntropy::new().forward(logits, labels.clone());
        let gradients = loss.backward();
        let difference = loss.into_scalar::<f32>() / case["loss"].as_f64().expect("a number") as f32 - 1.0;
        assert!(difference.abs() < TOLERANCE, "margin {margin}: loss off by {difference}");
        let gradient = |tensor: &Tensor<2>| tensor.grad(&gradients).expect("a gradient");
        assert_equal("embeddings", gradient(&embeddings), &case["embeddings_gradient"]);
        assert_equal("directions", gradient(&arc_face.weight.val()), &case["weight_gradient"]);
    }
}

#[test]
fn arc_face_is_finite_where_sample_and_class_are_one() {
    let device = cpu().autodiff();
    let mut arc_face = ArcFaceConfig::new(2, 2).init(&device);
    arc_face.weight = Param::from_tensor(Tensor::from_floats([[1.0, 0.0], [0.0, 1.0]], &device));
    let embeddings = Tensor::<2>::from_floats([[3.0, 0.0], [0.0, -2.0], [0.0, 0.0]], &device).require_grad();
    let labels = Tensor::<1, Int>::from_ints([0, 1, 0], &device);
    let loss = CrossEntropy::new().forward(arc_face.forward(embeddings.clone(), labels.clone()), labels);
    let gradient = floats(embeddings.grad(&loss.backward()).expect("a gradient"));
    assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
}
