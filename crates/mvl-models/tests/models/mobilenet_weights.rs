//! The real MobileNetV2, from its published file and from safetensors, answers as it does elsewhere.

use mvl_models::weights::{save_safetensors, weights_card};
use mvl_models::zoo;

use super::fixtures::{asset, cpu, floats, largest_difference, tensor_of};

const TOLERANCE: f32 = 1e-4;

#[test]
fn both_files_give_the_golden_logits() {
    let (Some(golden), zoo, device) = (asset("mobilenet_v2/golden.safetensors"), zoo(), cpu()) else { return };
    let card = weights_card("mobilenet_v2.imagenet1k_v1").expect("a row");
    for file in [Some(card.file_name), card.other_name].into_iter().flatten() {
        let Some(file) = asset(&format!("mobilenet_v2/{file}")) else { return };
        let (model, spec) = card.create(&zoo, &file, &device).expect("the published weights");
        assert_eq!(spec.labels.name(285), Some("Egyptian cat"));
        for photo in ["chelsea", "coffee"] {
            let logits = floats(model.forward(tensor_of(&golden, &format!("{photo}.input"), &device)));
            let expected = floats::<2>(tensor_of(&golden, &format!("{photo}.logits"), &device));
            let difference = largest_difference(&logits, &expected);
            assert!(difference < TOLERANCE, "{photo} from {}: off by {difference}", file.display());
        }
    }
}

#[test]
fn the_published_file_survives_export() {
    let (Some(file), zoo, device) = (asset("mobilenet_v2/mobilenet_v2-b0353104.pth"), zoo(), cpu()) else { return };
    let card = weights_card("mobilenet_v2.imagenet1k_v1").expect("a row");
    let (model, spec) = card.create(&zoo, &file, &device).expect("the published weights");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let exported = folder.path().join("mobilenet_v2.safetensors");
    save_safetensors(&model, &spec.model, &zoo, &exported).expect("written");
    let (again, _) = card.create(&zoo, &exported, &device).expect("what was written");
    assert_eq!(super::fixtures::answer(&again, 3, 64), super::fixtures::answer(&model, 3, 64));
}
