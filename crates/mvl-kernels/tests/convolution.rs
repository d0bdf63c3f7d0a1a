//! Convolutions and their gradients beside sums written out.

use mvl_kernels::Convolution;

/// Numbers that repeat in no short pattern.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|n| ((n * 2_654_435_761 + seed * 97) % 1_013) as f32 / 506.0 - 1.0).collect()
}

/// Calls with (place of an output pixel, place of an input pixel, place of a weight) for each product of a convolution.
fn each_product(of: &Convolution, count: usize, mut each: impl FnMut(usize, usize, usize)) {
    let [channels_in, channels_out] = of.channels;
    let [height, width] = of.input;
    let [rows, columns] = of.output();
    let (group_in, group_out) = (channels_in / of.groups, channels_out / of.groups);
    for image in 0..count {
        for out in 0..channels_out {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let to = ((image * channels_out + out) * rows + row) * columns + column;
                for within in 0..group_in {
                    let channel = out / group_out * group_in + within;
                    for down in 0..of.kernel[0] {
                        for across in 0..of.kernel[1] {
                            let y = (row * of.stride[0] + down * of.dilation[0]).wrapping_sub(of.padding[0].0);
                            let x = (column * of.stride[1] + across * of.dilation[1]).wrapping_sub(of.padding[1].0);
                            if y < height && x < width {
                                let from = ((image * channels_in + channel) * height + y) * width + x;
                                each(
                                    to,
                                    from,
                                    ((out * group_in + within) * of.kernel[0] + down) * of.kernel[1] + across,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

fn close(found: &[f32], expected: &[f32], what: &str, of: &Convolution) {
    let size = expected.iter().fold(1.0_f32, |size, value| size.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= 1e-5 * size, "{what} {at}: {found}, not {expected}: {of:?}");
    }
}

fn check(of: Convolution, count: usize) {
    let [channels_in, channels_out] = of.channels;
    let area = |[height, width]: [usize; 2]| height * width;
    let images = numbers(count * channels_in * area(of.input), 1);
    let weights = numbers(channels_out * channels_in / of.groups * area(of.kernel), 2);
    let gradient = numbers(count * channels_out * area(of.output()), 3);

    let mut expected = [vec![0.0; gradient.len()], vec![0.0; images.len()], vec![0.0; weights.len()]];
    each_product(&of, count, |to, from, weight| {
        expected[0][to] += images[from] * weights[weight];
        expected[1][from] += gradient[to] * weights[weight];
        expected[2][weight] += gradient[to] * images[from];
    });
    // What was there must not matter.
    let mut found = expected.clone().map(|numbers| vec![f32::NAN; numbers.len()]);
    of.forward(&images, &weights, &mut found[0]);
    of.input_gradient(&weights, &gradient, &mut found[1]);
    of.weight_gradient(&images, &gradient, &mut found[2]);
    for (what, (found, expected)) in
        ["output", "input's gradient", "weights' gradient"].iter().zip(found.iter().zip(&expected))
    {
        close(found, expected, what, &of);
    }
}

/// 3 × 3, padded by one.
fn three(channels: [usize; 2], input: [usize; 2]) -> Convolution {
    let padding = [(1, 1); 2];
    Convolution { channels, input, kernel: [3; 2], stride: [1; 2], padding, dilation: [1; 2], groups: 1 }
}

#[test]
fn plain_convolutions() {
    check(three([3, 5], [7, 6]), 4);
    check(three([1, 1], [1, 1]), 1);
    check(three([2, 3], [4, 4]), 100); // several images a tile, the last ones fewer
    check(three([2, 3], [30, 40]), 2); // several tiles an image
    check(Convolution { kernel: [1; 2], padding: [(0, 0); 2], ..three([4, 3], [5, 5]) }, 3);
    check(Convolution { kernel: [1, 7], padding: [(0, 0), (3, 3)], ..three([2, 2], [5, 9]) }, 2);
}

#[test]
fn strides_dilations_and_uneven_padding() {
    for stride in [[1, 1], [2, 2], [1, 3], [4, 4]] {
        for dilation in [[1, 1], [2, 1], [3, 3]] {
            for padding in [[(0, 0), (0, 0)], [(1, 1), (1, 1)], [(0, 1), (2, 0)], [(4, 5), (6, 4)]] {
                check(Convolution { stride, dilation, padding, ..three([2, 3], [9, 8]) }, 3);
            }
        }
    }
    check(Convolution { kernel: [1; 2], stride: [2; 2], padding: [(0, 0); 2], ..three([4, 3], [7, 7]) }, 3);
}

#[test]
fn groups() {
    check(Convolution { groups: 2, ..three([4, 6], [6, 6]) }, 3);
    check(Convolution { groups: 6, ..three([6, 6], [6, 6]) }, 3); // each channel by itself
    check(Convolution { groups: 3, stride: [2; 2], ..three([3, 9], [7, 6]) }, 70);
}

#[test]
fn what_fits() {
    let of = three([4, 6], [5, 5]);
    assert!(of.fits([6, 4, 3, 3]) && Convolution { groups: 2, ..of }.fits([6, 2, 3, 3]));
    assert!(!of.fits([6, 3, 3, 3]), "weights of other channels");
    assert!(!Convolution { groups: 4, ..of }.fits([6, 1, 3, 3]), "groups that do not part the channels");
    assert!(!Convolution { groups: 0, ..of }.fits([6, 4, 3, 3]), "no groups");
    assert!(!Convolution { input: [0, 5], ..of }.fits([6, 4, 3, 3]), "pictures without rows");
    assert!(!Convolution { stride: [0, 1], ..of }.fits([6, 4, 3, 3]), "no step");
    assert!(
        !Convolution { padding: [(0, 0); 2], input: [2, 5], ..of }.fits([6, 4, 3, 3]),
        "a kernel that reaches too far"
    );
}

#[test]
fn no_images() {
    check(three([2, 3], [4, 4]), 0);
}

/// The same bits, whatever the number of threads.
#[test]
fn threads_change_nothing() {
    let of = three([8, 16], [12, 12]);
    let images = numbers(64 * 8 * 144, 1);
    let gradient = numbers(64 * 16 * 144, 2);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let mut sum = vec![0.0; 16 * 8 * 9];
        pool.install(|| of.weight_gradient(&images, &gradient, &mut sum));
        sum.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(with(1), with(5));
}
