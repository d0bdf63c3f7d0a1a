//! YOLO's label and data files, and CIFAR's records: the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_data::{CifarKind, YoloForm, parse_cifar, parse_yolo_data, parse_yolo_labels};

/// Height and width of the image that the labels are for.
const SIZE: [u32; 2] = [48, 64];
const CLASSES: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        b'd' => drop(parse_yolo_data(bytes)),
        b'k' => drop(parse_yolo_labels(bytes, SIZE, CLASSES, YoloForm::of(Some([2, 3])))),
        b'1' => drop(parse_cifar(bytes, CifarKind::Ten)),
        b'2' => drop(parse_cifar(bytes, CifarKind::Hundred)),
        _ => drop(parse_yolo_labels(bytes, SIZE, CLASSES, YoloForm::of(None))),
    }
});
