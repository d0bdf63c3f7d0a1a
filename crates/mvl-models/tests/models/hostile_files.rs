//! Weights files that mean harm, made byte by byte: they run nothing, take no memory to speak of, and are refused with a reason.
//! Nothing of this may ever be given to Python.

use std::fs;

use mvl_core::ModelConfig;
use mvl_models::weights::{LoadPolicy, load_weights};

use super::fixtures::cpu;
use super::user_backbone::registry;

const STOP: &[u8] = b".";
const REDUCE: &[u8] = b"R";
const MARK: &[u8] = b"(";
const TUPLE: &[u8] = b"t";

fn text(value: &str) -> Vec<u8> {
    [b"X", &(value.len() as u32).to_le_bytes()[..], value.as_bytes()].concat()
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

fn number(value: u64) -> Vec<u8> {
    [&[0x8a, 9][..], &value.to_le_bytes(), &[0]].concat()
}

fn call(function: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<u8> {
    [function, MARK.to_vec(), arguments.concat(), TUPLE.to_vec(), REDUCE.to_vec()].concat()
}

/// A pickle of a dictionary.
fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items = entries.iter().flat_map(|(key, value)| [text(key), value.clone(), b"s".to_vec()].concat());
    [b"\x80\x02}".to_vec(), items.collect(), STOP.to_vec()].concat()
}

/// A zip archive of stored entries, each with the size that it says it has.
fn zip(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, data, declared) in entries {
        let offset = archive.len() as u32;
        let sizes = [declared.to_le_bytes(), declared.to_le_bytes()].concat();
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], // version, flags, stored, time, date
            &crc32(data).to_le_bytes(),
            &sizes,
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), data].concat());
        let rest = [&[0; 10][..], &offset.to_le_bytes(), name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\0", &common[..], &rest].concat());
    }
    let (count, begin) = ((entries.len() as u16).to_le_bytes(), archive.len() as u32);
    archive.extend(&directory);
    let end = [&count[..], &count, &(directory.len() as u32).to_le_bytes(), &begin.to_le_bytes(), &[0, 0]].concat();
    archive.extend([b"PK\x05\x06\0\0\0\0", &end[..]].concat());
    archive
}

fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// A tensor of a storage named `0`.
fn tensor(elements: u64, shape: &[u64], strides: &[u64]) -> Vec<u8> {
    let tuple = |items: Vec<Vec<u8>>| [MARK.to_vec(), items.concat(), TUPLE.to_vec()].concat();
    let numbers = |values: &[u64]| tuple(values.iter().map(|&value| number(value)).collect());
    let storage =
        tuple(vec![text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), number(elements)]);
    let hooks = call(global("collections", "OrderedDict"), &[]);
    let stored = [storage, b"Q".to_vec()].concat();
    let arguments = [stored, number(0), numbers(shape), numbers(strides), b"\x89".to_vec(), hooks];
    call(global("torch._utils", "_rebuild_tensor_v2"), &arguments)
}

fn checkpoint(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    let entry = |name, data: &'static [u8]| (name, data, data.len() as u32);
    zip(&[
        ("net/data.pkl", pickle, pickle.len() as u32),
        entry("net/version", b"3\n"),
        entry("net/byteorder", b"little"),
        ("net/data/0", storage, storage.len() as u32),
    ])
}

fn error_of(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights");
    fs::write(&file, bytes).expect("writable");
    let (config, registry) = (ModelConfig::new("tiny", 2), registry());
    let model = registry.create_classifier(&config, &cpu()).expect("a valid config");
    let error = load_weights(model, &config, &registry, &file, LoadPolicy::strict()).expect_err("hostile");
    std::error::Error::source(&error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[test]
fn files_that_ask_to_run_programs_are_refused() {
    let trace = std::env::temp_dir().join(format!("mvl_hostile_{}", std::process::id()));
    let touch = || text(&format!("touch {}", trace.display()));
    let python = || text(&format!("open({:?}, 'w')", trace.display()));
    let system = || call(global("os", "system"), &[touch()]);
    let list = |item: Vec<u8>| [b"]".to_vec(), item, b"a".to_vec()].concat();
    let weights = || tensor(4, &[2, 2], &[2, 1]);
    let cases = [
        (
            dictionary(&[("fc.weight", call(global("builtins", "eval"), &[python()]))]),
            "\"fc.weight\" asks to run \"builtins.eval\"",
        ),
        (
            dictionary(&[("a", call(global("__builtin__", "exec"), &[python()]))]),
            "\"a\" asks to run \"__builtin__.exec\"",
        ),
        (dictionary(&[("a", list(list(system())))]), "\"a\" asks to run \"os.system\""),
        // what a call returns is called
        (
            dictionary(&[(
                "a",
                call(call(global("builtins", "getattr"), &[global("os", ""), text("system")]), &[touch()]),
            )]),
            "",
        ),
        (dictionary(&[("a", call(global("collections", "Counter"), &[system()]))]), ""),
        (
            dictionary(&[("a", [global("posix", "system"), b"(".to_vec(), touch(), b"t\x81".to_vec()].concat())]),
            "posix.system",
        ),
    ];
    for (pickle, says) in cases {
        let error = error_of(&pickle);
        assert!(error.contains(says), "expected {says:?} in {error}");
        let error = error_of(&checkpoint(&pickle, &[0; 16]));
        assert!(error.contains(says), "expected {says:?} in {error}");
    }
    let beside = dictionary(&[("fc.weight", weights()), ("extra", system())]);
    let error = error_of(&checkpoint(&beside, &[0; 16]));
    assert!(
        error.starts_with("\"extra\" asks to run \"os.system\", which was not done; do not trust this file"),
        "{error}"
    );
    assert!(!trace.exists(), "something ran");
}

#[test]
fn the_made_files_are_good_but_for_what_is_bad_in_them() {
    let good = checkpoint(&dictionary(&[("conv.weight", tensor(4, &[2, 2], &[2, 1]))]), &[0; 16]);
    let error = error_of(&good);
    assert!(error.contains("misshapen 1: conv.weight expected [4, 3, 3, 3], found [2, 2]"), "{error}");
}

#[test]
fn absurd_shapes_are_refused() {
    let shapes: [(u64, &[u64], &[u64]); 5] = [
        (4, &[1 << 40, 1 << 40], &[1, 1]),
        (4, &[1 << 62], &[0]),
        (4, &[2, 2], &[1 << 62, 1 << 62]),
        (1 << 60, &[2, 2], &[2, 1]),
        (4, &[u64::MAX >> 1, 2], &[2, 1]),
    ];
    for (elements, shape, strides) in shapes {
        let pickle = dictionary(&[("conv.weight", tensor(elements, shape, strides))]);
        let error = error_of(&checkpoint(&pickle, &[0; 16]));
        assert!(!error.contains("do not trust"), "{shape:?}: {error}");
    }
}

#[test]
fn sizes_that_are_only_said_take_no_memory() {
    let pickle = dictionary(&[("conv.weight", tensor(4, &[2, 2], &[2, 1]))]);
    let claims = zip(&[("net/data.pkl", &pickle, u32::MAX - 1), ("net/version", b"3\n", 2)]);
    assert!(error_of(&claims).starts_with("cannot read the weights as safetensors or as a PyTorch checkpoint: "));
    // strings, long integers and frames that claim to be longer than the file
    for opcode in [
        &b"X\xff\xff\xff\x7f"[..],
        b"T\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\x7f",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
    ] {
        let error = error_of(&[b"\x80\x04}", opcode, b"abc"].concat());
        assert!(error.starts_with("cannot read the weights as safetensors or as a PyTorch checkpoint: "), "{error}");
    }
    // a billion laughs: each list holds the one before ten times
    let mut laughs = b"\x80\x02]q\x00".to_vec();
    for level in 0..30_u8 {
        laughs.extend([&b"]"[..], &[b'q', level + 1], &[b'h', level, b'a'].repeat(10)].concat());
    }
    laughs.extend(STOP);
    assert!(!error_of(&laughs).is_empty());
}
