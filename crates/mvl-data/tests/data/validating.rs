//! Validation: each check with data that have exactly that fault, policies, and nothing that disappears.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{
    Annotations, Bitmap, BoxXyxy, ClassMap, Dataset, EncodedSample, Keypoint, Labels, Mask, Object, Record, RunLengths,
    Sample, SampleKey, Visibility,
};
use mvl_data::{
    Action, Check, Fix, LabelledDataset, Manifest, Mended, Orientation, Part, Policy, Split, ValidationOutcome,
    ValidationReport, decode_file, encode_jpeg, encode_png, open_dataset, validate, write_good_list, write_png,
};

use crate::fixtures::resize_fixture;
use crate::made_dataset::{MadeDataset, good, picture};

fn header_fixture(name: &str) -> Bytes {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/header");
    std::fs::read(folder.join(name)).expect("the fixture is there").into()
}

/// Few samples are no fault here.
fn policy() -> Policy {
    Policy { rare_class_samples: 0, ..Policy::default() }
}

fn run(parts: &[Part], policy: &Policy) -> ValidationOutcome {
    let outcome = validate(parts, policy, 2, || {}).expect("it runs");
    for count in &outcome.splits {
        assert_eq!(count.kept + count.fixed + count.quarantined, count.samples, "nothing disappears");
    }
    outcome
}

fn whole(dataset: MadeDataset) -> [Part; 1] {
    [(Split::All, dataset.shared())]
}

/// What was found: the check, the sample, the object.
fn found(outcome: &ValidationOutcome) -> Vec<(Check, Option<usize>, Option<usize>)> {
    let told = |place: &Option<mvl_data::Place>| place.as_ref().map(|place| place.index);
    outcome.findings.iter().map(|finding| (finding.check, told(&finding.sample), finding.object)).collect()
}

fn with_object(edit: impl FnOnce(&mut Object)) -> EncodedSample {
    let mut sample = good(50);
    let mut object = Object::new(1, BoxXyxy::new(2.0, 2.0, 30.0, 30.0));
    edit(&mut object);
    sample.annotations.objects.push(object);
    sample
}

fn with_annotations(edit: impl FnOnce(&mut Annotations)) -> EncodedSample {
    let mut sample = good(50);
    edit(&mut sample.annotations);
    sample
}

/// A sample for each fault, with the object that it is in.
fn faulty_samples() -> Vec<(&'static str, Check, Option<usize>, EncodedSample)> {
    let boxed = |x1, y1, x2, y2| with_object(|object| object.bbox = BoxXyxy::new(x1, y1, x2, y2));
    let masked = |mask: Mask| with_object(|object| object.mask = Some(mask));
    let small = Bitmap::new(4, 4, vec![1; 16]).expect("16 pixels");
    let empty = Bitmap::new(36, 32, vec![0; 36 * 32]).expect("a byte a pixel");
    let stored = |bytes: Bytes, name: &str| EncodedSample { bytes, source: name.into(), ..good(50) };
    let plain =
        |bytes: Bytes, name: &str| EncodedSample { annotations: Annotations::labelled(0), ..stored(bytes, name) };
    let cut = good(50).bytes.slice(..100);
    let map = |width: u32, height: u32, class: u16| {
        let map = ClassMap::new(width, height, vec![class; (width * height) as usize]).expect("a class a pixel");
        with_annotations(|annotations| annotations.class_map = Some(map))
    };
    let cut_jpeg = std::fs::read(resize_fixture("truncated.jpg")).expect("the fixture is there").into();
    let line = vec![vec![[1.0, 1.0], [5.0, 5.0], [1.0, 1.0]]];
    let point = Keypoint { x: 36.5, y: 3.0, visibility: Visibility::Hidden };
    vec![
        ("a cut PNG", Check::Corrupt, None, stored(cut, "cut.png")),
        ("a cut JPEG", Check::Corrupt, None, stored(cut_jpeg, "cut.jpg")),
        ("no image", Check::Corrupt, None, stored(Bytes::from_static(b"hello, world"), "text.png")),
        ("a PNG called JPEG", Check::WrongExtension, None, stored(good(50).bytes, "50.jpg")),
        ("inks", Check::Cmyk, None, plain(header_fixture("cmyk.jpg"), "inks.jpg")),
        ("a turned PNG", Check::ExifOrientation, None, plain(header_fixture("turned_6.png"), "turned.png")),
        ("not a number", Check::NonFiniteBox, Some(1), boxed(f64::NAN, 0.0, 1.0, 1.0)),
        ("infinite", Check::NonFiniteBox, Some(1), boxed(0.0, 0.0, f64::INFINITY, 1.0)),
        ("no width", Check::EmptyBox, Some(1), boxed(3.0, 3.0, 3.0, 9.0)),
        ("swapped edges", Check::EmptyBox, Some(1), boxed(9.0, 3.0, 5.0, 9.0)),
        ("over the border", Check::OutsideBox, Some(1), boxed(3.0, 3.0, 36.25, 9.0)),
        ("far away", Check::OutsideBox, Some(1), boxed(50.0, 50.0, 60.0, 60.0)),
        ("an object's class", Check::UnknownClass, Some(1), with_object(|object| object.class = 2)),
        ("the image's class", Check::UnknownClass, None, with_annotations(|known| known.label = Some(7))),
        ("a pixel's class", Check::UnknownClass, None, map(36, 32, 2)),
        ("an empty bitmap", Check::EmptyMask, Some(1), masked(Mask::Bitmap(empty.clone()))),
        ("empty runs", Check::EmptyMask, Some(1), masked(Mask::RunLengths(RunLengths::from_bitmap(&empty)))),
        ("a line", Check::EmptyMask, Some(1), masked(Mask::Polygons(line))),
        ("a small bitmap", Check::MaskSize, Some(1), masked(Mask::Bitmap(small.clone()))),
        ("small runs", Check::MaskSize, Some(1), masked(Mask::RunLengths(RunLengths::from_bitmap(&small)))),
        ("a small map", Check::MaskSize, None, map(4, 4, 1)),
        ("a point outside", Check::OutsideKeypoint, Some(1), with_object(|object| object.keypoints = vec![point])),
        ("a copy", Check::ExactDuplicate, None, good(1)),
    ]
}

#[test]
fn good_samples_have_no_faults() {
    let border = with_object(|object| {
        object.bbox = BoxXyxy::new(0.0, 0.0, 36.0, 32.0);
        object.mask = Some(Mask::Polygons(vec![vec![[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]]]));
        object.keypoints = vec![
            Keypoint { x: 36.0, y: 32.0, visibility: Visibility::Visible },
            Keypoint { x: -9.0, y: 0.0, visibility: Visibility::Unlabelled },
        ];
    });
    let ignored = with_annotations(|known| {
        known.class_map = Some(ClassMap::new(36, 32, vec![ClassMap::IGNORE; 36 * 32]).expect("a class a pixel"));
    });
    let ignored = EncodedSample { bytes: good(51).bytes, ..ignored };
    let outcome = run(&whole(MadeDataset::new([good(1), good(2), border, ignored])), &policy());
    assert_eq!(found(&outcome), []);
    assert_eq!((outcome.kept.len(), outcome.has_failed()), (4, false));
}

#[test]
fn each_check_finds_its_fault_and_no_other() {
    for (name, check, object, faulty) in faulty_samples() {
        let outcome = run(&whole(MadeDataset::new([good(1), good(2), faulty])), &policy());
        assert_eq!(found(&outcome), [(check, Some(2), object)], "{name}");
        let finding = &outcome.findings[0];
        assert_eq!((finding.severity, finding.fix.is_some()), (check.severity(), check.can_be_fixed()), "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_quarantined_whatever_the_policy() {
    let mut dataset = MadeDataset::new([good(1)]);
    dataset.records.push(Err("the disk is on fire".to_owned()));
    dataset.records.push(Err("panic".to_owned()));
    let policy = policy().with(Check::Unreadable, Action::Off);
    let outcome = run(&whole(dataset), &policy);
    assert_eq!(found(&outcome), [(Check::Unreadable, Some(1), None), (Check::Unreadable, Some(2), None)]);
    assert_eq!(outcome.quarantined[0].reasons[0].message, "the disk is on fire");
    assert!(outcome.quarantined[1].reasons[0].message.contains("a bug in a data set"));
}

#[test]
fn near_copies_by_distance() {
    let bright = picture(1).into_pixels().into_iter().map(|level| level / 2 + 60).collect();
    let bright = mvl_core::Image::new(36, 32, mvl_core::Channels::Gray, bright).expect("a byte a pixel");
    let near = EncodedSample { bytes: encode_jpeg(&bright, 90).into(), source: "near.jpg".into(), ..good(9) };
    let parts = whole(MadeDataset::new([good(1), good(2), near]));
    let outcome = run(&parts, &policy());
    assert_eq!(found(&outcome), [(Check::NearDuplicate, Some(2), None)]);
    assert_eq!(outcome.findings[0].other.as_ref().map(|other| other.index), Some(0));
    assert_eq!(outcome.kept.len(), 3, "it is only told");
    assert_eq!(found(&run(&parts, &policy().with(Check::NearDuplicate, Action::Off))), []);
}

#[test]
fn leaks_between_splits_fail() {
    let part = |split, samples: Vec<EncodedSample>| (split, MadeDataset::new(samples).shared());
    let clean = [part(Split::Train, vec![good(1), good(2)]), part(Split::Test, vec![good(3)])];
    assert_eq!(found(&run(&clean, &policy())), []);
    let renamed = EncodedSample { source: "other.png".into(), ..good(3) };
    let leaky = [part(Split::Train, vec![good(1), renamed]), part(Split::Test, vec![good(3)])];
    let outcome = run(&leaky, &policy());
    assert_eq!(found(&outcome), [(Check::Leakage, Some(1), None)]);
    assert!(outcome.has_failed());
    let original = outcome.findings[0].other.as_ref().expect("a leak has an original");
    assert_eq!((original.split, original.index), (Split::Test, 0));
    assert_eq!(outcome.quarantined[0].sample.split, Split::Train);
}

#[test]
fn classes_out_of_balance() {
    let labelled = |number, label| EncodedSample { annotations: Annotations::labelled(label), ..good(number) };
    let policy = Policy { imbalance_ratio: 3.0, rare_class_samples: 2, ..Policy::default() };
    let even = MadeDataset::new([labelled(1, 0), labelled(2, 0), labelled(3, 1), labelled(4, 1)]);
    assert_eq!(found(&run(&whole(even), &policy)), []);
    let uneven = MadeDataset::new([labelled(1, 0), labelled(2, 0), labelled(3, 0), labelled(4, 1)]);
    let outcome = run(&whole(uneven.clone()), &policy);
    assert_eq!(found(&outcome), [(Check::ClassImbalance, None, None), (Check::RareClass, None, None)]);
    assert!(!outcome.has_failed());
    let strict = policy.with(Check::RareClass, Action::Fail);
    assert!(run(&whole(uneven), &strict).has_failed());
}

#[test]
fn the_policy_decides_what_becomes_of_a_sample() {
    let outside = || with_object(|object| object.bbox = BoxXyxy::new(3.0, 3.0, 99.0, 9.0));
    let parts = whole(MadeDataset::new([good(1), outside()]));
    for (action, kept, fixed, quarantined, failed) in [
        (Action::Off, 2, 0, 0, false),
        (Action::Note, 2, 0, 0, false),
        (Action::Fix, 1, 1, 0, false),
        (Action::Skip, 1, 0, 1, false),
        (Action::Fail, 1, 0, 1, true),
    ] {
        let outcome = run(&parts, &policy().with(Check::OutsideBox, action));
        let got = (outcome.kept.len(), outcome.fixed.len(), outcome.quarantined.len(), outcome.has_failed());
        assert_eq!(got, (kept, fixed, quarantined, failed), "{action}");
        assert_eq!(outcome.findings.len(), usize::from(action != Action::Off), "{action}");
    }
    let impossible = policy().with(Check::Corrupt, Action::Fix);
    let error = validate(&parts, &impossible, 1, || {}).expect_err("it cannot be fixed");
    assert!(error.to_string().contains("checks.corrupt: cannot be fixed"), "{error}");
}

/// Every fault at once, and every sample twice.
fn nasty() -> [Part; 2] {
    let faulty = || faulty_samples().into_iter().map(|(.., sample)| sample);
    let mut train = MadeDataset::new(faulty().chain((1..9).map(good)).chain(faulty()));
    train.records.insert(3, Err("panic".to_owned()));
    let decoded = Sample::new(picture(3), "pixels#3").with_label(1);
    train.records.push(Ok(Record::decoded(decoded)));
    [(Split::Train, train.shared()), (Split::Test, MadeDataset::new((5..12).map(good)).shared())]
}

#[test]
fn counts_add_up_and_workers_change_nothing() {
    let parts = nasty();
    let mut looked_at = 0;
    let once = validate(&parts, &policy(), 1, || looked_at += 1).expect("it runs");
    let samples: usize = parts.iter().map(|(_, part)| part.len()).sum();
    assert_eq!(looked_at, samples);
    assert_eq!(once.kept.len() + once.fixed.len() + once.quarantined.len(), samples);
    let mut places = BTreeMap::new();
    let fixed = once.fixed.iter().map(|fixed| &fixed.sample);
    let quarantined = once.quarantined.iter().map(|quarantined| &quarantined.sample);
    for place in once.kept.iter().chain(fixed).chain(quarantined) {
        *places.entry((place.split, place.index)).or_insert(0) += 1;
    }
    assert!(places.len() == samples && places.values().all(|&count| count == 1), "each sample in one list");
    for workers in [2, 5] {
        assert_eq!(validate(&parts, &policy(), workers, || {}).expect("it runs"), once, "{workers} workers");
    }
}

#[test]
fn mended_samples_are_what_was_promised() {
    let turned = EncodedSample {
        bytes: header_fixture("turned_6.png"),
        annotations: Annotations::labelled(1),
        source: "turned.png".into(),
    };
    let outside = with_object(|object| object.bbox = BoxXyxy::new(30.0, 30.0, 99.0, 99.0));
    let broken = EncodedSample { bytes: Bytes::from_static(b"nothing"), ..good(7) };
    let dataset = MadeDataset::new([broken, turned, good(1), outside]).shared();
    let outcome = run(&[(Split::All, dataset.clone())], &policy());
    let mended = Mended::new(dataset.clone(), Split::All, &outcome).expect("the same data set");
    assert_eq!((mended.len(), mended.indices()), (3, &[1, 2, 3][..]));
    assert_eq!(mended.fixes(0), [Fix::Orient { orientation: Orientation::Rotate90 }]);
    let get = |index| mended.get(SampleKey::plain(index)).expect("a good sample");
    let upright = decode_file(resize_fixture("../header/upright_6.png")).expect("a PNG");
    assert_eq!((get(0).image, mended.label_of(0)), (upright, Some(1)));
    assert_eq!(get(1), dataset.get(SampleKey::plain(2)).expect("a good sample"));
    assert_eq!(get(2).annotations.objects[1].bbox, BoxXyxy::new(30.0, 30.0, 36.0, 32.0));
    let made = mended.make(SampleKey::plain(2), mended.fetch(2).expect("a record"), &|_| unreachable!());
    assert_eq!(made.expect("a good sample"), get(2));
}

#[test]
fn the_good_list_is_a_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, number) in [("cat/1.png", 1), ("cat/2.png", 2), ("dog/3.png", 3), ("dog/copy.png", 2)] {
        std::fs::create_dir_all(folder.path().join(name).parent().expect("a folder")).expect("made");
        write_png(&picture(number), folder.path().join(name)).expect("written");
    }
    std::fs::write(folder.path().join("dog/png.jpg"), encode_png(&picture(4))).expect("written");
    std::fs::write(folder.path().join("dog/broken.png"), b"not an image").expect("written");
    let dataset: Arc<dyn LabelledDataset> = Arc::from(open_dataset(folder.path(), Split::All).expect("class folders"));
    let parts = [(Split::All, dataset)];
    let outcome = run(&parts, &policy());
    let list = folder.path().join("good.jsonl");
    write_good_list(&outcome, &parts, &list).expect("written");
    let text = std::fs::read_to_string(&list).expect("readable");
    let lines: Vec<serde_json::Value> =
        text.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON a line")).collect();
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().expect("a path")).collect();
    assert_eq!(paths, ["cat/1.png", "cat/2.png", "dog/3.png", "dog/png.jpg"]);
    assert_eq!((lines[3]["name"].as_str(), lines[3]["label"].as_str()), (Some("png.png"), Some("dog")));
    assert_eq!(lines[3]["fixes"][0]["extension"], "png");
    let manifest = Manifest::open(&list).expect("a manifest");
    assert_eq!((manifest.len(), manifest.label_of(3)), (4, Some(1)));
    assert!(manifest.get(SampleKey::plain(3)).is_ok());

    let elsewhere = tempfile::tempdir().expect("another folder");
    let list = elsewhere.path().join("good.jsonl");
    write_good_list(&outcome, &parts, &list).expect("written");
    assert!(Manifest::open(&list).expect("a manifest").get(SampleKey::plain(3)).is_ok(), "paths from the root");
}

#[test]
fn the_good_list_holds_mended_boxes() {
    let outside = with_object(|object| object.bbox = BoxXyxy::new(30.0, 30.0, 99.0, 99.0));
    let parts = whole(MadeDataset::new([good(1), outside]));
    let outcome = run(&parts, &policy());
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("good.jsonl");
    write_good_list(&outcome, &parts, &list).expect("written");
    let text = std::fs::read_to_string(list).expect("readable");
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["objects"][1]["box"], serde_json::json!([30.0, 30.0, 36.0, 32.0]));
    assert_eq!(last.get("fixes"), None, "nothing is to be done to the file");
}

#[test]
fn reports_say_the_same_and_escape_everything() {
    let evil = "<script>alert('x')</script>\"&";
    let mut parts = nasty();
    let mut named = MadeDataset::new([EncodedSample { source: evil.into(), ..faulty_samples().swap_remove(3).3 }]);
    named.labels = Labels::new([evil, "dog"]);
    named.records.push(Ok(Record::encoded(with_object(|object| object.bbox = BoxXyxy::new(-5.0, 0.0, 9.0, 9.0)))));
    parts = [(Split::Train, named.shared()), parts[1].clone()];
    let error = validate(&parts, &policy(), 1, || {}).expect_err("two lists of classes");
    assert_eq!(error.to_string(), "expected the same classes in all parts, but train and test differ");

    let parts = &parts[..1];
    let policy = policy().with(Check::OutsideBox, Action::Skip);
    let outcome = run(parts, &policy);
    let report = ValidationReport::new(evil, &outcome, &policy);
    let html = report.to_html(parts);
    for forbidden in ["<script", "http:", "https:", "onerror", evil] {
        assert!(!html.contains(forbidden), "{forbidden} is in the page");
    }
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
    assert_eq!(html.matches("<img ").count(), html.matches(" alt=\"").count());
    assert_eq!(html.matches("src=\"data:image/jpeg;base64,").count(), html.matches("<img ").count());
    assert_eq!((html.matches("<table>").count(), html.matches("<h1>").count()), (html.matches("<caption>").count(), 1));

    let json = serde_json::to_value(&report).expect("plain data");
    assert_eq!((json["schema"].as_u64(), json["failed"].as_bool()), (Some(1), Some(false)));
    assert_eq!(json["checks"].as_array().map(Vec::len), Some(Check::ALL.len()));
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(outcome.findings.len()));
    assert_eq!(json["quarantined"][0]["sample"]["index"], 1);
    assert_eq!(json["quarantined"][0]["reasons"][0]["check"], "outside_box");
    assert!(html.contains("Quarantined samples") && html.contains("Box outside the image"));
}
