//! Backends and the registry, as their users meet them.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{
    Backbone, Backend, BackendError, BoxedBackbone, BoxedHead, Cpu, Features, Head, HeadFactory, Layout, ModelConfig,
    ModelError, ModelFactory, NdArray, Registry, Tap, TapSet, count_parameters,
};

fn opens_and_counts<B: Backend>() {
    assert_eq!(B::device_count(), 1, "{}", B::NAME);
    let device = B::device(0).expect("the machine has a processor");
    let two: f32 = Tensor::<1>::from_floats([1.0, 1.0], &device).sum().into_scalar();
    assert_eq!(two, 2.0, "{}", B::NAME);
    let BackendError::NoDevice { backend, ordinal, available, .. } = B::device(3).expect_err("there is only one")
    else {
        panic!("another error");
    };
    assert_eq!((backend, ordinal, available), (B::NAME, 3, 1));
}

#[test]
fn the_same_code_runs_on_each_backend() {
    opens_and_counts::<Cpu>();
    opens_and_counts::<NdArray>();
}

/// The channel means of the image: a backbone without convolutions, times a learnt factor.
#[derive(Module, Debug)]
struct Scale {
    linear: Linear,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl Backbone for Scale {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let last = self.linear.forward(images.permute([0, 2, 3, 1])).permute([0, 3, 1, 2]); // [N, C, H, W]
        features.keep_map(keep, 0, &last);
        features
    }
}

struct ScaleFactory;

impl ModelFactory for ScaleFactory {
    fn name(&self) -> &str {
        "scale"
    }

    fn family(&self) -> &str {
        "test"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        #[derive(Default, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct NoOptions {}
        let NoOptions {} = config.options.read(self.name())?;
        let channels = config.in_channels;
        let linear = LinearConfig::new(channels, channels).init(device);
        Ok(BoxedBackbone::new(Scale { linear, taps: vec![Tap::map("out", channels, 1)] }))
    }
}

#[derive(Module, Debug)]
struct MeanHead {
    linear: Linear,
}

impl Head for MeanHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(0)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let map = features.take_map(0);
        let [count, channels, ..] = map.dims();
        self.linear.forward(map.flatten::<3>(2, 3).mean_dim(2).reshape([count, channels]))
    }
}

struct MeanHeadFactory;

impl HeadFactory<Tensor<2>> for MeanHeadFactory {
    fn name(&self) -> &str {
        "linear"
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        assert_eq!(taps[0].layout, Layout::Map);
        Ok(BoxedHead::new(MeanHead { linear: LinearConfig::new(taps[0].channels, config.num_classes).init(device) }))
    }
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register_model(ScaleFactory).register_head(MeanHeadFactory);
    registry
}

fn keeps_its_contract<B: Backend>() {
    let device = B::device(0).expect("the machine has a processor");
    mvl_core::conformance::factory(&ScaleFactory, &ModelConfig::new("scale", 2), &device);
    let model = registry().create_classifier(&ModelConfig::new("scale", 5), &device).expect("a valid config");
    assert_eq!(model.forward(Tensor::zeros([2, 3, 4, 4], &device)).dims(), [2, 5]);
    assert_eq!(count_parameters(&model), 3 * 3 + 3 + 3 * 5 + 5);
}

#[test]
fn a_model_of_ones_own_passes_the_suite() {
    keeps_its_contract::<Cpu>();
    keeps_its_contract::<NdArray>();
}

#[test]
fn boxing_keeps_paths_and_finds_the_type_again() {
    let device = Cpu::device(0).expect("the machine has a processor");
    let model = registry().create_classifier(&ModelConfig::new("scale", 2), &device).expect("a valid config");
    assert!(model.backbone.downcast_ref::<Scale>().is_some());
    assert!(model.backbone.downcast_ref::<MeanHead>().is_none());
    #[derive(Default)]
    struct Paths(Vec<String>, Vec<String>);
    impl burn::module::ModuleVisitor for Paths {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, _: &burn::module::Param<Tensor<D>>) {
            self.1.push(self.0.join("."));
        }
    }
    let mut paths = Paths::default();
    model.visit(&mut paths);
    assert_eq!(paths.1, ["backbone.linear.weight", "backbone.linear.bias", "head.linear.weight", "head.linear.bias"]);
}

#[test]
fn names_and_options_that_are_unknown_are_errors_that_help() {
    let device = Cpu::device(0).expect("the machine has a processor");
    let create =
        |config: ModelConfig| registry().create_classifier(&config, &device).expect_err("a bad config").to_string();
    for (config, message) in [
        (
            ModelConfig::new("scales", 2),
            "unknown model \"scales\", did you mean \"scale\"?; `mvl models list` shows all names",
        ),
        (ModelConfig::new("scale", 2).with_head("liner"), "unknown head \"liner\"; known heads: linear"),
        (ModelConfig::new("scale", 0), "invalid options for \"scale\": num_classes: expected 1 to 1048576, got 0"),
    ] {
        assert_eq!(create(config), message);
    }
    let misspelt = create(ModelConfig::new("scale", 2).with_option("stme", "small"));
    assert!(misspelt.starts_with("invalid options for \"scale\": unknown field `stme`"), "{misspelt}");
}
