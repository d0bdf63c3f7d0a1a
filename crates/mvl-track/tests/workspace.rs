//! The workspace as a program uses it: runs with files, models in and out, what is damaged or hostile, what is removed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use mvl_core::{ArtifactContent, RunBatch, RunBegin, RunFigure, RunRecorder, RunStatus as Recorded};
use mvl_track::manifest::{ModelManifest, SignaturePolicy, SigningKey};
use mvl_track::{
    ArtifactOwner, ErrorCode, LoadedModel, ModelVersion, NewModel, NewVersion, Result, RunStatus, Workspace,
    WorkspaceConfig, push_run,
};

/// Waits for some work with a workspace.
fn with<T: Send + 'static, W>(workspace: &Workspace, work: impl FnOnce(Workspace) -> W) -> Result<T>
where
    W: Future<Output = Result<T>> + Send + 'static,
{
    mvl_store::wait_for(work(workspace.clone())).expect("threads")
}

fn open(folder: &Path) -> Workspace {
    let config = WorkspaceConfig::folder(folder);
    mvl_store::wait_for(async move { Workspace::open(&config).await }).expect("threads").expect("a workspace")
}

/// A saved model's folder.
fn saved(folder: &Path, weights: &[u8]) {
    fs::create_dir_all(folder.join("deep")).expect("writable");
    fs::write(folder.join("model.json"), "{}").expect("writable");
    fs::write(folder.join("deep/weights.bpk"), weights).expect("writable");
}

fn register(workspace: &Workspace, folder: &Path) -> Result<ModelVersion> {
    let new = NewModel { name: "shoes".to_owned(), manifest: ModelManifest::default(), ..NewModel::default() };
    let folder = folder.to_owned();
    with(workspace, |here| async move { here.register_model(new, &folder, |_| {}).await })
}

fn load(workspace: &Workspace, address: &str, policy: &SignaturePolicy) -> Result<LoadedModel> {
    let (address, policy) = (address.to_owned(), policy.clone());
    with(workspace, |here| async move { here.load_model(&address, &policy).await })
}

fn begin(resumed: Option<String>, start_id: &str) -> RunBegin {
    RunBegin {
        experiment: "shoes".to_owned(),
        run_name: Some("first".to_owned()),
        tags: vec![("team".to_owned(), "vision".to_owned())],
        time_ms: 1_000,
        resumed,
        start_id: start_id.to_owned(),
    }
}

/// Records a run with two figures, a setting and a file; answers its id.
fn record(recorder: &mut dyn RunRecorder, status: Recorded) -> String {
    let run = recorder.begin(&begin(None, "start")).expect("begun");
    let figure = |value, step| RunFigure { name: "loss".to_owned(), value, time_ms: 2_000, step };
    let params = [("epochs".to_owned(), "3".to_owned())];
    let figures = [figure(0.5, 0), figure(f64::NAN, 1)];
    recorder.log(&RunBatch { figures: &figures, params: &params, tags: &[] }).expect("logged");
    recorder.put_artifact("plots/curve.svg", ArtifactContent::Bytes(b"<svg/>")).expect("kept");
    recorder.end(status, 3_000).expect("ended");
    run.id
}

#[test]
fn a_run_is_recorded_gone_on_with_and_found_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = open(folder.path());
    let mut recorder = workspace.recorder();
    let id = record(&mut recorder, Recorded::Killed);
    let again = recorder.begin(&begin(None, "start")).expect("found");
    assert_eq!(again.id, id, "a start that was not answered makes no second run");

    let mut resumed = workspace.recorder();
    let run = resumed.begin(&begin(Some(id.clone()), "later")).expect("gone on with");
    assert_eq!((run.id.as_str(), run.params["epochs"].as_str()), (id.as_str(), "3"));
    let other = resumed.begin(&begin(Some("0".repeat(32)), "other")).expect("a new one");
    assert_ne!(other.id, id);

    let wanted = id.clone();
    let run = with(&workspace, |here| async move { here.tracker().get_run(&wanted).await }).expect("there");
    assert_eq!(run.info.status, RunStatus::Running);
    assert!(run.data.tags.iter().any(|tag| tag.key == "team" && tag.value == "vision"));
    let owner = ArtifactOwner::Run(id);
    let file = with(&workspace, |here| async move { here.fetch_artifact(&owner, "plots/curve.svg").await });
    assert_eq!(fs::read(file.expect("there")).expect("readable"), b"<svg/>");
}

#[test]
fn a_run_goes_elsewhere_once_however_often_it_is_sent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (here, there) = (open(&folder.path().join("here")), open(&folder.path().join("there")));
    let id = record(&mut here.recorder(), Recorded::Finished);
    let first = push_run(&here, &id, &mut there.recorder()).expect("sent");
    assert_eq!((first.figures, first.files), (2, 1));
    let second = push_run(&here, &id, &mut there.recorder()).expect("sent again");
    assert_eq!(first.run_id, second.run_id);

    let copy = with(&there, |there| async move { there.export_run(&first.run_id).await }).expect("there");
    assert_eq!(
        (copy.status.as_str(), copy.params["epochs"].as_str(), copy.metrics["loss"].len()),
        ("FINISHED", "3", 2)
    );
    assert_eq!(copy.files.len(), 1);

    // As text and back, into a third place.
    let text = serde_json::to_string(&copy).expect("text");
    let third = open(&folder.path().join("third"));
    let read = serde_json::from_str(&text).expect("what was written");
    let imported = with(&third, |third| async move { third.import_run(&read).await }).expect("imported");
    let again = with(&third, |third| async move { third.export_run(&imported).await }).expect("there");
    assert_eq!((&again.metrics, &again.params, again.name.as_str()), (&copy.metrics, &copy.params, "first"));
    assert!(again.files.is_empty());
}

#[test]
fn a_model_comes_out_as_it_went_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = open(&folder.path().join("lab"));
    let model = folder.path().join("model");
    saved(&model, b"first weights");
    assert_eq!(register(&workspace, &model).expect("registered").version, 1);
    saved(&model, b"second weights");
    assert_eq!(register(&workspace, &model).expect("registered").version, 2);

    let policy = SignaturePolicy::ChecksumsOnly;
    let weights = |address: &str| {
        let loaded = load(&workspace, address, &policy).expect("loaded");
        fs::read(loaded.folder.join("deep/weights.bpk")).expect("readable")
    };
    assert_eq!(weights("models:/shoes/1"), b"first weights");
    let promote = |version, expected| {
        with(&workspace, |here| async move { here.registry().promote("shoes", "champion", version, expected).await })
    };
    promote(2, None).expect("promoted");
    assert_eq!(weights("models:/shoes@champion"), b"second weights");
    assert_eq!(weights("models:/shoes@champion"), b"second weights", "from the same folder");
    promote(1, Some(2)).expect("promoted");
    assert_eq!(promote(2, Some(2)).expect_err("moved meanwhile").code, ErrorCode::ResourceConflict);
    assert_eq!(weights("models:/shoes@champion"), b"first weights");

    let rollback = || with(&workspace, |here| async move { here.registry().rollback("shoes", "champion").await });
    assert_eq!(rollback().expect("rolled back").version, 2);
    assert_eq!(weights("models:/shoes@champion"), b"second weights");
    assert_eq!(rollback().expect_err("nothing before").code, ErrorCode::InvalidState);
}

#[test]
fn what_was_tampered_with_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = open(&folder.path().join("lab"));
    let model = folder.path().join("model");
    saved(&model, b"weights that matter");
    register(&workspace, &model).expect("registered");

    let key = SigningKey::generate().expect("randomness");
    let trusted = SignaturePolicy::Signed([key.verifying_key()].into_iter().collect());
    let error = load(&workspace, "models:/shoes/1", &trusted).expect_err("not signed");
    assert_eq!(error.code, ErrorCode::PermissionDenied);
    with(&workspace, |here| async move { here.sign_model("shoes", 1, &key).await }).expect("signed");
    let loaded = load(&workspace, "models:/shoes/1", &trusted).expect("signed");

    // The local copy.
    fs::write(loaded.folder.join("deep/weights.bpk"), b"weights that matteR").expect("writable");
    let error = load(&workspace, "models:/shoes/1", &trusted).expect_err("changed");
    assert_eq!(error.code, ErrorCode::DataLoss);
    assert!(error.to_string().contains("remove its folder"), "{error}");
    fs::remove_dir_all(&loaded.folder).expect("removable");

    // The stored content, of the same length.
    let digest = loaded.manifest.files["deep/weights.bpk"].digest;
    let hex = digest.to_hex();
    let blob = folder.path().join(format!("lab/artifacts/blobs/sha256/{}/{}/{hex}", &hex[..2], &hex[2..4]));
    assert!(blob.is_file());
    fs::write(&blob, b"weights that matteR").expect("writable");
    let error = load(&workspace, "models:/shoes/1", &trusted).expect_err("changed");
    assert_eq!(error.code, ErrorCode::DataLoss, "{error}");
    let error = with(&workspace, |here| async move { here.verify_model(&loaded.version, &trusted).await });
    assert_eq!(error.expect_err("changed").code, ErrorCode::DataLoss);
}

#[test]
fn only_plain_files_are_registered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = open(&folder.path().join("lab"));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("writable");
    assert!(register(&workspace, &empty).expect_err("empty").to_string().contains("no files"));
    #[cfg(unix)]
    {
        let model = folder.path().join("model");
        saved(&model, b"weights");
        std::os::unix::fs::symlink("/etc/passwd", model.join("link")).expect("a link");
        assert!(register(&workspace, &model).expect_err("a link").to_string().contains("no plain file"));
    }
    let models = with(&workspace, |here| async move { here.all_models().await }).expect("listed");
    assert!(models.is_empty(), "nothing half made is seen");
}

#[test]
fn garbage_collection_takes_what_nothing_refers_to_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = open(&folder.path().join("lab"));
    let model = folder.path().join("model");
    saved(&model, b"registered");
    register(&workspace, &model).expect("registered");
    let gone = record(&mut workspace.recorder(), Recorded::Finished);
    let mut recorder = workspace.recorder();
    let kept = recorder.begin(&begin(None, "kept")).expect("begun").id;
    recorder.put_artifact("notes.txt", ArtifactContent::Bytes(b"keep me")).expect("kept");
    with(&workspace, |here| async move {
        here.blobs().put(Bytes::from_static(b"an orphan")).await?;
        here.tracker().delete_run(&gone).await
    })
    .expect("deleted");
    std::thread::sleep(Duration::from_millis(2_100)); // some disks tell times in seconds

    let swept = with(&workspace, |here| async move { here.collect_garbage(Duration::from_secs(1)).await });
    let swept = swept.expect("collected");
    assert_eq!(swept.rows.runs.len(), 1);
    assert_eq!(swept.blobs.removed, 2, "the deleted run's file and the orphan: {swept:?}");
    load(&workspace, "models:/shoes/1", &SignaturePolicy::ChecksumsOnly).expect("whole");
    let owner = ArtifactOwner::Run(kept);
    with(&workspace, |here| async move { here.fetch_artifact(&owner, "notes.txt").await }).expect("whole");
}

/// Databases by name: SQLite, and Postgres where a server is there.
fn databases(folder: &Path) -> Vec<(&'static str, String)> {
    let mut all = vec![("SQLite", format!("sqlite:///{}", folder.join("track.db").display()))];
    match std::env::var("MVL_TEST_POSTGRES_URL") {
        Ok(server) => all.push(("Postgres", server)),
        Err(_) => println!("skipped: MVL_TEST_POSTGRES_URL names no server (scripts/with_postgres.sh starts one)"),
    }
    all
}

/// Places of files by name: a disk, and S3 and Azure where servers are there.
fn stores(folder: &Path) -> Vec<(&'static str, String)> {
    let mut all = vec![("disk", folder.join("artifacts").display().to_string())];
    for (name, variable, scheme) in [("S3", "MVL_TEST_S3_ENDPOINT", "s3"), ("Azure", "MVL_TEST_AZURE_ENDPOINT", "az")] {
        match std::env::var(variable) {
            Ok(_) => all.push((name, format!("{scheme}://mvl-test/workspace-{}", std::process::id()))),
            Err(_) => println!("skipped: {variable} names no server (scripts/with_stores.sh starts one)"),
        }
    }
    all
}

#[test]
fn every_database_goes_with_every_store() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = folder.path().join("model");
    saved(&model, &vec![7; 20 << 20]); // more than goes in one request
    for (database, uri) in databases(folder.path()) {
        for (store, place) in stores(folder.path()) {
            println!("{database} with {store}");
            let cache = folder.path().join(format!("cache-{database}-{store}"));
            let config = WorkspaceConfig { database: uri.clone(), artifacts: place, cache, cache_bytes: 1 << 30 };
            let open = || {
                let config = config.clone();
                mvl_store::wait_for(async move { Workspace::open(&config).await })
                    .expect("threads")
                    .expect("a workspace")
            };
            let workspace = open();
            let name = format!("shoes-{store}-{}", std::process::id());
            let new = NewModel { name: name.clone(), ..NewModel::default() };
            let files = model.clone();
            let version = with(&workspace, |here| async move { here.register_model(new, &files, |_| {}).await });
            assert_eq!(version.expect("registered").version, 1);
            let mut recorder = workspace.recorder();
            let run = recorder.begin(&begin(None, &name)).expect("begun").id;
            recorder.put_artifact("notes.txt", ArtifactContent::Bytes(b"kept")).expect("kept");
            recorder.end(Recorded::Finished, 3_000).expect("ended");

            // As another process would see it.
            let other = open();
            let loaded = load(&other, &format!("models:/{name}/1"), &SignaturePolicy::ChecksumsOnly).expect("loaded");
            assert_eq!(fs::metadata(loaded.folder.join("deep/weights.bpk")).expect("there").len(), 20 << 20);
            with(
                &other,
                |here| async move { here.verify_model(&loaded.version, &SignaturePolicy::ChecksumsOnly).await },
            )
            .expect("whole");
            let owner = ArtifactOwner::Run(run);
            let file =
                with(&other, |here| async move { here.fetch_artifact(&owner, "notes.txt").await }).expect("there");
            assert_eq!(fs::read(file).expect("readable"), b"kept");
            let swept = with(&other, |here| async move { here.collect_garbage(Duration::from_secs(3_600)).await });
            assert_eq!(swept.expect("collected").blobs.removed, 0);
        }
    }
}

#[test]
fn what_a_client_of_mlflow_registered_is_loaded_where_it_is_a_saved_model() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = open(&folder.path().join("lab"));
    let mut recorder = workspace.recorder();
    let run = recorder.begin(&begin(None, "mlflow")).expect("begun").id;
    for (path, bytes) in [
        ("model/MLmodel", &b"flavors: {}"[..]),
        ("model/data/model.json", b"{}"),
        ("model/data/weights.bpk", b"weights"),
        ("model/data/python_model.pkl", b"cos\nsystem\n."),
        ("other/MLmodel", b"flavors: {}"),
        ("two/a/model.json", b"{}"),
        ("two/a/weights.bpk", b"a"),
        ("two/b/model.json", b"{}"),
        ("two/b/weights.bpk", b"b"),
    ] {
        recorder.put_artifact(path, ArtifactContent::Bytes(bytes)).expect("kept");
    }
    let root = format!("mlflow-artifacts:/0/{run}/artifacts");
    let sources = [
        format!("{root}/model"),
        format!("{root}/other"),
        format!("{root}/two"),
        format!("{root}/none"),
        "s3://elsewhere/model".to_owned(),
    ];
    with(&workspace, |here| async move {
        here.registry().create_model("shoes", &[], None).await?;
        for source in sources {
            let new =
                NewVersion { name: "shoes".to_owned(), source, run_id: Some(run.clone()), ..NewVersion::default() };
            here.registry().create_version(&new).await?;
        }
        Ok(())
    })
    .expect("registered");

    let policy = SignaturePolicy::ChecksumsOnly;
    for _ in 0..2 {
        let loaded = load(&workspace, "models:/shoes/1", &policy).expect("a saved model");
        assert_eq!(fs::read(loaded.folder.join("weights.bpk")).expect("there"), b"weights");
        assert_eq!(fs::read_dir(&loaded.folder).expect("a folder").count(), 2, "nothing that a flavour brought");
    }
    let refused = |version: u32, says: &[&str]| {
        let error = load(&workspace, &format!("models:/shoes/{version}"), &policy).expect_err("no saved model");
        assert_eq!(error.code, ErrorCode::InvalidState, "{error}");
        for says in says.iter().chain(&["mvl registry register shoes FOLDER"]) {
            assert!(error.to_string().contains(says), "expected {says:?} in: {error}");
        }
    };
    refused(2, &["expected model.json and weights.bpk in one folder, got MLmodel"]);
    refused(3, &["several saved models", "a/model.json, b/model.json"]);
    refused(4, &["has no files"]);
    refused(5, &["\"s3://elsewhere/model\", which is not in this workspace"]);
    let key = SigningKey::generate().expect("randomness");
    let trusted = SignaturePolicy::Signed([key.verifying_key()].into_iter().collect());
    let error = load(&workspace, "models:/shoes/1", &trusted).expect_err("not signed");
    assert_eq!(error.code, ErrorCode::PermissionDenied);
}

#[test]
fn the_files_of_a_version_lie_where_its_source_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = open(&folder.path().join("lab"));
    let model = folder.path().join("model");
    saved(&model, b"weights");
    let version = register(&workspace, &model).expect("registered");
    let source = version.source.expect("a source");
    let path = source.strip_prefix("mlflow-artifacts:/").expect("in this workspace").to_owned();
    let (owner, below) = ArtifactOwner::of_path(&path).expect("a path");
    assert_eq!(below, "");
    let at = owner.clone();
    let listed = with(&workspace, |here| async move { here.artifacts_below(&at, "").await }).expect("listed");
    let named: Vec<_> = listed.iter().map(|file| (file.path.as_str(), file.bytes)).collect();
    assert_eq!(named, [("deep/weights.bpk", 7), ("model.json", 2)]);
    let at = owner.clone();
    let deep = with(&workspace, |here| async move { here.artifacts_below(&at, "deep").await }).expect("listed");
    assert_eq!(deep.len(), 1);
    let at = owner.clone();
    let file = with(&workspace, |here| async move { here.fetch_artifact(&at, "deep/weights.bpk").await });
    assert_eq!(fs::read(file.expect("there")).expect("readable"), b"weights");

    let at = owner.clone();
    let put =
        with(&workspace, |here| async move { here.tracker().put_artifact(&at, "new", Bytes::from_static(b"x")).await });
    assert_eq!(put.expect_err("it never changes").code, ErrorCode::InvalidParameterValue);
    let at = owner.clone();
    let removed = with(&workspace, |here| async move { here.tracker().delete_artifacts(&at, "").await });
    assert_eq!(removed.expect_err("it never changes").code, ErrorCode::InvalidParameterValue);

    // A blob that somebody stored is no manifest, whatever is in it.
    let other = ModelManifest { labels: vec!["made up".to_owned()], ..ModelManifest::default() };
    let bytes = Bytes::from(other.to_bytes().expect("sound"));
    let digest = with(&workspace, |here| async move { Ok(here.blobs().put(bytes).await?) }).expect("stored");
    let (owner, _) = ArtifactOwner::of_path(&format!("models/{}", digest.to_hex())).expect("a path");
    let listed = with(&workspace, |here| async move { here.artifacts_below(&owner, "").await });
    assert!(listed.expect("nothing").is_empty());
}
