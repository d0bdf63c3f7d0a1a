//! Convolutions in one to three dimensions, and transposed ones. Kernels are kept by burn and ONNX in the same order.

use burn_ir::{ModuleOperationIr, TensorIr};

use super::{Lowered, Lowering, no_form};
use crate::export::protobuf::AttributeProto;

/// What convolutions of any number of dimensions have.
struct Convolution<'a> {
    operator: &'a str,
    x: &'a TensorIr,
    weight: &'a TensorIr,
    bias: Option<&'a TensorIr>,
    out: &'a TensorIr,
    stride: &'a [usize],
    /// Before and after, by axis.
    padding: Vec<(usize, usize)>,
    dilation: &'a [usize],
    groups: usize,
    /// What transposed ones add to their output, by axis.
    padding_out: Option<&'a [usize]>,
}

macro_rules! forward {
    ($op:expr) => {
        Convolution {
            operator: "Conv",
            x: &$op.x,
            weight: &$op.weight,
            bias: $op.bias.as_ref(),
            out: &$op.out,
            stride: &$op.options.stride,
            padding: $op.options.padding.iter().map(|&padding| Both::both(padding)).collect(),
            dilation: &$op.options.dilation,
            groups: $op.options.groups,
            padding_out: None,
        }
    };
}

macro_rules! transposed {
    ($op:expr) => {
        Convolution { operator: "ConvTranspose", padding_out: Some(&$op.options.padding_out), ..forward!($op) }
    };
}

/// Padding as burn writes it: one number for both ends of an axis, or one each.
trait Both {
    fn both(self) -> (usize, usize);
}

impl Both for usize {
    fn both(self) -> (usize, usize) {
        (self, self)
    }
}

impl Both for (usize, usize) {
    fn both(self) -> (usize, usize) {
        self
    }
}

impl Lowering {
    pub(super) fn convolution(&mut self, operation: &ModuleOperationIr) -> Lowered {
        use ModuleOperationIr as Op;
        let convolution = match operation {
            Op::Conv1d(op) => forward!(op),
            Op::Conv2d(op) => forward!(op),
            Op::Conv3d(op) => forward!(op),
            Op::ConvTranspose1d(op) => transposed!(op),
            Op::ConvTranspose2d(op) => transposed!(op),
            Op::ConvTranspose3d(op) => transposed!(op),
            _ => return no_form("this is no convolution"),
        };
        let Convolution { operator, x, weight, bias, out, stride, padding, dilation, groups, padding_out } =
            convolution;
        let (before, after): (Vec<_>, Vec<_>) = padding.into_iter().unzip();
        let kernel = weight.shape.to_vec().into_iter().skip(2);
        let mut settings = vec![
            AttributeProto::ints("kernel_shape", kernel),
            AttributeProto::ints("strides", stride.iter().copied()),
            AttributeProto::ints("pads", before.into_iter().chain(after)),
            AttributeProto::ints("dilations", dilation.iter().copied()),
            AttributeProto::int("group", groups as i64),
        ];
        settings.extend(padding_out.map(|padding| AttributeProto::ints("output_padding", padding.iter().copied())));
        let inputs: Vec<_> = [x, weight].into_iter().chain(bias).collect();
        self.direct(operator, &inputs, settings, out)
    }
}
