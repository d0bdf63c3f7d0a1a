//! Operations one by one, as a backbone of somebody's own may use them: equal in onnxruntime, for any number of pictures.

use std::path::Path;

use burn::nn::conv::{Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvTranspose2dConfig};
use burn::nn::pool::{
    AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AvgPool1dConfig, AvgPool2dConfig, MaxPool1dConfig,
    MaxPool2dConfig,
};
use burn::nn::{
    BatchNormConfig, EmbeddingConfig, GroupNormConfig, LayerNormConfig, Linear, LinearConfig, PReluConfig,
    PaddingConfig2d, RmsNormConfig,
};
use burn::tensor::module::{attention, interpolate};
use burn::tensor::ops::{AttentionModuleOptions, InterpolateMode, InterpolateOptions, PadMode};
use burn::tensor::{Device, Distribution, Int, Tensor, activation, s};
use mvl_core::{Backend, Cpu};
use mvl_infer::export::{OnnxExport, write_trial};

use crate::onnxruntime::assert_equal_in_onnxruntime;
use crate::structure::assert_well_formed;

const PICTURE: [usize; 3] = [4, 7, 10];
const BATCHES: [usize; 3] = [1, 2, 5];

/// Exports functions of pictures, and writes their answers down.
struct Cases<'a> {
    folder: &'a Path,
    device: Device,
    /// The exporter wants a module; this one has no say in the answer.
    module: Linear,
    count: usize,
}

impl Cases<'_> {
    fn add<const D: usize>(&mut self, name: &str, forward: impl Fn(Tensor<4>) -> Tensor<D>) {
        println!("{name}");
        let export = OnnxExport::of_module(&self.module, PICTURE, |_, images| forward(images)).without_fusing();
        let exported = export.build().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_well_formed(&exported.to_bytes().expect("it is small"));
        let folder = self.folder.join(name);
        exported.write(folder.join("model.onnx")).expect("writable");
        write_trial(&folder, &BATCHES, PICTURE, &self.device, &forward).expect("writable");
        self.count += 1;
    }
}

#[test]
fn operations_are_equal_in_onnxruntime() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let device = Cpu::device(0).expect("a CPU");
    device.seed(3);
    let module = LinearConfig::new(1, 1).init(&device);
    let mut cases = Cases { folder: folder.path(), device, module, count: 0 };
    elementwise(&mut cases);
    reductions(&mut cases);
    rearranged(&mut cases);
    the_batch_itself(&mut cases);
    layers(&mut cases);
    pools_and_sizes(&mut cases);
    attentions(&mut cases);
    assert_equal_in_onnxruntime(folder.path(), cases.count * BATCHES.len());
}

fn elementwise(cases: &mut Cases<'_>) {
    cases.add("arithmetic", |x| {
        ((x.clone() * 2.0 - 1.0) / 3.0 + x.clone().abs()) * x.clone() - x.clone().neg() / (x.powi_scalar(2) + 1.0)
    });
    cases.add("powers", |x| x.clone().abs().powf_scalar(1.7) + x.clone().powi_scalar(3) + x.abs().sqrt() + 1.0);
    cases.add("transcendental", |x| {
        let positive = x.clone().abs() + 0.5;
        x.clone().exp()
            + positive.clone().log()
            + positive.clone().log1p()
            + positive.recip()
            + x.clone().erf()
            + x.clone().sin()
            + x.cos()
    });
    cases.add("rounded", |x| x.clone().floor() + x.clone().ceil() + (x.clone() * 3.0).round() + x.sign());
    cases.add("clamped", |x| x.clone().clamp(-0.5, 0.7) + x.clone().clamp_min(0.1) + x.clamp_max(0.2));
    cases.add("masked", |x| {
        let mask = x.clone().greater_scalar(0.3).bool_or(x.clone().lower_equal_scalar(-0.6));
        let filled = x.clone().mask_fill(mask.clone(), 4.0);
        filled.mask_where(mask.bool_not().bool_and(x.clone().equal_scalar(0.0).bool_not()), x * 2.0)
    });
    cases.add("compared", |x| {
        let [one, other] = [x.clone().narrow(1, 0, 2), x.narrow(1, 2, 2)];
        one.clone().greater(other.clone()).float()
            + one.clone().lower_equal(other.clone()).float() * 2.0
            + one.not_equal(other).int().float()
    });
    let prelu = PReluConfig::new().with_num_parameters(4).init(&cases.device);
    on_device(cases, "activations", prelu, |prelu, x| {
        let many = [
            activation::relu(x.clone()),
            activation::gelu(x.clone()),
            activation::sigmoid(x.clone()),
            activation::leaky_relu(x.clone(), 0.1),
            activation::hard_sigmoid(x.clone(), 0.2, 0.5),
            activation::log_sigmoid(x.clone()),
            activation::softplus(x.clone(), 1.0),
            activation::silu(x.clone()),
            activation::mish(x.clone()),
            activation::tanh(x.clone()),
            activation::elu(x.clone(), 1.0),
            prelu.forward(x),
        ];
        Tensor::cat(many.to_vec(), 1)
    });
    cases.add("along an axis", |x| {
        activation::softmax(x.clone(), 1) + activation::log_softmax(x.clone(), 3) + activation::softmin(x, 2)
    });
}

fn reductions(cases: &mut Cases<'_>) {
    cases.add("means and sums", |x| x.clone().mean_dim(2) + x.clone().sum_dim(2) + x.clone().max_dim(2) - x.min_dim(2));
    cases.add("of everything", |x| {
        let [count, ..] = x.dims();
        let alone = x.clone().mean() + x.clone().sum() * 0.1 + x.clone().max() - x.clone().min(); // [1]
        x.flatten::<2>(1, 3).narrow(1, 0, 3) + alone.reshape([1, 1]).expand([count, 3])
    });
    cases.add("places", |x| {
        let (values, places) = x.clone().max_dim_with_indices(3);
        values + places.float() + x.clone().argmax(3).float() * 10.0 + x.argmin(3).float()
    });
    cases.add("largest", |x| {
        let (values, places) = x.topk_with_indices(3, 3);
        Tensor::cat(vec![values, places.float()], 3)
    });
    cases.add("running sums", |x| x.cumsum(2));
    cases.add("variances", |x| x.var(3));
}

fn rearranged(cases: &mut Cases<'_>) {
    cases.add("slices", |x| x.slice(s![.., 1..3, -5..-1, 1..9;3]));
    cases.add("backwards", |x| {
        x.clone().slice(s![.., .., .., 2..8;-2]).flip([1]).narrow(2, 3, 4)
            + x.flip([2, 3]).slice(s![.., .., 0..4, 0..3])
    });
    cases.add("picked", |x| {
        let device = x.device();
        let places = Tensor::<1, Int>::from_ints([3, 0, 0, 2], &device);
        let shape = x.dims();
        let of_each = Tensor::<4, Int>::from_ints([[[[1], [0], [6], [2], [3], [5], [4]]]], &device);
        let gathered = x.clone().gather(3, of_each.expand([shape[0], 4, 7, 1]));
        x.select(1, places).narrow(3, 0, 1) + gathered
    });
    cases.add("repeated", |x| x.clone().repeat_dim(1, 3) + x.repeat_dim(1, 3).permute([0, 1, 2, 3]));
    cases.add("axes", |x| x.swap_dims(1, 3).permute([0, 2, 3, 1]).reshape([0, -1, 20]).swap_dims(1, 2));
    cases.add("padded", |x| {
        let zeros = x.clone().pad([(0, 0), (1, 2)], 0.5);
        let mirrored = x.clone().pad([(0, 0), (1, 2)], PadMode::Reflect);
        zeros + mirrored * 2.0 + x.pad([(0, 0), (1, 2)], PadMode::Edge)
    });
}

fn the_batch_itself(cases: &mut Cases<'_>) {
    let token = Tensor::<3>::random([1, 1, 70], Distribution::Default, &cases.device);
    cases.add("a token for each picture", move |x| {
        let [count, channels, height, width] = x.dims();
        let tokens = x.reshape([count, channels, height * width]);
        let token = token.clone().to_device(&tokens.device());
        Tensor::cat(vec![token.clone().expand([count, 1, 70]), tokens, token.repeat_dim(0, count)], 1)
    });
    cases.add("zeros for each picture", |x| {
        let [count, ..] = x.dims();
        let (zeros, twos) =
            (Tensor::<2>::zeros([count, 3], &x.device()), Tensor::<2>::full([count, 2], 2.0, &x.device()));
        Tensor::cat(vec![zeros, x.flatten::<2>(1, 3), twos], 1)
    });
    cases.add("channels as pictures", |x| {
        let [count, channels, height, width] = x.dims();
        let apart = x.reshape([count * channels, 1, height, width]); // [4 N, 1, H, W]
        let spread = apart.mean_dim(3).expand([count * channels, 1, height, 2]);
        spread.reshape([count, channels, height, 2])
    });
    cases.add("pictures last", |x| {
        let turned = x.permute([1, 2, 3, 0]); // [C, H, W, N]
        activation::relu(turned).permute([3, 0, 1, 2])
    });
    cases.add("pictures backwards", |x| x.flip([0]));
    cases.add("all but nothing", |x| x);
}

fn layers(cases: &mut Cases<'_>) {
    let device = cases.device.clone();
    let uneven = PaddingConfig2d::Explicit(1, 2, 0, 1);
    let conv =
        Conv2dConfig::new([4, 6], [3, 2]).with_padding(uneven).with_stride([2, 1]).with_dilation([1, 2]).with_groups(2);
    let conv = conv.init(&device);
    on_device(cases, "convolution", conv, |conv, x| conv.forward(x));
    let transposed =
        ConvTranspose2dConfig::new([4, 6], [3, 2]).with_stride([2, 3]).with_padding([1, 0]).with_padding_out([1, 2]);
    let transposed = transposed.with_groups(2).init(&device);
    on_device(cases, "transposed convolution", transposed, |conv, x| conv.forward(x));
    let line = Conv1dConfig::new(28, 5, 3).with_stride(2).init(&device);
    on_device(cases, "convolution of a line", line, |conv, x| {
        let [count, ..] = x.dims();
        conv.forward(x.reshape([count, 28, 10]))
    });
    let space = Conv3dConfig::new([1, 2], [2, 3, 3]).init(&device);
    on_device(cases, "convolution in space", space, |conv, x| conv.forward(x.unsqueeze_dim::<5>(1)).flatten::<4>(1, 2));
    let linear = LinearConfig::new(10, 3).init(&device);
    on_device(cases, "linear on maps", linear, |linear, x| linear.forward(x));
    let norms = (
        LayerNormConfig::new(10).init(&device),
        GroupNormConfig::new(2, 4).init(&device),
        RmsNormConfig::new(10).init(&device),
        BatchNormConfig::new(4).init(&device),
    );
    on_device(cases, "normalisations", norms, |(layer, group, rms, batch), x| {
        layer.forward(x.clone()) + group.forward(x.clone()) + rms.forward(x.clone()) + batch.forward(x)
    });
    let table = EmbeddingConfig::new(10, 3).init(&device);
    on_device(cases, "embedding", table, |table, x| table.forward(x.argmax(3).flatten::<2>(1, 3)));
    let weights = Tensor::<4>::random([1, 4, 10, 5], Distribution::Default, &device);
    cases.add("products of matrices", move |x| {
        let weights = weights.clone().to_device(&x.device());
        let shared = weights.clone().narrow(1, 0, 1); // one matrix for all channels
        x.clone().matmul(weights) + x.clone().matmul(shared) + x.clone().matmul(x.swap_dims(2, 3)).narrow(3, 0, 5)
    });
}

/// A case of a module, which goes where it is recorded with the exporter.
fn on_device<M: burn::module::Module, const D: usize>(
    cases: &mut Cases<'_>,
    name: &str,
    module: M,
    forward: impl Fn(&M, Tensor<4>) -> Tensor<D>,
) {
    println!("{name}");
    let export = OnnxExport::of_module(&module, PICTURE, &forward).without_fusing();
    let exported = export.build().unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_well_formed(&exported.to_bytes().expect("it is small"));
    let folder = cases.folder.join(name);
    exported.write(folder.join("model.onnx")).expect("writable");
    write_trial(&folder, &BATCHES, PICTURE, &cases.device, |images| forward(&module, images)).expect("writable");
    cases.count += 1;
}

fn pools_and_sizes(cases: &mut Cases<'_>) {
    for ceil in [false, true] {
        for padding in [0, 1] {
            let name = |kind: &str| format!("{kind} pool, padding {padding}, {}", if ceil { "ceil" } else { "floor" });
            let max = MaxPool2dConfig::new([3, 2])
                .with_strides([2, 3])
                .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding));
            let max = max.with_ceil_mode(ceil).init();
            cases.add(&name("max"), move |x| max.forward(x));
            for counts in [false, true] {
                let mean = AvgPool2dConfig::new([3, 2])
                    .with_strides([2, 3])
                    .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding));
                let mean = mean.with_ceil_mode(ceil).with_count_include_pad(counts).init();
                let kind = if counts { "mean" } else { "mean of what is there" };
                cases.add(&name(kind), move |x| mean.forward(x));
            }
        }
    }
    let lines = (MaxPool1dConfig::new(3).with_stride(2).init(), AvgPool1dConfig::new(3).with_stride(2).init());
    cases.add("pools of lines", move |x| {
        let lines_of = x.flatten::<3>(1, 2);
        lines.0.forward(lines_of.clone()) + lines.1.forward(lines_of)
    });
    for size in [[1, 1], [7, 5], [3, 4], [9, 13]] {
        let pool = AdaptiveAvgPool2dConfig::new(size).init();
        cases.add(&format!("adaptive pool to {size:?}"), move |x| pool.forward(x));
    }
    let pool = AdaptiveAvgPool1dConfig::new(5).init();
    cases.add("adaptive pool of lines", move |x| pool.forward(x.flatten::<3>(1, 2)));
    for (mode, name) in [(InterpolateMode::Nearest, "nearest"), (InterpolateMode::Bilinear, "bilinear")] {
        for align in [false, true] {
            for size in [[14, 20], [5, 17], [3, 4]] {
                let options = InterpolateOptions::new(mode.clone()).with_align_corners(align).with_output_size(size);
                cases.add(&format!("{name} to {size:?}, corners {align}"), move |x| interpolate(x, options.clone()));
            }
        }
    }
}

fn attentions(cases: &mut Cases<'_>) {
    let plain = AttentionModuleOptions { scale: None, softcap: None, is_causal: false };
    let capped = AttentionModuleOptions { scale: Some(0.3), softcap: Some(2.0), is_causal: false };
    for (name, options) in [("attention", plain), ("capped attention", capped)] {
        cases.add(name, move |x| {
            let [count, heads, length, _] = x.dims();
            let device = x.device();
            let bias = Tensor::<4>::from_floats([[[[0.1, -0.4, 0.2, 0.3, 0.0, 0.5, -0.2]]]], &device);
            let mask = Tensor::<4>::from_floats([[[[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]]]], &device).greater_scalar(0.5);
            let shape = [count, heads, length, length];
            let (mask, bias) = (mask.expand(shape), bias.expand(shape));
            attention(x.clone() * 1.3, x.clone(), x.sin(), Some(mask), Some(bias), options)
        });
    }
}
