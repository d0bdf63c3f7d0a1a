//! What the fixtures say, and the formula that fills a model (`fixtures/NOTES.md`).

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleSnapshot, ModuleStore, SafetensorsStore, bridge};
use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{Backend, Classifier, Cpu};
use serde_json::{Value, json};

pub(super) fn cpu() -> Device {
    Cpu::device(0).expect("a CPU")
}

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub(super) fn fixture_json(name: &str) -> Value {
    let bytes = fs::read(fixture(name)).expect("a fixture");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// A file of the shared assets, or `None` with a message where they are absent.
pub(super) fn asset(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/assets").join(name);
    if !path.exists() {
        println!("skipped: {name} is not on this machine");
        return None;
    }
    Some(path)
}

/// torchvision's keys and shapes of a model, without batch counters.
pub(super) fn keys(model: &str) -> Vec<(String, Vec<usize>)> {
    let keys: Vec<(String, Vec<usize>)> =
        serde_json::from_value(fixture_json(&format!("keys/{model}.json"))).expect("pairs of key and shape");
    keys.into_iter().filter(|(key, _)| !key.ends_with("num_batches_tracked")).collect()
}

pub(super) fn uniform(key: &str) -> impl Iterator<Item = f64> {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (0u64..).map(move |index| {
        let z = hash.wrapping_add(index).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / 16_777_216.0
    })
}

/// The values of one state-dict key.
pub(super) fn formula(key: &str, shape: &[usize]) -> Vec<f32> {
    let fan_in: usize = shape.iter().skip(1).product();
    let scale = (3.0 / fan_in as f64).sqrt();
    let value = |u: f64| {
        if key.ends_with("running_mean") || key.ends_with(".bias") {
            (u - 0.5) * 0.2
        } else if key.ends_with("running_var") || shape.len() == 1 {
            0.5 + u
        } else {
            (u - 0.5) * 2.0 * scale
        }
    };
    uniform(key).take(shape.iter().product()).map(|u| value(u) as f32).collect()
}

/// A picture of the fixtures, `[N, C, H, W]`.
pub(super) fn picture(key: &str, shape: [usize; 4], device: &Device) -> Tensor<4> {
    let values: Vec<f32> = uniform(key).take(shape.iter().product()).map(|u| ((u - 0.5) * 4.0) as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A safetensors file of these tensors.
pub(super) fn write_safetensors<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (&'a str, Vec<usize>, Vec<f32>)> + Clone,
) {
    write_safetensors_as(path, "F32", f32::to_le_bytes, tensors);
}

/// The same in another type of `N` bytes.
pub(super) fn write_safetensors_as<'a, const N: usize>(
    path: &Path,
    dtype: &str,
    encode: fn(f32) -> [u8; N],
    tensors: impl Iterator<Item = (&'a str, Vec<usize>, Vec<f32>)> + Clone,
) {
    let mut begin = 0;
    let mut header = serde_json::Map::new();
    for (key, shape, _) in tensors.clone() {
        let end = begin + N * shape.iter().product::<usize>();
        header.insert(key.to_owned(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, end] }));
        begin = end;
    }
    let header = serde_json::to_vec(&header).expect("plain data");
    let mut file = BufWriter::new(fs::File::create(path).expect("a writable folder"));
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("room on the disk");
    file.write_all(&header).expect("room on the disk");
    for (_, _, values) in tensors {
        let bytes: Vec<u8> = values.into_iter().flat_map(encode).collect();
        file.write_all(&bytes).expect("room on the disk");
    }
    file.flush().expect("room on the disk");
}

/// Keys and shapes of a safetensors file in the order of its bytes.
pub(super) fn safetensors_header(path: &Path) -> (Vec<(String, Vec<usize>)>, Value) {
    let bytes = fs::read(path).expect("a file");
    let length = u64::from_le_bytes(*bytes.first_chunk().expect("a header")) as usize;
    let mut header: serde_json::Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
    let metadata = header.remove("__metadata__").unwrap_or_default();
    let mut entries: Vec<_> = header.into_iter().collect();
    entries.sort_by_key(|(_, entry)| entry["data_offsets"][0].as_u64());
    let shape = |entry: &Value| serde_json::from_value(entry["shape"].clone()).expect("a shape");
    (entries.iter().map(|(key, entry)| (key.clone(), shape(entry))).collect(), metadata)
}

/// A tensor of a safetensors file.
pub(super) fn tensor_of<const D: usize>(path: &Path, name: &str, device: &Device) -> Tensor<D> {
    let mut store = SafetensorsStore::from_file(path);
    let tensor = store.get_tensor(name).expect("readable").unwrap_or_else(|| panic!("no tensor {name}"));
    Tensor::from_data(bridge::to_data(tensor).expect("readable"), device)
}

/// Every value of a model by path.
pub(super) fn values<M: Module>(model: &M) -> HashMap<String, Vec<f32>> {
    let tensors = model.collect(None, None, false);
    let value = |tensor| bridge::into_data(tensor).expect("readable").convert::<f32>().try_to_vec().expect("floats");
    tensors.into_iter().map(|tensor| (tensor.name.clone(), value(tensor))).collect()
}

pub(super) const TOLERANCE: f32 = 1e-5;

/// Numbers of the formula, uniform from minus to plus half of `scale`.
pub(super) fn inputs<const D: usize>(key: &str, shape: [usize; D], scale: f64, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = uniform(key).take(shape.iter().product()).map(|u| ((u - 0.5) * scale) as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Shape and values are those of a fixture, within [`TOLERANCE`] of its largest value.
pub(super) fn assert_equal<const D: usize>(what: &str, got: Tensor<D>, expected: &Value) {
    let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).expect("a shape");
    assert_eq!(got.dims().to_vec(), shape, "{what}");
    let expected: Vec<f32> = serde_json::from_value(expected["values"].clone()).expect("numbers");
    let got = floats(got);
    let scale = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    let difference = largest_difference(&got, &expected) / scale;
    assert!(difference < TOLERANCE, "{what}: off by {difference}");
    println!("{what}: {difference:.1e}");
}

pub(super) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().expect("floats")
}

pub(super) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The answer to a fixed picture of this size.
pub(super) fn answer(model: &Classifier, channels: usize, side: usize) -> Vec<f32> {
    let device = mvl_core::device_of(model).expect("a model has parameters");
    floats(model.forward(picture("answer", [2, channels, side, side], &device)))
}

#[test]
fn the_formula_is_that_of_the_fixtures() {
    let samples = fixture_json("formula_logits.json")["formula_samples"].clone();
    for (key, sample) in samples.as_object().expect("an object") {
        let shape: Vec<usize> = serde_json::from_value(sample["shape"].clone()).expect("a shape");
        let expected: Vec<f32> = serde_json::from_value(sample["first"].clone()).expect("numbers");
        let got: Vec<f32> = match shape[..] {
            [n, c, h, w] if key.starts_with("input") => floats(picture(key, [n, c, h, w], &cpu())),
            _ => formula(key, &shape),
        };
        assert_eq!(got[..expected.len()], expected, "{key}");
    }
}
