//! Models from object stores: of files on a disk, and of a server that speaks S3 where `scripts/with_stores.sh` started one.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::Cpu;
use mvl_models::zoo;
use mvl_serve::GatewayOptions;
use mvl_serve::models::{ClassifierModels, Loaded, ModelCache, ModelDefinition, ModelSource, StoredModels};
use mvl_store::{Digest, StoreUrl, put};

use crate::served::{Served, save_model};

fn source(cache: &Path, max_bytes: u64) -> Arc<dyn ModelSource> {
    let near = Arc::new(ClassifierModels::<Cpu>::new(zoo()));
    Arc::new(StoredModels::new(near, ModelCache::new(cache, max_bytes)))
}

/// Puts a model into a store, its checksums last; gives them.
fn upload(address: &str, first_label: &str, checksums: bool) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), first_label);
    let mut sums = String::new();
    for name in ["model.json", "weights.bpk"] {
        let bytes = std::fs::read(folder.path().join(name)).expect("saved");
        sums += &format!("{}  {name}\n", Digest::of(&bytes).to_hex());
        put(&StoreUrl::parse(&format!("{address}/{name}")).expect("an address"), Bytes::from(bytes)).expect("put");
    }
    if checksums {
        put_sums(address, &sums);
    }
    sums
}

fn put_sums(address: &str, sums: &str) {
    let url = StoreUrl::parse(&format!("{address}/SHA256SUMS")).expect("an address");
    put(&url, Bytes::from(sums.to_owned())).expect("put");
}

/// What every store has to do.
fn versions_come_and_go(root: &str) {
    let cache = tempfile::tempdir().expect("a folder");
    let served = Served::start(source(cache.path(), 64 << 20), GatewayOptions::default());
    let models = format!("{root}/net");
    upload(&format!("{models}/2"), "cat", true);
    upload(&format!("{models}/1"), "old", true);
    served.repository.add(ModelDefinition::new("net", &models)).expect("loaded");
    let label = || {
        let model = served.repository.pick("net", None).expect("it answers").model;
        (model.version.clone(), model.classifier.as_ref().expect("a classifier").labels.display(0))
    };
    assert_eq!(label(), ("2".to_owned(), "cat".to_owned()));
    assert!(served.repository.poll().is_empty(), "nothing has changed");

    // A version without checksums is still being uploaded.
    let sums = upload(&format!("{models}/10"), "dog", false);
    assert!(served.repository.poll().is_empty());
    put_sums(&format!("{models}/10"), &sums);
    let polled = served.repository.poll();
    assert!(matches!(&polled[..], [(_, Ok(Loaded::Switched { to, .. }))] if to == "10"), "{polled:?}");
    assert_eq!(label(), ("10".to_owned(), "dog".to_owned()));

    // What was changed on the way is not loaded; what answered goes on.
    let sums = upload(&format!("{models}/11"), "bad", false);
    let digest = &sums[..64];
    let other = Digest::of(b"something else").to_hex();
    put_sums(&format!("{models}/11"), &sums.replace(digest, &other));
    let polled = served.repository.poll();
    let [(_, Err(error))] = &polled[..] else { panic!("{polled:?}") };
    assert!(error.message.contains("expected model.json with SHA-256") && error.message.contains("/net/11"), "{error}");
    assert_eq!(label().0, "10");

    // Nothing but whole models is in the cache.
    let kept = std::fs::read_dir(cache.path()).expect("a folder").flatten();
    let names: Vec<_> = kept.map(|entry| entry.file_name()).collect();
    assert!(names.len() == 2 && names.iter().all(|name| name.len() == 64), "{names:?}");
}

#[test]
fn versions_in_files_of_a_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    versions_come_and_go(&format!("file://{}", folder.path().display()));
}

#[test]
fn versions_in_s3_and_azure() {
    for (scheme, variable) in [("s3", "MVL_TEST_S3_ENDPOINT"), ("az", "MVL_TEST_AZURE_ENDPOINT")] {
        match std::env::var(variable) {
            Ok(_) => versions_come_and_go(&format!("{scheme}://mvl-test/serve-{}", std::process::id())),
            Err(_) => println!("skipped {scheme}: {variable} names no server (scripts/with_stores.sh starts one)"),
        }
    }
}

#[test]
fn a_version_on_a_web_server() {
    let (store, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    upload(&format!("file://{}/net/7", store.path().display()), "web", true);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let root = format!("http://{}", listener.local_addr().expect("an address"));
    let files = store.path().to_owned();
    let file = move |uri: axum::http::Uri| {
        let bytes = std::fs::read(files.join(uri.path().trim_start_matches('/')));
        std::future::ready(bytes.map_err(|_| axum::http::StatusCode::NOT_FOUND))
    };
    let routes = axum::Router::new().fallback(axum::routing::get(file));
    runtime.spawn(async move { axum::serve(listener, routes).await });

    let source = source(cache.path(), 64 << 20);
    let found = source.resolve(&format!("{root}/net/7")).expect("found");
    assert_eq!(found.version, "7");
    let parts = source.load(&found, &ModelDefinition::new("net", "").load_options()).expect("loaded");
    assert_eq!(parts.classifier.expect("a classifier").labels.display(0), "web");
    let error = source.resolve(&format!("{root}/net/8")).expect_err("missing");
    assert!(error.message.contains("SHA256SUMS"), "{error}");
}

#[test]
fn the_cache_has_a_limit_and_mends_itself() {
    let (store, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let root = format!("file://{}", store.path().display());
    let sizes = |path: &Path| -> u64 {
        std::fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.metadata().expect("there").len()).sum()
    };
    upload(&format!("{root}/a"), "a", true);
    upload(&format!("{root}/b"), "b", true);
    let one = sizes(&store.path().join("a"));
    let source = source(cache.path(), one + one / 2); // one fits in, two do not
    let load = |name: &str| {
        let found = source.resolve(&format!("{root}/{name}")).expect("found");
        source.load(&found, &ModelDefinition::new(name, "").load_options()).map(|_| found)
    };
    let first = load("a").expect("loaded");
    let place = cache.path().join(&first.stamp);
    assert!(place.is_dir());
    std::fs::write(place.join("weights.bpk"), b"damaged").expect("written");
    load("a").expect("fetched anew");
    assert!(sizes(&place) > 100);
    // The reference of what was loaded a moment ago is looked for where it lies, without another look at every byte; later with one.
    let found = load("a").expect("verified");
    std::fs::write(place.join("weights.bpk"), b"damaged").expect("written");
    source.reference(&found).expect("there is none");
    assert_eq!(std::fs::read(place.join("weights.bpk")).expect("there"), b"damaged");
    source.reference(&found).expect("there is none");
    assert_ne!(std::fs::read(place.join("weights.bpk")).expect("there"), b"damaged", "fetched anew");
    load("b").expect("loaded");
    assert!(!place.is_dir(), "the older one has made room");

    let small = self::source(&cache.path().join("small"), one / 2);
    let found = small.resolve(&format!("{root}/a")).expect("found");
    small.load(&found, &ModelDefinition::new("a", "").load_options()).expect_err("too large");
    assert_eq!(std::fs::read_dir(cache.path().join("small")).expect("a folder").count(), 0);
}
