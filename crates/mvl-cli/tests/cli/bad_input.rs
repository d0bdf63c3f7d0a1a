//! What the world does wrong, and what the program says to it: each message is pinned.

use std::fs;

use tempfile::tempdir;

use crate::program::{fixture, mvl, pictures, text};

const TINY: [&str; 8] = [
    "--set",
    "model.name=resnet8",
    "--set",
    "model.options.width=0.25",
    "--set",
    "data.image_size=[12,12]",
    "--epochs",
    "1",
];

fn train(extra: &[&str]) -> crate::program::Ran {
    let mut arguments = vec!["train"];
    arguments.extend(TINY);
    arguments.extend(extra);
    mvl(&arguments)
}

#[test]
fn missing_photo() {
    let model = fixture("../examples/assets/clothes");
    let ran = mvl(&["predict", "--model", text(&model), "no/such/photo.jpg"]);
    ran.fails(1, &["1 of 1 photos failed", "cannot read no/such/photo.jpg: No such file or directory"]);
}

#[test]
fn missing_data() {
    train(&["--data", "no/such/folder"]).fails(1, &["cannot read no/such/folder: No such file or directory"]);
}

#[test]
fn data_without_classes() {
    let folder = tempdir().expect("a folder");
    let ran = train(&["--data", text(folder.path())]);
    ran.fails(1, &["expected", text(folder.path())]);
}

#[test]
fn more_memory_than_the_budget() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 20);
    let cache = ["--set", "data.strategy=[{cached={memory_mib=8}}]", "--set", "resources.host_mib=4"];
    let ran = train(&[&["--data", text(&data), "--run-dir", text(&folder.path().join("run"))][..], &cache].concat());
    ran.fails(
        1,
        &["the cache cannot be had; give it less memory", "8388608 bytes for cache are over the memory budget"],
    );
}

#[test]
fn truncated_jpeg() {
    let photo = fixture("mvl-data/tests/fixtures/resize/truncated.jpg");
    let model = fixture("../examples/assets/clothes");
    let ran = mvl(&["predict", "--model", text(&model), text(&photo)]);
    ran.fails(1, &["cannot decode image: the file ends early (truncated JPEG)", "truncated.jpg"]);
}

#[test]
fn truncated_image_in_training_is_fatal_or_skipped_by_policy() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 20);
    fs::copy(fixture("mvl-data/tests/fixtures/resize/truncated.jpg"), data.join("dark/broken.jpg")).expect("copied");
    let run = folder.path().join("fails");
    let fatal = train(&["--data", text(&data), "--run-dir", text(&run), "--set", "data.validation=0"]);
    fatal.fails(1, &["truncated JPEG", "broken.jpg"]);

    let run = folder.path().join("skips");
    let skip = ["--set", "data.on_corrupt=skip", "--set", "data.validation=0"];
    let mut arguments = vec!["--data", text(&data), "--run-dir", text(&run)];
    arguments.extend(skip);
    let skipped = train(&arguments).succeeds();
    assert!(skipped.stderr.contains("broken.jpg"), "{}", skipped.stderr);

    let inspected = mvl(&["data", "inspect", text(&data)]);
    inspected.fails(1, &["1 image cannot be read"]);
    assert!(inspected.stdout.contains("broken.jpg"), "{}", inspected.stdout);
}

#[test]
fn every_mistake_in_a_config_at_once() {
    let folder = tempdir().expect("a folder");
    let config = folder.path().join("run.toml");
    let lines = "
        [data]
        path = \"photos\"
        bach_size = 3
        validation = 2.0
        image_size = [32, 32]
        [[data.augment]]
        name = \"random_horizontal_flip\"
        [[data.augment]]
        name = \"random_vertical_flip\"
        p = 1.5
        [model]
        name = \"resnet8\"
        weights = \"nowhere.pth\"
        options = { stme = \"small\" }
        [preprocess]
        channels = \"gray\"
        mean = [0.5]
        std = [0.0]
        [train]
        epochs = 0
        [train.optimizer]
        learning_rate = -1.0
    ";
    fs::write(&config, lines).expect("written");
    mvl(&["train", "--config", text(&config)]).fails(
        2,
        &[
            "the config has 9 problems",
            "data.bach_size: unknown field `bach_size`, expected one of",
            "data.augment[1].p: ",
            "data.validation: expected a share from 0 to below 1, got 2",
            "data.image_size: [preprocess] or the weights decide the size already",
            "model.options: unknown field `stme`",
            "model.weights: expected a weights name, an address or an existing file, got \"nowhere.pth\"",
            "preprocess.std: expected values other than 0",
            "train.epochs: expected at least 1, got 0",
            "train.optimizer.learning_rate: expected a positive number, got -1",
        ],
    );
}

#[test]
fn model_and_head_in_a_config() {
    let problem = |set: &str| mvl(&["train", "--data", "embedded:fashion-mnist", "--set", set]);
    problem("model.name=resnet81").fails(
        2,
        &["model.name: unknown model \"resnet81\", did you mean \"resnet8\"?; `mvl models list` shows all names"],
    );
    problem("model.head.name=liner").fails(2, &["model.head.name: unknown head \"liner\"; known heads: attention_pool, conv, conv_mlp, distilled, embedding, linear, mlp"]);
    problem("task.name=clasification").fails(
        2,
        &["task.name: unknown task \"clasification\"; known tasks: classification, distillation, multi_label"],
    );
    problem("task.label_smoothing=1.5").fails(2, &["task: label_smoothing: expected 0 to below 1, got 1.5"]);
    problem("task.smoothing=0.1").fails(2, &["task: unknown field `smoothing`, expected one of `label_smoothing`"]);
    mvl(&["train", "--data", "x", "--batch-size", "-1"]).fails(2, &["data.batch_size: "]);
}

#[test]
fn config_that_is_no_toml() {
    let folder = tempdir().expect("a folder");
    let config = folder.path().join("run.toml");
    fs::write(&config, "[data\n").expect("written");
    mvl(&["train", "--config", text(&config)]).fails(2, &["the config has 1 problem", "run.toml", "TOML parse error"]);
}

#[test]
fn unknown_model() {
    let says = "unknown model \"resnet19\", did you mean \"resnet1";
    mvl(&["models", "show", "resnet19"]).fails(2, &[says, "`mvl models list` shows all names"]);
    mvl(&["models", "list", "resnet19"]).fails(1, &["no model has a name like \"resnet19\""]);
    mvl(&["models", "list", "--family", "resent"])
        .fails(1, &["unknown family \"resent\"; known families: ", "resnet, "]);
    mvl(&["models", "summary", "resnet18", "--size", "8"]).fails(1, &["takes sides of at least 32 pixels", "got 8x8"]);
    mvl(&["models", "summary", "resnet18", "--size", "big"]).fails(2, &["such as 224x224, got \"big\""]);
}

#[test]
fn model_that_is_nowhere() {
    mvl(&["predict", "--model", "runs/nothing", "x.jpg"])
        .fails(1, &["no model here: expected a run's folder", "runs/nothing"]);
}

#[test]
fn zoo_model_without_weights() {
    let home = tempdir().expect("a folder");
    let ran = crate::program::command(&["predict", "--model", "resnet18.imagenet1k_v1", "x.jpg"])
        .env("MVL_CACHE", home.path())
        .env("MVL_OFFLINE", "1")
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1));
    for says in ["downloads are off", "https://download.pytorch.org/models/resnet18-f37072fd.pth", "weights"] {
        assert!(stderr.contains(says), "expected {says:?} in: {stderr}");
    }
}

#[test]
fn weights_of_another_model() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("clothes.safetensors");
    let model = fixture("../examples/assets/clothes");
    mvl(&["models", "export", "--model", text(&model), text(&file)]).succeeds();
    let ran = mvl(&["predict", "--model", "mobilenet_v2.imagenet1k_v1", "--weights", text(&file), "x.jpg"]);
    ran.fails(1, &["weights do not fit \"mobilenet_v2\": missing", "clothes.safetensors"]);
}

#[test]
fn weights_of_another_shape() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 4);
    let file = folder.path().join("clothes.safetensors");
    let model = fixture("../examples/assets/clothes");
    mvl(&["models", "export", "--model", text(&model), text(&file)]).succeeds();
    let other_width = ["--set", "model.name=resnet14"];
    let mut arguments = vec!["--data", text(&data), "--run-dir", text(&run), "--weights", text(&file)];
    arguments.extend(other_width);
    let ran = train(&arguments);
    ran.fails(1, &["weights do not fit \"resnet14\": ", "expected [", "found [", "clothes.safetensors"]);
}

#[test]
fn weights_that_run_code() {
    let file = fixture("mvl-models/tests/fixtures/hostile.pth");
    let ran = mvl(&["predict", "--model", "mobilenet_v2.imagenet1k_v1", "--weights", text(&file), "x.jpg"]);
    ran.fails(1, &["which was not done; do not trust this file", "hostile.pth"]);
}

#[test]
fn no_gpu() {
    let folder = tempdir().expect("a folder");
    let run = folder.path().join("run");
    let doctor = mvl(&["doctor", "--json"]).succeeds().json();
    let cuda = doctor["backends"].as_array().expect("an array").iter().find(|backend| backend["name"] == "cuda");
    if cuda.is_some_and(|cuda| cuda["devices"] != 0) {
        println!("skipped: this machine has a GPU");
        return;
    }
    let ran = mvl(&["train", "--data", "embedded:fashion-mnist", "--backend", "cuda", "--run-dir", text(&run)]);
    if cfg!(feature = "cuda") {
        ran.fails(1, &["no cuda device 0: this machine has 0; check `nvidia-smi`"]);
    } else {
        let build = "this build has no cuda backend: build with `cargo build --release --features cuda`";
        ran.fails(2, &[build, "or use --backend cpu"]);
    }
    assert!(!run.exists(), "nothing was written");
}

#[test]
fn device_that_is_not_there() {
    let folder = tempdir().expect("a folder");
    let run = folder.path().join("run");
    let ran = mvl(&["train", "--data", "embedded:fashion-mnist", "--device", "7", "--run-dir", text(&run)]);
    ran.fails(1, &["no cpu device 7: this machine has 1; the CPU is device 0"]);
}

#[test]
fn unwritable_folder() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 4);
    let blocked = folder.path().join("file");
    fs::write(&blocked, "in the way").expect("written");
    let run = blocked.join("run");
    let ran = train(&["--data", text(&data), "--run-dir", text(&run)]);
    ran.fails(1, &["cannot write to the run's folder, choose another with --run-dir", text(&run)]);
}

#[test]
fn run_folder_that_is_taken() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 4);
    let arguments = ["--data", text(&data), "--run-dir", text(&run)];
    train(&arguments).succeeds();
    train(&arguments).fails(1, &["there is a run in this folder already: go on with `mvl train --resume"]);
}

#[test]
fn folder_that_the_demo_must_not_replace() {
    let folder = tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.txt"), "precious").expect("written");
    let ran = mvl(&["demo", "--out", text(folder.path())]);
    ran.fails(1, &["holds something other than an earlier demo, choose another with --out"]);
    assert!(folder.path().join("thesis.txt").exists());
}

#[test]
fn other_classes_than_the_model_has() {
    let folder = tempdir().expect("a folder");
    pictures(folder.path(), 2);
    let model = fixture("../examples/assets/clothes");
    let ran = mvl(&["eval", "--model", text(&model), "--data", text(folder.path())]);
    ran.fails(
        1,
        &["the data's classes are not the model's: expected 10 classes (T-shirt/top", "got 2 classes (dark, light)"],
    );
}

#[test]
fn unknown_flag() {
    mvl(&["train", "--batchsize", "3"]).fails(2, &["unexpected argument '--batchsize'", "--batch-size"]);
}

#[test]
fn a_folder_with_a_foreign_config_is_not_a_demo() {
    let folder = tempdir().expect("a folder");
    for (name, what) in [("config.toml", "[site]"), ("credentials", "secret")] {
        fs::write(folder.path().join(name), what).expect("written");
    }
    mvl(&["demo", "--out", text(folder.path())]).fails(1, &["other than an earlier demo, choose another with --out"]);
    mvl(&["demo", "--backend", "rocm", "--out", text(folder.path())]).fails(2, &["this build has no rocm backend"]);
    assert_eq!(fs::read_to_string(folder.path().join("credentials")).expect("still there"), "secret");
}

#[test]
fn a_failed_start_leaves_no_run_behind() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 4);
    let arguments = ["--data", text(&data), "--run-dir", text(&run)];
    let mut wrong = arguments.to_vec();
    let hostile = fixture("mvl-models/tests/fixtures/hostile.pth");
    wrong.extend(["--weights", text(&hostile)]);
    train(&wrong).fails(1, &["do not trust this file"]);
    assert!(!run.exists(), "nothing was written");
    train(&arguments).succeeds();
}

#[test]
fn resume_where_no_run_is() {
    mvl(&["train", "--resume", "no/such/run"])
        .fails(1, &["no run to go on with here: expected config.toml and checkpoints/; no/such/run"]);
}

#[test]
fn weights_for_a_model_that_has_its_own() {
    let model = fixture("../examples/assets/clothes");
    let ran = mvl(&["predict", "--model", text(&model), "--weights", "other.pth", "x.jpg"]);
    ran.fails(1, &["a saved model has its own weights", "leave out other.pth"]);
}

#[test]
fn a_model_where_weights_are_needed() {
    let ran = mvl(&["predict", "--model", "mobilenet_v2", "x.jpg"]);
    ran.fails(1, &["\"mobilenet_v2\" is a model without weights; weights for it: mobilenet_v2.imagenet1k_v1"]);
}

#[test]
fn export_to_another_format() {
    let folder = tempdir().expect("a folder");
    let model = fixture("../examples/assets/clothes");
    let out = folder.path().join("weights.pth");
    mvl(&["models", "export", "--model", text(&model), text(&out)])
        .fails(1, &["expected a file that ends in .safetensors"]);
    assert!(!out.exists());
}
