//! A copy of a model in a lower precision, inside the graph of gradients, so that they arrive at the original.
//! Micikevicius et al. 2017, <https://arxiv.org/abs/1710.03740>.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Tensor};

use super::Precision;
use super::keep::Meant;
use super::place::{Bearer, Place};
use crate::is_learnt;

/// A copy of a model whose parameters are cast to a lower precision, for one forward and backward pass.
///
/// The casts are part of the graph of gradients: after `backward` on what the copy answers, the gradients of the original's
/// parameters are there, in their own type (`GradientsParams::from_grads(gradients, &model)`). Parameters keep their `ParamId`.
///
/// These stay as they are:
/// - what normalisations bear, and other layers that always compute in `f32`: structs whose names end in `Norm` or `Norm2d`,
///   `LayerScale` and `GeM`;
/// - linear layers and convolutions that a pattern of `keep` means, as [`matches_path`](crate::matches_path) has it: whole layers,
///   also where a pattern means one parameter of theirs. [`keep_problems`](super::keep_problems) tells patterns that keep nothing;
/// - running statistics: fields whose names begin with `running_`, as those of your own modules must. They are shared with the
///   original, so that what the copy gathers is the original's;
/// - quantised parameters.
///
/// All else is cast, including parameters of no layer, such as tables of positions, and `buffer_…` constants outside of
/// normalisations: they meet what flows through the net. A backbone must run burn's layers by
/// [`forward_mixed`](super::MixedForward) for it. In [`Precision::F32`] nothing is cast.
///
/// # Example
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use burn::optim::GradientsParams;
/// use burn::tensor::{DType, Tensor};
/// use mvl_core::{Backend, Cpu, MixedForward, Precision, lower_precision};
///
/// let device = Cpu::device(0)?.autodiff();
/// let model: Linear = LinearConfig::new(4, 2).init(&device);
/// let lowered = lower_precision(&model, Precision::Bf16, &[]);
/// let input = Tensor::<2>::ones([3, 4], &device).cast(lowered.weight.val().dtype());
/// let loss = lowered.forward_mixed(input).cast(DType::F32).sum();
/// let gradients = GradientsParams::from_grads(loss.backward(), &model);
/// let gradient = gradients.get::<2>(model.weight.id).expect("it takes part");
/// assert_eq!(gradient.dtype(), DType::F32);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[must_use]
pub fn lower_precision<M: Module>(model: &M, precision: Precision, keep: &[String]) -> M {
    if precision == Precision::F32 {
        return model.clone();
    }
    let kept = Meant::by(model, keep).layers;
    model.clone().map(&mut Lower { dtype: precision.dtype(), kept, place: Place::default() })
}

struct Lower {
    dtype: DType,
    /// Paths of layers that stay.
    kept: BTreeSet<String>,
    place: Place,
}

impl Lower {
    fn stays(&self) -> bool {
        let field = self.place.field();
        // Whatever a mapper makes of a running state is the original's too: it must not be cast.
        if !is_learnt(field) && !field.starts_with("buffer_") {
            return true;
        }
        match self.place.bearer() {
            (_, Bearer::Norm) => true,
            (layer, Bearer::Layer) => self.kept.contains(layer),
            (_, Bearer::Raw) => false,
        }
    }
}

impl ModuleMapper for Lower {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.place.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.stays() {
            return param;
        }
        param.map(|value| match value.dtype() {
            own if own.is_float() && own != self.dtype => value.cast(self.dtype),
            _ => value,
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::conv::{Conv2d, Conv2dConfig};
    use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Distribution};

    use super::super::{MixedForward, keep_problems};
    use super::*;
    use crate::{Backend, Cpu, freeze};

    #[derive(Module, Debug)]
    struct Net {
        conv: Conv2d,
        norm: BatchNorm,
        pos_embed: Param<Tensor<3>>,
        buffer_shift: Param<Tensor<1>>,
        head: Linear,
    }

    impl Net {
        fn new(device: &Device) -> Self {
            Self {
                conv: Conv2dConfig::new([3, 4], [3, 3]).init(device),
                norm: BatchNormConfig::new(4).init(device),
                pos_embed: Param::from_tensor(Tensor::ones([1, 4, 4], device)),
                buffer_shift: Param::from_tensor(Tensor::ones([4], device)).set_require_grad(false),
                head: LinearConfig::new(4, 2).init(device),
            }
        }

        /// `[N, 3, 4, 4]` → `[N, 2]`
        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            let images = images.cast(self.pos_embed.val().dtype());
            let map = self.norm.forward_mixed(self.conv.forward_mixed(images)); // [N, 4, 2, 2]
            let tokens = map.flatten::<3>(2, 3) + self.pos_embed.val(); // [N, 4, 4]
            let pooled: Tensor<2> = tokens.mean_dim(2).squeeze_dim(2);
            self.head.forward_mixed(pooled + self.buffer_shift.val().unsqueeze()).cast(DType::F32)
        }
    }

    /// Paths of float parameters with their types.
    #[derive(Default)]
    struct Types(Place, Vec<(String, DType, bool)>);

    impl burn::module::ModuleVisitor for Types {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.0.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.push((self.0.path().to_owned(), param.val().dtype(), param.val().is_require_grad()));
        }
    }

    /// The paths of what is of this type.
    fn of_type<M: Module>(model: &M, dtype: DType) -> Vec<String> {
        let mut types = Types::default();
        model.visit(&mut types);
        types.1.into_iter().filter(|(_, own, _)| *own == dtype).map(|(path, ..)| path).collect()
    }

    fn device() -> Device {
        Cpu::device(0).expect("a CPU").autodiff()
    }

    #[test]
    fn normalisations_and_what_is_kept_stay() {
        let net = Net::new(&device());
        let norm = ["norm.gamma", "norm.beta", "norm.running_mean", "norm.running_var"];
        let kept = |keep: &[&str]| {
            let keep: Vec<_> = keep.iter().map(|&pattern| pattern.to_owned()).collect();
            of_type(&lower_precision(&net, Precision::Bf16, &keep), DType::F32)
        };
        assert_eq!(kept(&[]), norm);
        for pattern in ["head", "head.*", "*.bias"] {
            let kept = kept(&[pattern]);
            assert!(kept.iter().any(|path| path == "head.weight") && kept.iter().any(|path| path == "head.bias"));
        }
        assert_eq!(kept(&["pos_embed"]), norm);
        assert_eq!(kept(&["*"]).len(), 8, "two layers and a normalisation");
        assert_eq!(of_type(&net, DType::F32).len(), 10, "the original is as before");
        let same = lower_precision(&net, Precision::F32, &[]);
        assert_eq!(of_type(&same, DType::F32).len(), 10);
    }

    #[test]
    fn patterns_that_keep_nothing_are_problems() {
        let net = Net::new(&device());
        let patterns = ["head", "heads", "pos_embed", "norm", "*"].map(str::to_owned);
        let expected = [
            "keep_f32[1]: no layer is called \"heads\"",
            "keep_f32[2]: expected a linear layer, convolution or normalisation, got pos_embed",
        ];
        assert_eq!(keep_problems(&net, &patterns), expected);
    }

    /// Every parameter's gradient in `f32` at the original, near the one of `f32`, and the running mean of the original moves.
    #[test]
    fn gradients_and_statistics_arrive_at_the_original() {
        let device = device();
        device.seed(3);
        let images = Tensor::<4>::random([8, 3, 4, 4], Distribution::Normal(0.0, 1.0), &device);
        let target = Tensor::<2>::random([8, 2], Distribution::Default, &device);
        let gradients = |net: &Net, precision| {
            let lowered = lower_precision(net, precision, &[]);
            let loss = (lowered.forward(images.clone()) - target.clone()).powi_scalar(2).sum();
            GradientsParams::from_grads(loss.backward(), net)
        };
        let net = Net::new(&device);
        let exact = gradients(&net, Precision::F32);
        for (precision, tolerance) in [(Precision::Bf16, 0.25), (Precision::F16, 0.05)] {
            let before = net.norm.running_mean.value_sync().to_data();
            let lowered = gradients(&net, precision);
            let after = net.norm.running_mean.value_sync();
            assert_ne!(after.to_data(), before, "{precision}: the statistics move");
            assert_eq!(after.dtype(), DType::F32);
            assert_eq!(lowered.len(), 7, "{precision}: two layers, a normalisation and the positions");
            let near = |got: Option<Tensor<1>>, expected: Option<Tensor<1>>, name: &str| {
                let (got, expected) = (got.expect("a gradient"), expected.expect("a gradient"));
                assert_eq!(got.dtype(), DType::F32, "{precision}: {name}");
                let scale = expected.clone().abs().max().into_scalar::<f32>().max(0.1);
                let difference = (got - expected).abs().max().into_scalar::<f32>() / scale;
                assert!(difference < tolerance, "{precision}: {name} differs by {difference}");
            };
            near(
                lowered.get::<4>(net.conv.weight.id).map(|tensor| tensor.flatten(0, 3)),
                exact.get::<4>(net.conv.weight.id).map(|tensor| tensor.flatten(0, 3)),
                "conv.weight",
            );
            near(lowered.get(net.norm.gamma.id), exact.get(net.norm.gamma.id), "norm.gamma");
            near(
                lowered.get::<3>(net.pos_embed.id).map(|tensor| tensor.flatten(0, 2)),
                exact.get::<3>(net.pos_embed.id).map(|tensor| tensor.flatten(0, 2)),
                "pos_embed",
            );
            near(
                lowered.get::<2>(net.head.weight.id).map(|tensor| tensor.flatten(0, 1)),
                exact.get::<2>(net.head.weight.id).map(|tensor| tensor.flatten(0, 1)),
                "head.weight",
            );
        }
    }

    #[test]
    fn what_is_frozen_stays_frozen() {
        let device = device();
        let (net, _) = freeze(Net::new(&device), "conv");
        let lowered = lower_precision(&net, Precision::Bf16, &[]);
        let loss = lowered.forward(Tensor::ones([2, 3, 4, 4], &device)).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        assert!(gradients.get::<4>(net.conv.weight.id).is_none());
        assert!(gradients.get::<2>(net.head.weight.id).is_some());
        assert!(net.head.weight.val().is_require_grad(), "the original goes on learning");
    }
}
