//! The real EfficientNet-Lite0 answers as it does elsewhere: from its published file, which names parameters in another library's
//! way, and from what is exported under the zoo's own keys.

use mvl_models::weights::{save_safetensors, weights_card};
use mvl_models::zoo;

use super::fixtures::{asset, cpu, floats, largest_difference, tensor_of};

const TOLERANCE: f32 = 1e-4;

#[test]
fn either_naming_gives_the_golden_logits() {
    let Some(published) = asset("efficientnet_lite0/efficientnet-lite0-57934424.pth") else { return };
    let Some(golden) = asset("efficientnet_lite0/golden.safetensors") else { return };
    let (zoo, device) = (zoo(), cpu());
    let card = weights_card("tf_efficientnet_lite0.google_in1k").expect("a row");
    let (model, spec) = card.create(&zoo, &published, &device).expect("the published weights");
    assert_eq!(spec.labels.name(285), Some("Egyptian cat"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let exported = folder.path().join("tf_efficientnet_lite0.safetensors");
    save_safetensors(&model, &spec.model, &zoo, &exported).expect("written");
    let (again, _) = card.create(&zoo, &exported, &device).expect("what was written");
    for (model, file) in [(model, published), (again, exported)] {
        for photo in ["chelsea", "coffee"] {
            let logits = floats(model.forward(tensor_of(&golden, &format!("{photo}.input"), &device)));
            let expected = floats::<2>(tensor_of(&golden, &format!("{photo}.logits"), &device));
            let difference = largest_difference(&logits, &expected);
            println!("{photo} from {}: off by {difference}", file.display());
            assert!(difference < TOLERANCE, "{photo} from {}: off by {difference}", file.display());
        }
    }
}
