//! Files made byte by byte. None of them may ever be given to Python.

use super::pickle::{begins, look as look_at};
use super::*;

fn pickle(bytes: &[u8]) -> Option<String> {
    look_at(&mut &bytes[..]).expect("in memory").map(|harm| harm.to_string())
}

/// `module.name(argument)` of protocol 4.
fn called(module: &str, name: &str) -> Vec<u8> {
    let text = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes(), &[0x94]].concat();
    [&b"\x80\x04"[..], &text(module), &text(name), b"\x93\x94", &text("true"), b"\x85\x94R\x94."].concat()
}

#[test]
fn what_asks_to_run_something_is_found_however_it_is_written() {
    for (bytes, asks) in [
        (b"cos\nsystem\n(S'true'\ntR.".to_vec(), "os"),
        (b"cposix\nsystem\n(S'true'\ntR and then no pickle at all".to_vec(), "posix"),
        (
            b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01csubprocess\nPopen\nq\x02X\x01\x00\x00\x00bq\x03\x85Rs.".to_vec(),
            "Popen",
        ),
        (b"(S'true'\nios\nsystem\n.".to_vec(), "system"),
        (called("os", "system"), "os"),
        (called("builtins", "eval"), "eval"),
        (called("builtins", "getattr"), "getattr"),
        (called("torch.serialization", "os.system"), "os.system"),
        (called("torch.hub", "load"), "torch.hub"),
        ([called("collections", "OrderedDict"), called("os", "system")].concat(), "os"),
        // The module is remembered and called up again.
        (b"\x80\x04\x8c\x02os\x940h\x00\x8c\x06system\x93)R.".to_vec(), "os"),
    ] {
        let found = pickle(&bytes).unwrap_or_else(|| panic!("not found: {asks}"));
        assert!(found.contains(asks) && found.contains("which was not done"), "{found}");
        assert!(begins(&bytes), "{asks}");
    }
}

#[test]
fn what_hides_its_names_is_refused() {
    for bytes in [
        // The name is put together: popped, numbered in two ways, escaped, an extension's.
        &b"\x80\x04\x8c\x02os\x8c\x01x0\x8c\x06system\x93)R."[..],
        b"\x80\x04\x8c\x02osq\x00\x8c\x06system\x94h\x01h\x00\x93)R.",
        b"\x80\x04S'\\x6fs'\nS'system'\n\x93)R.",
        b"\x80\x02\x82\x07.",
    ] {
        let found = pickle(bytes).expect("hidden");
        assert!(found.contains("hides what it asks to run"), "{found}");
    }
}

#[test]
fn checkpoints_and_other_files_pass() {
    for bytes in [
        called("collections", "OrderedDict"),
        called("torch._utils", "_rebuild_tensor_v2"),
        called("numpy.core.multiarray", "scalar"),
        b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01u.".to_vec(),
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f}".to_vec(),
        b"cos\nno second line".to_vec(),
        b"X\xff\xff\xff\x7fabc".to_vec(),
        Vec::new(),
    ] {
        assert_eq!(pickle(&bytes), None, "{bytes:?}");
    }
    let header = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let safetensors = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat();
    for bytes in [&safetensors[..], b"{\"labels\": []}", b"# A model\n", &[0; 600]] {
        assert!(!may_harm(bytes), "{bytes:?}");
    }
    assert!(may_harm(b"PK\x03\x04") && may_harm(&called("os", "system")));
}

/// Entries of a zip archive: name, content as it lies there, method, size unpacked as it says.
type Entry<'a> = (&'a str, &'a [u8], u16, u32);

fn zip(entries: &[Entry<'_>], mode: u32) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, data, method, said) in entries {
        let offset = archive.len() as u32;
        let common = [
            &[20, 0, 0, 0][..],
            &method.to_le_bytes(),
            &[0, 0, 0x21, 0],
            &crc32(&unpacked(data, *method)).to_le_bytes(),
            &(data.len() as u32).to_le_bytes(),
            &said.to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), data].concat());
        let rest = [&[0; 6][..], &(mode << 16).to_le_bytes(), &offset.to_le_bytes(), name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\x03", &common[..], &rest].concat());
    }
    let (count, begin) = ((entries.len() as u16).to_le_bytes(), archive.len() as u32);
    archive.extend(&directory);
    let end = [&count[..], &count, &(directory.len() as u32).to_le_bytes(), &begin.to_le_bytes(), &[0, 0]].concat();
    archive.extend([b"PK\x05\x06\0\0\0\0", &end[..]].concat());
    archive
}

/// What comes out of one stored block of deflate.
fn unpacked(data: &[u8], method: u16) -> Vec<u8> {
    if method == 8 { data[5..].to_vec() } else { data.to_vec() }
}

/// One stored block of deflate.
fn deflated(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data].concat()
}

fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

fn look_at_zip(bytes: &[u8]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("writable");
    look(file.path()).expect("readable").map(|harm| harm.to_string())
}

#[test]
fn archives_are_looked_through() {
    const FILE: u32 = 0o100_644;
    let hostile = called("os", "system");
    let entry = |name, data: &'static [u8]| (name, data, 0, data.len() as u32);
    let ten = deflated(&[0; 10]);
    let packed = deflated(&hostile);
    let said = hostile.len() as u32;
    for (entries, mode, says) in [
        (vec![entry("../../.ssh/authorized_keys", b"x")], FILE, "leads out of its folder"),
        (vec![entry("/etc/passwd", b"x")], FILE, "leads out of its folder"),
        (vec![entry("a\\..\\..\\b", b"x")], FILE, "leads out of its folder"),
        (vec![entry("net/data", b"/etc/passwd")], 0o120_777, "a link"),
        (vec![("net/data/0", &ten[..], 8, u32::MAX - 1)], FILE, "bursts to 4294967294"),
        (vec![("net/data/0", &ten[..], 8, 4)], FILE, "larger than its declared"),
        (vec![("net/data.pkl", &hostile[..], 0, said)], FILE, "\"os\", \"system\""),
        (vec![("net/data.pkl", &packed[..], 8, said)], FILE, "\"os\", \"system\""),
    ] {
        let found = look_at_zip(&zip(&entries, mode));
        assert!(found.as_ref().is_some_and(|found| found.contains(says)), "expected {says:?} in {found:?}");
    }
    let good = zip(&[entry("net/", b""), entry("net/version", b"3\n"), ("net/data/0", &ten, 8, 10)], FILE);
    assert_eq!(look_at_zip(&good), None);
    let cut = look_at_zip(&good[..good.len() - 10]).expect("cut off");
    assert!(cut.contains("begins like a zip archive and is none"), "{cut}");
}

#[test]
fn entries_that_share_their_bytes_are_a_bomb() {
    // Two entries of a list stand for the same place (compare Fifield, "A better zip bomb", WOOT 2019).
    let data = vec![7_u8; 2_000];
    let one = zip(&[("a", &data, 0, 2_000)], 0o100_644);
    let list = one.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a list");
    let end = one.windows(4).position(|bytes| bytes == b"PK\x05\x06").expect("an end");
    let second = one[list..end].iter().enumerate().map(|(at, byte)| if at + 1 == end - list { b'b' } else { *byte });
    let both = [&one[list..end], &second.collect::<Vec<_>>()].concat();
    let tail =
        [&[0, 0, 0, 0, 2, 0, 2, 0][..], &(both.len() as u32).to_le_bytes(), &(list as u32).to_le_bytes(), &[0, 0]]
            .concat();
    let found = look_at_zip(&[&one[..list], &both, b"PK\x05\x06", &tail].concat()).expect("a bomb");
    assert!(found.contains("bursts"), "{found}");
}
