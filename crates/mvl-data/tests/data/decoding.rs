//! Four formats, by content, bounded, never half an image.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use mvl_core::{Channels, DataError};
use mvl_data::{decode, decode_file, encode_png, write_png};

use crate::fixtures::{difference, gray, put, resize_fixture};

#[test]
fn lossless_formats_agree_to_the_byte() {
    let png = decode_file(resize_fixture("source.png")).expect("PNG");
    assert_eq!((png.width(), png.height(), png.channels()), (120, 90, Channels::Rgb));
    assert_eq!(decode_file(resize_fixture("source.webp")).expect("WebP"), png);
    let small = decode_file(resize_fixture("source_small.png")).expect("PNG");
    assert_eq!(decode_file(resize_fixture("source.bmp")).expect("BMP"), small);
}

#[test]
fn a_jpeg_decodes_as_pillow_does() {
    let ours = decode_file(resize_fixture("source.jpg")).expect("JPEG");
    let (most, mean) = difference(&ours, &decode_file(resize_fixture("source_jpg_decoded.png")).expect("PNG"));
    assert!(most <= 4 && mean < 0.3, "largest {most}, mean {mean}");
}

#[test]
fn grey_stays_grey() {
    let grey = decode_file(resize_fixture("source_grey.png")).expect("PNG");
    assert_eq!(grey.channels(), Channels::Gray);
    let source = decode_file(resize_fixture("source.png")).expect("PNG");
    assert_eq!(source.into_channels(Channels::Gray), grey);
}

#[test]
fn the_extension_plays_no_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("really_a_png.jpg");
    std::fs::copy(resize_fixture("source_small.png"), &path).expect("copied");
    assert_eq!(decode_file(path).expect("a PNG"), decode_file(resize_fixture("source.bmp")).expect("a BMP"));
}

#[test]
fn a_truncated_jpeg_says_so() {
    let path = resize_fixture("truncated.jpg");
    let error = decode_file(&path).expect_err("it ends early");
    let expected = format!("cannot decode image: the file ends early (truncated JPEG); {}", path.display());
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, DataError::Image { .. }));
}

#[test]
fn every_format_notices_every_cut() {
    for (name, format) in
        [("source.jpg", "JPEG"), ("source.png", "PNG"), ("source.webp", "WebP"), ("source.bmp", "BMP")]
    {
        let whole = std::fs::read(resize_fixture(name)).expect("the fixture is there");
        // A PNG's last twelve bytes are an end chunk that no decoder needs.
        let last = if format == "PNG" { whole.len() - 16 } else { whole.len() - 1 };
        for len in (32..=last).step_by(whole.len() / 23).chain([last]) {
            let error = decode(&whole[..len], name).expect_err("it was cut");
            let expected = format!("cannot decode image: the file ends early (truncated {format}); {name}");
            assert_eq!(error.to_string(), expected, "{len} of {} bytes", whole.len());
        }
    }
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    for name in ["source.jpg", "source.png", "source.webp", "source.bmp"] {
        let whole = std::fs::read(resize_fixture(name)).expect("the fixture is there");
        for at in (0..whole.len()).step_by(whole.len() / 97 + 1) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x5A;
            let _ = decode(&damaged, name); // some damage only changes colours
        }
    }
    let mut png = std::fs::read(resize_fixture("source.png")).expect("the fixture is there");
    let middle = png.len() / 2;
    png[middle] ^= 0xFF;
    let error = decode(&png, "damaged.png").expect_err("the checksum is wrong").to_string();
    assert!(error.starts_with("cannot decode image: corrupt PNG: "), "{error}");
    assert!(error.ends_with("; damaged.png"), "{error}");
}

#[test]
fn a_missing_file_says_which() {
    let error = decode_file("no/such/cat.jpg").expect_err("it is not there");
    assert_eq!(error.to_string(), "cannot read no/such/cat.jpg");
    assert_eq!(error.full_message(), "cannot read no/such/cat.jpg: No such file or directory (os error 2)");
}

#[test]
fn deep_and_transparent_pixels_lose_what_does_not_fit() {
    let encode = |color, bytes: &[u8]| {
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(bytes, 2, 1, color).expect("it is encoded");
        decode(&png, "memory").expect("it is decoded")
    };
    let rgba = encode(ExtendedColorType::Rgba8, &[10, 20, 30, 0, 40, 50, 60, 128]);
    assert_eq!((rgba.channels(), rgba.pixels()), (Channels::Rgb, &[10, 20, 30, 40, 50, 60][..]));
    let grey_alpha = encode(ExtendedColorType::La8, &[10, 0, 20, 255]);
    assert_eq!((grey_alpha.channels(), grey_alpha.pixels()), (Channels::Gray, &[10, 20][..]));
    let deep: Vec<u8> = [0x1234_u16, 0xFFFF].iter().flat_map(|level| level.to_ne_bytes()).collect();
    assert_eq!(encode(ExtendedColorType::L16, &deep).pixels(), [0x12, 0xFF]);
}

#[test]
fn a_palette_becomes_rgb() {
    let mut header = [2_u32.to_be_bytes(), 1_u32.to_be_bytes()].concat();
    header.extend([8, 3, 0, 0, 0]);
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    rows.write_all(&[0, 1, 0]).expect("memory takes every write");
    let rows = rows.finish().expect("memory takes every write");
    let mut png = b"\x89PNG\r\n\x1A\n".to_vec();
    for (name, data) in
        [(b"IHDR", &header[..]), (b"PLTE", &[1, 2, 3, 4, 5, 6]), (b"tRNS", &[0]), (b"IDAT", &rows), (b"IEND", &[])]
    {
        let body = [&name[..], data].concat();
        let mut checksum = flate2::Crc::new();
        checksum.update(&body);
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(body);
        png.extend(checksum.sum().to_be_bytes());
    }
    let image = decode(&png, "memory").expect("it is decoded");
    assert_eq!((image.channels(), image.pixels()), (Channels::Rgb, &[4, 5, 6, 1, 2, 3][..]));
}

#[test]
fn a_written_image_reads_back_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.png");
    let image = gray(7, 5, 3);
    write_png(&gray(1, 1, 0), &path).expect("written");
    write_png(&image, &path).expect("replaced");
    assert_eq!(decode_file(&path).expect("read"), image);
    assert_eq!(decode(&encode_png(&image), "memory").expect("read"), image);
    assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made/for/it/image.png");
    write_png(&gray(1, 1, 0), &path).expect("missing folders are made");
    assert!(path.is_file());

    let file = folder.path().join("file");
    put(&file, b"not a folder");
    let path = file.join("image.png");
    let error = write_png(&gray(1, 1, 0), &path).expect_err("its folder is a file");
    assert_eq!(error.full_message(), format!("cannot write {}: not a directory", path.display()));
}
