//! Heads and necks give the numbers of torchvision, timm and the papers' formulas (`scripts/make_head_goldens.py`).

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use mvl_core::{Features, Head, HeadFactory, ModelConfig, Neck, Tap, TapSet};
use mvl_models::heads::dense::{DeepLabV3HeadFactory, FcnHeadConfig};
use mvl_models::layers::{AttentionPoolConfig, GeM};
use mvl_models::necks::{
    AsppConfig, BiFpnConfig, ExtraLevels, FpnConfig, Levels, NeckConfig, PafpnConfig, UnetDecoderConfig,
};
use serde_json::Value;

use super::fixtures::{assert_equal, cpu, fixture_json, formula, inputs};

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
