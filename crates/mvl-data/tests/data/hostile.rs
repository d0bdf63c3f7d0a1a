//! Parsers of untrusted bytes on damaged files: they may find problems, they may not panic. The fuzz targets go on from here.

use mvl_core::{RunLengths, SampleRng};
use mvl_data::{
    CifarKind, IndexImage, PixelOrigin, YoloForm, parse_cifar, parse_class_names, parse_coco, parse_csv_manifest,
    parse_json_lines_manifest, parse_voc, parse_yolo_data, parse_yolo_labels, read_index_png, write_index_png,
};

const ROUNDS: usize = 2_000;
/// Bytes that mean something in one of the forms.
const MARKS: &[u8] = b"0123456789{}[]<>/&;:,\"'-.e\n \0";

/// A good file with some bytes changed, cut out, or said twice.
fn damaged(good: &[u8], rng: &mut SampleRng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=rng.below(4) {
        let place = rng.below(bytes.len().max(1));
        let end = place + rng.below((bytes.len() - place).clamp(1, 40));
        match rng.below(5) {
            _ if bytes.is_empty() => bytes.push(b'0'),
            0 => bytes[place] = rng.next_u64() as u8,
            1 => bytes[place] = MARKS[rng.below(MARKS.len())],
            2 => drop(bytes.drain(place..end)),
            3 => bytes.truncate(place),
            _ => {
                let again = bytes[place..end].to_vec();
                bytes.splice(end..end, again);
            }
        }
    }
    bytes
}

fn survives(good: &[u8], parse: impl Fn(&[u8])) {
    let mut rng = SampleRng::new([good.len() as u64, 2, 3, 4]);
    parse(good);
    for _ in 0..ROUNDS {
        parse(&damaged(good, &mut rng));
    }
}

#[test]
fn annotation_files() {
    let coco = br#"{"categories":[{"id":1,"name":"a"}],"images":[{"id":5,"file_name":"a.jpg","width":3,"height":2}],"annotations":[
        {"image_id":5,"category_id":1,"segmentation":{"size":[2,3],"counts":"132"},"area":3},
        {"image_id":5,"category_id":1,"bbox":[0,0,1,1.5],"segmentation":[[0,0,2,0,2,1.5]],"keypoints":[1,2,2]},
        {"image_id":5,"category_id":1,"segmentation":{"size":[2,3],"counts":[1,3,2]},"iscrowd":1}]}"#;
    survives(coco, |bytes| {
        for image in parse_coco(bytes).value.images {
            for mask in image.image.annotations.objects.into_iter().filter_map(|object| object.mask) {
                let _ = mask.to_bitmap(3, 2);
            }
        }
    });
    let voc = b"<annotation><filename>a &amp; b</filename><size><width>4</width><height>3</height></size><object><name>dog</name>\
        <difficult>1</difficult><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>3</ymax></bndbox></object></annotation>";
    survives(voc, |bytes| {
        let annotation = parse_voc(bytes).value;
        let _ = annotation.image(&mvl_core::Labels::new(["dog"]), PixelOrigin::One);
    });
    survives(b"0 0.5 0.5 0.25 1\n1 0 0 1 0 1 1\n", |bytes| {
        drop(parse_yolo_labels(bytes, [64, 32], 2, YoloForm::Shapes))
    });
    survives(b"0 0.5 0.5 0.25 1 .1 .2 2 .3 .4 1\n", |bytes| {
        drop(parse_yolo_labels(bytes, [64, 32], 2, YoloForm::of(Some([2, 3]))));
    });
    survives(b"path: a # b\ntrain: images/train\nkpt_shape: [17, 3]\nnames:\n  0: 'cat'\n  1: \"dog\"\n", |bytes| {
        drop(parse_yolo_data(bytes));
    });
    survives(b"names: ['cat', \"a, b\"]\n", |bytes| drop(parse_yolo_data(bytes)));
    survives(b"cat\ndog\n", |bytes| drop(parse_class_names(bytes)));
}

#[test]
fn manifests() {
    let header = br#"{"mvl_manifest":1,"classes":["cat","dog"]}"#;
    let row = br#"{"path":"a.jpg","width":3,"height":2,"label":"cat","objects":[{"class":0,"box":[0,0,1,1],"mask":{"rle":"132"},
        "keypoints":[[1,2,2]]}],"class_map":[{"class":"dog","rle":"132"}]}"#;
    let row: Vec<u8> = row.iter().copied().filter(|&byte| byte != b'\n').collect();
    survives(&[header, row.as_slice()].join(&b'\n'), |bytes| {
        let file = parse_json_lines_manifest(bytes).value;
        for row in file.rows.iter().filter(|row| row.size() == Some([3, 2])) {
            let _ = row.annotations(&file.labels());
        }
    });
    survives(b"path,xmin,ymin,xmax,ymax,label,split\na.png,0,1,2,3,\"Tr\"\"ee\",train\n", |bytes| {
        drop(parse_csv_manifest(bytes))
    });
}

#[test]
fn binary_files() {
    survives(&[3; 3073], |bytes| drop(parse_cifar(bytes, CifarKind::Ten)));
    let image = IndexImage { width: 9, height: 7, indices: (0..63).map(|index| 300 * (index % 5)).collect() };
    survives(&write_index_png(&image).expect("63 numbers"), |bytes| drop(read_index_png(bytes)));
    survives(b"52203`oOI:2F9ZN7", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(runs) = RunLengths::from_coco_string(4, 4, &text) {
            let _ = (runs.to_bitmap(), runs.bbox(), runs.area());
        }
    });
}

#[cfg(feature = "parquet")]
#[test]
fn parquet() {
    use mvl_data::{ManifestHeader, ManifestRow, parse_parquet_manifest, write_parquet_manifest};
    let row = ManifestRow { path: "a.png".to_owned(), width: Some(3), ..ManifestRow::default() };
    let mut file = Vec::new();
    let header = ManifestHeader::new(mvl_core::Labels::new(["cat"]));
    write_parquet_manifest(&mut file, &header, &[row]).expect("memory takes every write");
    survives(&file, |bytes| drop(parse_parquet_manifest(bytes)));
}
