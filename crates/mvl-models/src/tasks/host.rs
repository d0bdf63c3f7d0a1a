//! Between a batch on the device and what is known of its samples on the host.

use burn::tensor::Tensor;
use mvl_core::{Annotations, ChannelOrder, Channels, Classification, Image, ImageBatch, PredictedSample, Preprocess};

/// Probabilities `[N, K]` of a batch, in one read.
pub(super) fn classifications(probabilities: Tensor<2>) -> Vec<Classification> {
    let [count, classes] = probabilities.dims();
    if count * classes == 0 {
        return vec![Classification::new(Vec::new()); count];
    }
    let probabilities = probabilities.detach().into_data().convert::<f32>();
    let values = probabilities.as_slice::<f32>().expect("just converted to f32");
    values.chunks_exact(classes).map(|row| Classification::new(row.to_vec())).collect()
}

/// How much of each class one sample shows, `[K]`.
///
/// # Panics
/// If a class is not below `classes`.
pub(super) fn class_shares(known: &Annotations, classes: usize) -> Vec<f32> {
    let mut shares = vec![0.0; classes];
    for known in known.classes() {
        assert!(known.class < classes, "label {} in a task of {classes} classes", known.class);
        shares[known.class] += known.weight;
    }
    shares
}

/// The first samples of a batch with their likeliest class, to look at.
pub(super) fn predicted_samples<T>(
    batch: &ImageBatch,
    predictions: &[Classification],
    most: usize,
    preprocess: &Preprocess,
    said: impl Fn(&Classification) -> T,
    truth: impl Fn(&Annotations) -> Option<T>,
    show: impl Fn(&T) -> String,
) -> Vec<PredictedSample>
where
    T: PartialEq,
{
    let pictures = pictures(&batch.images, most, preprocess);
    let known = batch.annotations.iter().zip(predictions);
    let sample = |(image, (annotations, prediction)): (Image, (&Annotations, &Classification))| {
        let (said, truth) = (said(prediction), truth(annotations));
        let right = truth.as_ref().map(|truth| *truth == said);
        PredictedSample { image, truth: truth.as_ref().map(&show), prediction: show(&said), right }
    };
    pictures.into_iter().zip(known).map(sample).collect()
}

/// The first images of a batch `[N, C, H, W]` without their normalisation; none where channels do not make a picture.
fn pictures(images: &Tensor<4>, most: usize, preprocess: &Preprocess) -> Vec<Image> {
    let [count, channels, height, width] = images.dims();
    let kind = match channels {
        1 => Channels::Gray,
        3 => Channels::Rgb,
        _ => return Vec::new(),
    };
    let count = count.min(most);
    if count == 0 {
        return Vec::new();
    }
    let values = images.clone().narrow(0, 0, count).detach().into_data().convert::<f32>();
    let values = values.as_slice::<f32>().expect("just converted to f32");
    let plane = height * width;
    let byte = |picture: usize, pixel: usize, channel: usize| {
        let place = match preprocess.order {
            ChannelOrder::Bgr => channels - 1 - channel,
            _ => channel,
        };
        let value = values[(picture * channels + place) * plane + pixel];
        let (mean, std) = (preprocess.mean.get(place), preprocess.std.get(place));
        let scaled = value * std.copied().unwrap_or(1.0) + mean.copied().unwrap_or(0.0);
        (scaled / preprocess.scale).round().clamp(0.0, 255.0) as u8
    };
    let picture = |picture: usize| {
        let pixels = (0..plane).flat_map(|pixel| (0..channels).map(move |channel| (pixel, channel)));
        let pixels = pixels.map(|(pixel, channel)| byte(picture, pixel, channel)).collect();
        Image::new(width as u32, height as u32, kind, pixels).expect("a byte for each channel of each pixel")
    };
    (0..count).map(picture).collect()
}
