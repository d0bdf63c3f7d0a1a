//! The real SqueezeNet 1.1, whose pictures are prepared as Caffe's, answers as it does elsewhere.

use mvl_core::ChannelOrder;
use mvl_models::weights::weights_card;
use mvl_models::zoo;

use super::fixtures::{asset, cpu, floats, largest_difference, tensor_of};

const TOLERANCE: f32 = 1e-4;

#[test]
fn the_file_gives_the_golden_logits() {
    let (Some(golden), zoo, device) = (asset("squeezenet1_1/golden.safetensors"), zoo(), cpu()) else { return };
    let Some(file) = asset("squeezenet1_1/squeezenet1_1.safetensors") else { return };
    let card = weights_card("squeezenet1_1.caffe_in1k").expect("a row");
    let (model, spec) = card.create(&zoo, &file, &device).expect("the converted weights");
    assert_eq!((spec.preprocess.order, spec.preprocess.scale), (ChannelOrder::Bgr, 1.0));
    for photo in ["chelsea", "coffee"] {
        let logits = floats(model.forward(tensor_of(&golden, &format!("{photo}.input"), &device)));
        let expected = floats::<2>(tensor_of(&golden, &format!("{photo}.logits"), &device));
        let difference = largest_difference(&logits, &expected);
        println!("{photo}: off by {difference}");
        assert!(difference < TOLERANCE, "{photo}: off by {difference}");
    }
}
