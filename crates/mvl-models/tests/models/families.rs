//! One cheap model of every family held against its reference implementation's keys, shapes and answers.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::path::Path;

use mvl_core::ModelConfig;
use mvl_models::weights::{LoadPolicy, load_weights, save_safetensors};
use mvl_models::zoo;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::fixtures::{cpu, fixture_json, formula, picture, uniform};
use super::reference_answers::assert_answers;

/// Families without a reference implementation.
const WITHOUT_REFERENCE: [&str; 1] = ["resnet_cifar"];
/// Parts of the keys of what stands for places.
const POSITIONS: [&str; 3] = ["pos_embed", "token", "position_bias_table"];
/// Ends of the keys of what models compute themselves.
const TABLES: [&str; 2] = ["relative_position_index", "relative_coords_table"];

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// The model that stands for the family, as the reference was made.
fn config(golden: &Value, num_classes: usize) -> ModelConfig {
    let config = ModelConfig::new(golden["name"].as_str().expect("a name"), num_classes);
    let config =
        object(&golden["options"]).iter().fold(config, |config, (key, value)| config.with_option(key, value.clone()));
    object(&golden["head_options"])
        .iter()
        .fold(config, |config, (key, value)| config.with_head_option(key, value.clone()))
}

/// SHA-256 of the keys and shapes, sorted, a line each.
fn keys_digest(keys: &[(String, Vec<usize>)]) -> String {
    let mut lines: Vec<_> = keys.iter().map(|(key, shape)| format!("{key} {shape:?}\n")).collect();
    lines.sort();
    Sha256::digest(lines.concat()).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("room for it");
        text
    })
}

/// A family's values of one state-dict key.
fn family_formula(key: &str, shape: &[usize], gain: f64) -> Vec<f32> {
    let scaled = |scale: f64| {
        let values = uniform(key).take(shape.iter().product());
        values.map(|u| ((u - 0.5) * 2.0 * scale) as f32).collect()
    };
    if POSITIONS.iter().any(|part| key.contains(part)) {
        scaled(1.0)
    } else if shape.len() == 4 {
        scaled((3.0 * gain / shape[1..].iter().product::<usize>() as f64).sqrt())
    } else {
        formula(key, shape)
    }
}

/// Fills a file of weights with a family's values, all but the tables that models compute themselves; gives its keys and shapes.
fn fill(path: &Path, gain: f64) -> Vec<(String, Vec<usize>)> {
    let mut file = File::options().read(true).write(true).open(path).expect("a file");
    let mut length = [0; 8];
    file.read_exact(&mut length).expect("a length");
    let mut header = vec![0; u64::from_le_bytes(length) as usize];
    file.read_exact(&mut header).expect("a header");
    let begin = (length.len() + header.len()) as u64;
    let mut entries: Map<String, Value> = serde_json::from_slice(&header).expect("JSON");
    entries.remove("__metadata__");
    let mut keys = Vec::new();
    for (key, entry) in entries {
        let shape: Vec<usize> = serde_json::from_value(entry["shape"].clone()).expect("a shape");
        if !TABLES.iter().any(|table| key.ends_with(table)) {
            assert_eq!(entry["dtype"], "F32", "{key}");
            let values = family_formula(&key, &shape, gain);
            let offset = begin + entry["data_offsets"][0].as_u64().expect("an offset");
            file.seek(SeekFrom::Start(offset)).expect("a place in the file");
            let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
            file.write_all(&bytes).expect("room on the disk");
        }
        keys.push((key, shape));
    }
    keys
}

/// Keys and shapes are the reference's; with the formula's weights loaded under them, so are logits and taps at both sizes.
fn agrees_with_reference(family: &str) {
    let (zoo, device, goldens) = (zoo(), cpu(), fixture_json("family_logits.json"));
    let golden = &goldens["families"][family];
    let config = config(golden, goldens["num_classes"].as_u64().expect("a number") as usize);
    assert_eq!(zoo.model(&config.name).expect("a name of the zoo").family(), family);

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("formula.safetensors");
    let model = zoo.create_classifier(&config, &device).expect("a valid config");
    save_safetensors(&model, &config, &zoo, &file).expect("written");
    let keys = fill(&file, golden["gain"].as_f64().expect("a number"));
    assert_eq!(keys_digest(&keys), golden["keys_sha256"], "{}: other keys or shapes: {keys:#?}", config.name);
    let (model, report) = load_weights(model, &config, &zoo, &file, LoadPolicy::strict()).expect("the keys fit");
    assert_eq!((report.loaded, report.ignored), (keys.len(), 0));

    for (input, expected) in object(&golden["answers"]) {
        let shape: [usize; 4] = serde_json::from_value(expected["shape"].clone()).expect("a shape");
        let images = picture(input, shape, &device);
        assert_answers(&format!("{} {input}", config.name), &model, images, expected);
    }
}

#[test]
fn no_family_is_left_out() {
    let families: BTreeSet<_> = zoo().models().map(|model| model.family().to_owned()).collect();
    let goldens = fixture_json("family_logits.json");
    let without = WITHOUT_REFERENCE.into_iter().map(str::to_owned);
    let stored: BTreeSet<_> = object(&goldens["families"]).keys().cloned().chain(without).collect();
    let tested: BTreeSet<_> = TESTED.iter().chain(&WITHOUT_REFERENCE).map(|&family| family.to_owned()).collect();
    assert_eq!((&stored, &tested), (&families, &families));
}

macro_rules! agree {
    ($($family:ident),* $(,)?) => {
        /// Families with a test below.
        const TESTED: &[&str] = &[$(stringify!($family)),*];

        $(#[test]
        fn $family() {
            agrees_with_reference(stringify!($family));
        })*
    };
}

agree!(
    alexnet,
    clip,
    convnext,
    convnext_v2,
    deit,
    densenet,
    dinov2,
    efficientnet,
    efficientnet_lite,
    efficientnet_v2,
    googlenet,
    inception_v3,
    maxvit,
    mnasnet,
    mobilenet_v2,
    mobilenet_v3,
    mobilenet_v4,
    regnet,
    repvgg,
    resnet,
    resnetd,
    resnext,
    se_resnet,
    shufflenet_v2,
    squeezenet,
    swin,
    swin_v2,
    vgg,
    vit,
    wide_resnet,
);
