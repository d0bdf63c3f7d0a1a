//! The weights hub against a server that breaks off, lies, sends elsewhere and has never heard of ranges.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mvl_core::{Backend, Cpu, ModelConfig, ModelError};
use mvl_models::weights::{WeightsHub, save_safetensors, weights_card};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::file_server::{Answer, FileServer};
use super::fixtures::values;

/// More than one piece of a download.
const BYTES: usize = (5 << 19) + 123;

fn body(seed: u8) -> Vec<u8> {
    (0..BYTES).map(|index| (index * 31 + index / 251) as u8 ^ seed).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hub() -> (TempDir, WeightsHub) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hub = WeightsHub::new(folder.path());
    (folder, hub)
}

fn message(error: &ModelError) -> String {
    let source = std::error::Error::source(error).map(|source| {
        let inner = source.source().map(|inner| format!(": {inner}")).unwrap_or_default();
        format!(": {source}{inner}")
    });
    format!("{error}{}", source.unwrap_or_default())
}

/// Everything in a folder, by name.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => waiting.push(path),
                false => names.push(path.file_name().expect("a name").to_string_lossy().into_owned()),
            }
        }
    }
    names.sort();
    names
}

#[test]
fn a_file_is_fetched_once_and_progress_is_told() {
    let content = body(0);
    let name = format!("net-{}.pth", &sha256(&content)[..8]);
    let served = content.clone();
    let server = FileServer::start(move |_, _| Answer::whole(&served));
    let (folder, hub) = hub();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seer = seen.clone();
    let hub = hub.with_progress(move |progress| {
        seer.lock().expect("no panics").push((progress.name.to_owned(), progress.bytes, progress.total));
    });
    for digits in [Some(&sha256(&content)[..]), Some(&sha256(&content)[..8]), None] {
        let path = hub.fetch(&server.url(&format!("models/{name}")), digits).expect("it is there");
        assert_eq!(path, folder.path().join(&name));
        assert_eq!(fs::read(path).expect("readable"), content);
    }
    assert_eq!(server.asked(), [(format!("models/{name}"), None)]);
    assert_eq!(files(folder.path()), [name.as_str()]);
    let seen = seen.lock().expect("no panics");
    let total = BYTES as u64;
    assert_eq!(seen.first(), Some(&(name.clone(), 0, total)));
    assert_eq!(seen.last(), Some(&(name, total, total)));
    assert!(seen.is_sorted_by_key(|(_, bytes, _)| *bytes) && seen.len() > 2);
}

#[test]
fn lost_connections_are_taken_up_where_they_broke() {
    let content = body(1);
    let served = content.clone();
    let server = FileServer::start(move |number, _| Answer {
        breaks_after: (number < 3).then_some(700_000),
        e_tag: Some("one"),
        ..Answer::whole(&served)
    });
    let (_folder, hub) = hub();
    let path = hub.fetch(&server.url("net.safetensors"), Some(&sha256(&content))).expect("in the end");
    assert_eq!(fs::read(path).expect("readable"), content);
    let asked = server.asked();
    assert_eq!(asked[0].1, None);
    assert!(asked.len() >= 4 && asked[1..].iter().all(|(_, first)| first.is_some()), "{asked:?}");
}

/// A part is left by a process that was ended; what the next one makes of it.
fn after_a_break(
    part: &[u8],
    e_tag: Option<&str>,
    sha256: Option<&str>,
    answer: Answer,
) -> (Vec<u8>, Vec<Option<usize>>) {
    let server = FileServer::start(move |_, _| answer.clone());
    let (folder, hub) = hub();
    let url = server.url("net-00000000.pth"); // digits in the name, which only keep the place simple
    fs::write(folder.path().join("net-00000000.pth.part"), part).expect("writable");
    if let Some(e_tag) = e_tag {
        fs::write(folder.path().join("net-00000000.pth.part.etag"), e_tag).expect("writable");
    }
    let path = hub.fetch(&url, sha256).expect("it is there");
    assert_eq!(files(folder.path()), ["net-00000000.pth"]);
    (fs::read(path).expect("readable"), server.asked().into_iter().map(|(_, first)| first).collect())
}

#[test]
fn a_part_is_taken_up_by_the_next_process() {
    let content = body(2);
    let digits = sha256(&content);
    let good = &content[..1_000_000];
    let tagged = || Answer { e_tag: Some("one"), ..Answer::whole(&content) };
    let plain = || Answer::whole(&content);
    // with a checksum, with a version, with neither
    assert_eq!(after_a_break(good, None, Some(&digits), plain()), (content.clone(), vec![Some(1_000_000)]));
    assert_eq!(after_a_break(good, Some("\"one\""), None, tagged()), (content.clone(), vec![Some(1_000_000)]));
    assert_eq!(after_a_break(good, None, None, plain()), (content.clone(), vec![None]));
    // whole, but for its name
    assert_eq!(after_a_break(&content, None, Some(&digits), plain()), (content.clone(), vec![]));
}

#[test]
fn a_part_of_something_else_is_not_built_upon() {
    let content = body(3);
    let digits = sha256(&content);
    let other = &body(4)[..1_000_000];
    let tagged = || Answer { e_tag: Some("two"), ..Answer::whole(&content) };
    // the store has another version by now
    let (got, asked) = after_a_break(other, Some("\"one\""), Some(&digits), tagged());
    assert_eq!((got, asked), (content.clone(), vec![Some(1_000_000), None]));
    // only the checksum tells
    let (got, asked) = after_a_break(other, None, Some(&digits), Answer::whole(&content));
    assert_eq!((got, asked), (content.clone(), vec![Some(1_000_000), None]));
    // longer than the file
    let long = [&content[..], b"more"].concat();
    let (got, _) = after_a_break(&long, None, Some(&digits), Answer::whole(&content));
    assert_eq!(got, content);
}

#[test]
fn a_server_without_ranges_sends_all_of_it() {
    let content = body(5);
    let answer = Answer { ranges: false, ..Answer::whole(&content) };
    let (got, asked) = after_a_break(&content[..1_000_000], None, Some(&sha256(&content)), answer);
    assert_eq!((got, asked), (content, vec![Some(1_000_000), None]));
}

#[test]
fn wrong_bytes_get_no_name() {
    let content = body(6);
    let server = FileServer::start(move |_, _| Answer::whole(&content));
    let (folder, hub) = hub();
    let url = server.url("net.pth");
    let error = hub.fetch(&url, Some("deadbeef")).expect_err("other bytes");
    let text = message(&error);
    assert!(
        text.starts_with("not the published weights: expected SHA-256 deadbeef, got ") && text.contains(&url),
        "{text}"
    );
    assert_eq!(files(folder.path()).iter().filter(|name| !name.ends_with(".lock")).count(), 0);
}

#[test]
fn redirections_are_followed() {
    let content = body(7);
    let served = content.clone();
    let server = FileServer::start(move |_, path| match path {
        "elsewhere" => Answer::whole(&served),
        _ => Answer { redirect: Some("/elsewhere".to_owned()), ..Answer::whole(b"") },
    });
    let (_folder, hub) = hub();
    let path = hub.fetch(&server.url("net.pth"), Some(&sha256(&content)[..10])).expect("it is elsewhere");
    assert_eq!(fs::read(path).expect("readable"), content);
}

#[test]
fn what_cannot_be_had_says_so() {
    let server = FileServer::start(|_, path| match path {
        "secret.pth" => Answer::status(403),
        "large.pth" => Answer::whole(&[0; 2_000]),
        _ => Answer::status(404),
    });
    let (folder, hub) = hub();
    let hub = hub.with_max_bytes(1_000);
    let problem = |name: &str| message(&hub.fetch(&server.url(name), None).expect_err(name));
    let missing = problem("missing.pth");
    assert!(missing.starts_with("cannot download the weights; they may be put here by hand, too: "), "{missing}");
    assert!(missing.contains("no such object") && missing.contains(&server.url("missing.pth")), "{missing}");
    assert!(problem("secret.pth").contains("credentials"), "{}", problem("secret.pth"));
    assert!(problem("large.pth").contains("expected at most 1000 bytes, got 2000"), "{}", problem("large.pth"));
    assert!(problem("nothing/").contains("file's name at its end"));
    let error = hub.fetch(&server.url("x.pth"), Some("beef")).expect_err("four digits");
    assert!(message(&error).contains("expected 8 to 64 digits"));
    let local = hub.fetch("/nowhere/net.pth", None).expect_err("no such file");
    assert_eq!(message(&local), "no such weights file: /nowhere/net.pth");
    let path = folder.path().join("own.pth");
    fs::write(&path, b"own").expect("writable");
    assert_eq!(hub.fetch(path.to_str().expect("plain"), None).expect("it is there"), path);
}

#[test]
fn offline_names_the_place() {
    let (folder, hub) = hub();
    let hub = hub.with_offline(true);
    let card = weights_card("resnet18.imagenet1k_v1").expect("a card");
    let place = folder.path().join("resnet18-f37072fd.pth");
    let error = message(&hub.fetch_card(card).expect_err("not there"));
    assert_eq!(
        error,
        format!(
            "not here, and downloads are off (MVL_OFFLINE or --offline): put {} here: {}",
            card.url,
            place.display()
        )
    );
    fs::write(&place, b"any bytes").expect("writable");
    assert_eq!(hub.fetch_card(card).expect("it is there"), place);
    assert_eq!(hub.resolve("resnet18.imagenet1k_v1").expect("it is there"), place);
    assert!(card.verify(&place).is_err(), "not those bytes");
}

#[test]
fn two_at_once_fetch_one_file() {
    let content = body(8);
    let served = content.clone();
    let server = FileServer::start(move |_, _| Answer { pause: Duration::from_millis(1), ..Answer::whole(&served) });
    let (folder, hub) = hub();
    let url = server.url("net.pth");
    let fetch = || hub.fetch(&url, Some(&sha256(&content))).expect("it is there");
    let paths: Vec<PathBuf> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panics")).collect()
    });
    assert!(paths.iter().all(|path| path == &paths[0]));
    assert_eq!(server.asked().len(), 1);
    assert_eq!(files(folder.path()), ["net.pth"]);
}

const CONFIG: &str = r#"{"architecture": "resnet8", "num_classes": 3, "label_names": ["a", "b", "c"],
    "pretrained_cfg": {"input_size": [3, 32, 32], "interpolation": "bilinear", "crop_pct": 1.0,
    "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}"#;

#[test]
fn a_model_of_the_hub_is_fetched_and_created() {
    let (zoo, device) = (mvl_models::zoo(), Cpu::device(0).expect("a CPU"));
    let config = ModelConfig::new("resnet8", 3);
    let model = zoo.create_classifier(&config, &device).expect("a valid config");
    let (folder, hub) = hub();
    let file = folder.path().join("made.safetensors");
    save_safetensors(&model, &config, &zoo, &file).expect("written");
    let weights = fs::read(&file).expect("written");
    let server = FileServer::start(move |_, path| match path {
        "me/net/resolve/v1/config.json" | "me/none/resolve/main/config.json" => Answer::whole(CONFIG.as_bytes()),
        "me/net/resolve/v1/pytorch_model.bin" => Answer::whole(&weights),
        _ => Answer::status(404),
    });
    let hub = hub.with_hugging_face(server.url(""));
    let found = hub.fetch_hugging_face("hf://me/net@v1").expect("both files are there");
    assert_eq!(found.weights, folder.path().join("hf/me--net/v1/pytorch_model.bin"));
    assert_eq!(found.spec.labels.name(1), Some("b"));
    let created = found.create(&zoo, &device).expect("it fits");
    assert_eq!(values(&created), values(&model));

    // Once it is here, without the server, and as a folder.
    drop(server);
    let offline = hub.with_offline(true);
    assert_eq!(offline.fetch_hugging_face("hf://me/net@v1").expect("it is here").spec, found.spec);
    let folder = found.weights.parent().and_then(Path::to_str).expect("plain");
    assert_eq!(offline.fetch_hugging_face(folder).expect("a folder"), found);
}
