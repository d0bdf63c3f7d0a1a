//! `mvl export`: files for other programs.

use std::fs;

use tempfile::tempdir;

use crate::program::{fixture, mvl, text};

#[test]
fn a_trained_model_becomes_onnx() {
    let folder = tempdir().expect("a folder");
    let (model, file) = (fixture("../examples/assets/clothes"), folder.path().join("clothes.onnx"));
    let summary = mvl(&["export", text(&model), "-o", text(&file), "--size", "28", "--json"]).succeeds().json();
    assert_eq!(summary["opset"], 17);
    assert_eq!(summary["input"]["name"], "images");
    assert_eq!(summary["input"]["shape"], serde_json::json!(["batch", "1", "28", "28"]));
    assert_eq!(summary["output"], serde_json::json!({ "name": "logits", "shape": ["batch", "10"] }));
    let bytes = fs::read(&file).expect("it was written");
    assert_eq!(summary["bytes"], bytes.len());
    let holds = |part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
    assert!(holds("labels") && holds("Ankle boot") && holds("preprocess"), "it carries its labels and preprocessing");

    let told =
        mvl(&["export", text(&model), "-o", text(&file), "--size", "28", "--batch", "4", "--answer", "probabilities"])
            .succeeds();
    assert!(told.stdout.contains("probabilities [4, 10]") && told.stdout.contains("onnxruntime"), "{}", told.stdout);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
}

#[test]
fn weights_alone_and_weights_apart() {
    let folder = tempdir().expect("a folder");
    let model = fixture("../examples/assets/clothes");
    let [weights, onnx] = ["clothes.safetensors", "clothes.onnx"].map(|name| folder.path().join(name));
    let written = mvl(&["export", text(&model), "-o", text(&weights), "--json"]).succeeds().json();
    assert_eq!(written["format"], "safetensors");
    assert!(fs::metadata(&weights).expect("it was written").len() > 1000);
    let apart = mvl(&["export", text(&model), "-o", text(&onnx), "--size", "28", "--external-weights", "--json"])
        .succeeds()
        .json();
    let data = folder.path().join("clothes.onnx.data");
    assert_eq!(apart["files"], serde_json::json!([text(&onnx), text(&data)]));
    assert!(fs::metadata(&onnx).expect("a model").len() < fs::metadata(&data).expect("weights").len());
}

#[test]
fn a_trial_has_pictures_and_answers() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("model.onnx");
    let arguments =
        ["export", "resnet8", "--untrained", "-o", text(&file), "--size", "24x36", "--trial", text(folder.path())];
    mvl(&arguments).succeeds();
    for (name, values) in [("2.images.npy", 2 * 3 * 24 * 36), ("5.answer.npy", 5 * 1000)] {
        let bytes = fs::read(folder.path().join(name)).expect("it was written");
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00"));
        let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + header) % 64, 0);
        assert_eq!(bytes.len(), 10 + header + 4 * values, "{name}");
    }
}

#[test]
fn what_cannot_be_exported_is_said() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("model.onnx");
    let model = fixture("../examples/assets/clothes");
    mvl(&["export", "nosuch", "--untrained", "-o", text(&file)]).fails(2, &["unknown model", "nosuch"]);
    mvl(&["export", "resnet18", "-o", text(&file)]).fails(1, &["without weights", "resnet18.imagenet1k_v1"]);
    mvl(&["export", text(&model), "-o", "model.pt"]).fails(1, &[".onnx", ".safetensors", "model.pt"]);
    mvl(&["export", text(&model), "-o", text(&file), "--size", "28", "--batch", "0"]).fails(2, &["--batch"]);
    mvl(&["export", text(&model), "-o", text(&file)]).fails(1, &["pictures of any size", "--size"]);
    let small = ["export", "resnet18", "--untrained", "-o", text(&file), "--size", "8x300"];
    mvl(&small).fails(1, &["resnet18 takes sides of at least 32 pixels", "8x300"]);
    assert!(!file.exists(), "nothing was written");
}
