//! How much memory creating and loading a model takes: `cargo xtask prove vit-memory`. In processes of their own, since what is
//! measured is the most that a process ever held.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use burn::tensor::Device;
use mvl_core::{Backend, Cpu, ModelConfig, peak_bytes, resident_bytes};
use mvl_models::weights::{LoadPolicy, load_weights, load_weights_mapped, save_safetensors};
use mvl_models::zoo;

/// How a process that measures is told the model, its weights file, and whether to map it.
const MODEL: &str = "MVL_MEMORY_MODEL";
const WEIGHTS: &str = "MVL_MEMORY_WEIGHTS";
const MAPPED: &str = "MVL_MEMORY_MAPPED";

fn config(model: &str) -> ModelConfig {
    ModelConfig::new(model, 1000)
}

fn cpu() -> Device {
    Cpu::device(0).expect("a CPU")
}

/// The most memory held while the model was created and loaded, as a multiple of the file's size: read, and mapped.
fn factors(model: &str) -> [f64; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let weights = folder.path().join("weights.safetensors");
    let fresh = zoo().create_classifier(&config(model), &cpu()).expect("a name of the zoo");
    save_safetensors(&fresh, &config(model), &zoo(), &weights).expect("written");
    drop(fresh);
    [false, true].map(|mapped| {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "the_measured_process", "--ignored", "--nocapture"])
            .env(MODEL, model)
            .env(WEIGHTS, &weights)
            .env(MAPPED, mapped.to_string())
            .output()
            .expect("it starts");
        let text = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{text}{}", String::from_utf8_lossy(&child.stderr));
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).expect("a figure").to_owned();
        println!("{model}, {}: {}", if mapped { "mapped" } else { "read" }, line("measured "));
        line("factor ").parse().expect("a number")
    })
}

#[test]
fn a_vit_takes_little_more_than_its_file() {
    let [read, mapped] = factors("vit_base_patch16_224");
    println!("vit-memory {read:.3} {mapped:.3}");
    assert!(read <= 1.3 && mapped <= 1.3, "{read} and {mapped} times the size of the weights file");
}

/// Convolutions are not read before they are used.
#[test]
fn a_mapped_convolutional_net_takes_a_part_of_its_file() {
    let [read, mapped] = factors("resnet101");
    assert!(mapped < 0.7 && mapped < read, "{read} and {mapped} times the size of the weights file");
}

#[test]
#[ignore = "started by the other tests"]
fn the_measured_process() {
    let Ok(name) = std::env::var(MODEL) else { return };
    let weights = std::env::var(WEIGHTS).expect("given with the model");
    let weights = Path::new(&weights);
    let load =
        if std::env::var(MAPPED).is_ok_and(|mapped| mapped == "true") { load_weights_mapped } else { load_weights };
    let (zoo, config, device) = (zoo(), config(&name), cpu());
    let before = resident_bytes().expect("Linux") as f64;
    let begin = Instant::now();
    let model = zoo.create_classifier(&config, &device).expect("a name of the zoo");
    let (model, report) = load(model, &config, &zoo, weights, LoadPolicy::strict()).expect("they fit");
    let elapsed = begin.elapsed();
    let most = peak_bytes().expect("Linux") as f64 - before;
    let file = std::fs::metadata(weights).expect("it is there").len() as f64;
    println!("\nmeasured {report}, {:.0} MB at most for a file of {:.0} MB, {elapsed:.2?}", most / 1e6, file / 1e6);
    println!("factor {:.3}", most / file);
    drop(model);
}
