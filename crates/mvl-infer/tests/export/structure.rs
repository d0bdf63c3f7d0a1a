//! Reads an exported model as any reader of protobuf does, and looks at its order and its names.

use std::collections::{BTreeMap, HashSet};

/// A field of a protobuf message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, by number.
fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = number(&mut message);
        let field = match key & 7 {
            0 => Field::Number(number(&mut message)),
            1 => Field::Bytes(take(&mut message, 8)),
            2 => {
                let length = number(&mut message) as usize;
                Field::Bytes(take(&mut message, length))
            }
            5 => Field::Bytes(take(&mut message, 4)),
            other => panic!("no wire type of proto3: {other}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (head, tail) = message.split_at(length);
    *message = tail;
    head
}

fn number(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = take(message, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn messages(message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let found = fields(message).into_iter().filter(|(number, _)| *number == wanted);
    found
        .map(|(_, field)| match field {
            Field::Bytes(bytes) => bytes,
            Field::Number(number) => panic!("field {wanted} is the number {number}"),
        })
        .collect()
}

fn texts(message: &[u8], wanted: u64) -> Vec<String> {
    let texts = messages(message, wanted).into_iter();
    texts.map(|text| String::from_utf8(text.to_vec()).expect("names are UTF-8")).collect()
}

/// Checks that the file states its version, that nodes read only what is there before them, that no name is given twice, and that
/// every initializer has as many bytes as its shape says and is read.
pub(crate) fn assert_well_formed(model: &[u8]) {
    let graph = messages(model, 7)[0];
    let opset = messages(model, 8)[0];
    assert!(fields(opset).iter().any(|(number, field)| *number == 2 && matches!(field, Field::Number(17))), "opset 17");
    assert_eq!(texts(model, 2), ["mvl"], "the producer");

    let mut known = HashSet::new();
    for input in messages(graph, 11) {
        assert!(known.insert(texts(input, 1)[0].clone()), "an input twice");
    }
    let mut unread = HashSet::new();
    for tensor in messages(graph, 5) {
        let name = texts(tensor, 8)[0].clone();
        let numbers = |wanted: u64| -> Vec<u64> {
            let numbers = fields(tensor).into_iter().filter(|(number, _)| *number == wanted);
            numbers.filter_map(|(_, field)| if let Field::Number(value) = field { Some(value) } else { None }).collect()
        };
        let bytes_each = match numbers(2)[0] {
            1 | 6 => 4,
            7 => 8,
            9 => 1,
            other => panic!("{name} has elements of type {other}"),
        };
        let bytes = messages(tensor, 9)[0].len() as u64;
        assert_eq!(bytes, numbers(1).iter().product::<u64>() * bytes_each, "{name} has the bytes of its shape");
        assert!(known.insert(name.clone()), "{name} twice");
        unread.insert(name);
    }
    let nodes = messages(graph, 1);
    assert!(!nodes.is_empty(), "a model computes something");
    for node in nodes {
        for input in texts(node, 1).into_iter().filter(|name| !name.is_empty()) {
            assert!(known.contains(&input), "{:?} reads {input}, which is not there yet", texts(node, 3));
            unread.remove(&input);
        }
        for output in texts(node, 2) {
            assert!(known.insert(output.clone()), "{output} twice");
        }
    }
    assert!(unread.is_empty(), "nobody reads {unread:?}");
    for output in messages(graph, 12) {
        assert!(known.contains(&texts(output, 1)[0]), "the output is computed");
    }
}

/// The operators of a model's nodes, in order.
pub(crate) fn operators(model: &[u8]) -> Vec<String> {
    let graph = messages(model, 7)[0];
    messages(graph, 1).into_iter().map(|node| texts(node, 4)[0].clone()).collect()
}

/// What is written down about a model.
pub(crate) fn metadata(model: &[u8]) -> BTreeMap<String, String> {
    let entries = messages(model, 14).into_iter();
    entries.map(|entry| (texts(entry, 1)[0].clone(), texts(entry, 2)[0].clone())).collect()
}
