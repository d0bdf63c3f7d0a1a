//! Pools. Windows that burn lets reach beyond the end of a side (`ceil_mode`) are written as padding there, which every engine
//! treats alike; adaptive pools as means over all of a map, over equal windows, or as a product with one matrix a side.

use burn::tensor::TensorData;
use burn_ir::{ModuleOperationIr, TensorIr};

use super::{Lowered, Lowering, NoForm, no_form};
use crate::export::dimension::Dimension;
use crate::export::protobuf::AttributeProto;

/// A pool's windows along one side.
#[derive(Debug, Clone, Copy)]
struct Windows {
    side: usize,
    count: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl Windows {
    /// Padding after the side: what burn was asked for, or more where a window reaches further.
    fn padding_after(self) -> usize {
        let end = (self.count - 1) * self.stride + self.dilation * (self.kernel - 1) + 1;
        end.saturating_sub(self.side + self.padding).max(self.padding)
    }

    /// Elements that the mean over window `index` is divided by when padding counts: those of the side and of the padding that
    /// burn was asked for, not what lies beyond.
    fn counted(self, index: usize) -> usize {
        let start = index * self.stride;
        (start + self.kernel).min(self.side + 2 * self.padding) - start
    }
}

impl Lowering {
    pub(super) fn pool(&mut self, operation: &ModuleOperationIr) -> Lowered {
        use ModuleOperationIr as Op;
        match operation {
            Op::MaxPool1d(op) => {
                let windows = windows(&op.x, &op.out, &[op.kernel_size], &[op.stride], &[op.padding], &[op.dilation]);
                self.windowed("MaxPool", &op.x, &windows?, &op.out)
            }
            Op::MaxPool2d(op) => {
                let windows = windows(&op.x, &op.out, &op.kernel_size, &op.stride, &op.padding, &op.dilation);
                self.windowed("MaxPool", &op.x, &windows?, &op.out)
            }
            Op::AvgPool1d(op) => {
                let windows = windows(&op.x, &op.out, &[op.kernel_size], &[op.stride], &[op.padding], &[1]);
                self.mean(&op.x, &windows?, op.count_include_pad, &op.out)
            }
            Op::AvgPool2d(op) => {
                let windows = windows(&op.x, &op.out, &op.kernel_size, &op.stride, &op.padding, &[1, 1]);
                self.mean(&op.x, &windows?, op.count_include_pad, &op.out)
            }
            Op::AdaptiveAvgPool1d(op) => self.adaptive(&op.x, &[op.output_size], &op.out),
            Op::AdaptiveAvgPool2d(op) => self.adaptive(&op.x, &op.output_size, &op.out),
            _ => no_form("this is no pool"),
        }
    }

    fn windowed(&mut self, operator: &str, x: &TensorIr, windows: &[Windows], output: &TensorIr) -> Lowered {
        let mut settings = vec![
            AttributeProto::ints("kernel_shape", windows.iter().map(|axis| axis.kernel)),
            AttributeProto::ints("strides", windows.iter().map(|axis| axis.stride)),
            AttributeProto::ints("pads", padding(windows)),
        ];
        if operator == "MaxPool" {
            settings.push(AttributeProto::ints("dilations", windows.iter().map(|axis| axis.dilation)));
        }
        self.direct(operator, &[x], settings, output)
    }

    /// A mean over windows. ONNX leaves padding out of the mean, or counts all of it; burn counts what it was asked for.
    fn mean(&mut self, x: &TensorIr, windows: &[Windows], count_padding: bool, output: &TensorIr) -> Lowered {
        let is_padded = windows.iter().any(|axis| axis.padding > 0);
        if !count_padding || !is_padded {
            return self.windowed("AveragePool", x, windows, output);
        }
        let x = self.name(x)?;
        let settings = [
            AttributeProto::ints("kernel_shape", windows.iter().map(|axis| axis.kernel)),
            AttributeProto::ints("strides", windows.iter().map(|axis| axis.stride)),
            AttributeProto::ints("pads", padding(windows)),
            AttributeProto::int("count_include_pad", 1),
        ];
        let mut name = self.graph.node("AveragePool", &[&x], settings);
        for (axis, windows) in windows.iter().enumerate() {
            let shares: Vec<f32> =
                (0..windows.count).map(|index| windows.kernel as f32 / windows.counted(index) as f32).collect();
            if shares.iter().all(|&share| share == 1.0) {
                continue;
            }
            let mut shape = vec![1; output.shape.to_vec().len()];
            shape[2 + axis] = windows.count;
            let shares = self.values(shares, &shape, output)?;
            name = self.graph.node("Mul", &[&name, &shares], []);
        }
        self.set(output, name);
        Ok(())
    }

    /// PyTorch's adaptive pool: cell `i` of `n` is the mean from `⌊i · side / n⌋` to `⌈(i + 1) · side / n⌉`.
    fn adaptive(&mut self, x: &TensorIr, sizes: &[usize], output: &TensorIr) -> Lowered {
        let sides: Option<Vec<usize>> = self.sides(x).into_iter().skip(2).map(Dimension::fixed).collect();
        let sides = sides.ok_or_else(|| NoForm("a side that follows the number of pictures".to_owned()))?;
        if sizes.iter().all(|&size| size == 1) {
            return self.direct("GlobalAveragePool", &[x], [], output);
        }
        if sides == sizes {
            let name = self.name(x)?;
            self.set(output, name);
            return Ok(());
        }
        if sides.iter().zip(sizes).all(|(side, size)| side.is_multiple_of(*size)) {
            let windows = sides.iter().zip(sizes).map(|(&side, &count)| {
                let kernel = side / count;
                Windows { side, count, kernel, stride: kernel, padding: 0, dilation: 1 }
            });
            let windows: Vec<_> = windows.collect();
            return self.windowed("AveragePool", x, &windows, output);
        }
        let mut name = self.name(x)?;
        if let ([height, width], [rows, columns]) = (sides.as_slice(), sizes) {
            let matrix = self.values(means(*height, *rows), &[*rows, *height], x)?; // [H', H]
            name = self.graph.node("MatMul", &[&matrix, &name], []);
            let matrix = self.values(means(*width, *columns), &[*columns, *width], x)?; // [W', W]
            let matrix = self.graph.node("Transpose", &[&matrix], []);
            name = self.graph.node("MatMul", &[&name, &matrix], []);
        } else {
            return no_form(format!("sides {sides:?} to {sizes:?}"));
        }
        self.set(output, name);
        Ok(())
    }

    /// Numbers as a constant in the type of a tensor.
    fn values(&mut self, values: Vec<f32>, shape: &[usize], like: &TensorIr) -> Result<String, NoForm> {
        let data = TensorData::new(values, shape.to_vec()).convert_dtype(like.dtype);
        self.graph.constant(data).ok_or_else(|| NoForm(format!("elements of type {:?}", like.dtype)))
    }
}

fn windows(
    x: &TensorIr,
    output: &TensorIr,
    kernel: &[usize],
    stride: &[usize],
    padding: &[usize],
    dilation: &[usize],
) -> Result<Vec<Windows>, NoForm> {
    let (sides, counts) = (x.shape.to_vec(), output.shape.to_vec());
    let windows = (0..kernel.len()).map(|axis| Windows {
        side: sides[2 + axis],
        count: counts[2 + axis],
        kernel: kernel[axis],
        stride: stride[axis],
        padding: padding[axis],
        dilation: dilation[axis],
    });
    let windows: Vec<_> = windows.collect();
    if windows.iter().any(|axis| axis.count == 0) {
        return no_form("a map without windows");
    }
    Ok(windows)
}

/// Padding before, then after.
fn padding(windows: &[Windows]) -> Vec<usize> {
    let before = windows.iter().map(|axis| axis.padding);
    before.chain(windows.iter().map(|axis| axis.padding_after())).collect()
}

/// Shares of old cells in new ones, `[to, from]`.
fn means(from: usize, to: usize) -> Vec<f32> {
    let mut shares = vec![0.0; from * to];
    for (cell, row) in shares.chunks_exact_mut(from).enumerate() {
        let (start, end) = (cell * from / to, ((cell + 1) * from).div_ceil(to));
        row[start..end].fill(1.0 / (end - start) as f32);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_beyond_the_end_become_padding() {
        let windows = |side, count, padding| Windows { side, count, kernel: 3, stride: 2, padding, dilation: 1 };
        assert_eq!(windows(8, 4, 0).padding_after(), 1, "ceil: windows at 0, 2, 4, 6 need 9 cells");
        assert_eq!(windows(8, 3, 0).padding_after(), 0, "floor: windows at 0, 2, 4 need 7");
        assert_eq!(windows(8, 4, 1).padding_after(), 1, "one more window would reach beyond both paddings");
        assert_eq!(windows(7, 4, 1).padding_after(), 1, "windows at -1 … 5 end with the padding");
    }

    #[test]
    fn means_of_an_adaptive_pool_overlap_as_torchs_do() {
        let half = 1.0 / 2.0;
        assert_eq!(means(3, 2), [half, half, 0.0, 0.0, half, half]);
        assert_eq!(means(2, 3), [1.0, 0.0, half, half, 0.0, 1.0], "to more cells than there were");
    }
}
