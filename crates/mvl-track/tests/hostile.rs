//! Hostile files on their way through the registry: refused when they are registered, and, where another program has put them there, when
//! they are verified and when they are loaded. Nothing of them is ever run, and none may ever be given to Python.

use std::fs;
use std::path::{Path, PathBuf};

use mvl_store::Digest;
use mvl_track::manifest::{ModelFile, ModelManifest, SignaturePolicy};
use mvl_track::{ErrorCode, NewModel, NewVersion, Result, Workspace, WorkspaceConfig};

fn block<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    mvl_store::wait_for(work).expect("threads")
}

fn open(folder: &Path) -> Workspace {
    let config = WorkspaceConfig::folder(folder);
    block(async move { Workspace::open(&config).await }).expect("a workspace")
}

/// `os.system("touch TRACE")`, as Python's pickle writes the `__reduce__` of an object.
fn pickle(trace: &Path) -> Vec<u8> {
    let command = format!("touch {}", trace.display());
    [
        b"\x80\x02cposix\nsystem\nq\x00X",
        &(command.len() as u32).to_le_bytes()[..],
        command.as_bytes(),
        b"q\x01\x85q\x02Rq\x03.",
    ]
    .concat()
}

/// A zip archive of one stored entry, which says that it has `said` bytes.
fn zip(name: &str, data: &[u8], said: u32) -> Vec<u8> {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let crc = !data.iter().fold(!0_u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step));
    let method: u16 = if said as usize == data.len() { 0 } else { 8 };
    let common = [
        &[20, 0, 0, 0][..],
        &method.to_le_bytes(),
        &[0, 0, 0x21, 0],
        &crc.to_le_bytes(),
        &(data.len() as u32).to_le_bytes(),
        &said.to_le_bytes(),
        &(name.len() as u16).to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    let entry = [b"PK\x03\x04", &common[..], name.as_bytes(), data].concat();
    let list = [b"PK\x01\x02\x14\0", &common[..], &[0; 14], name.as_bytes()].concat();
    let end = [&[1, 0, 1, 0][..], &(list.len() as u32).to_le_bytes(), &(entry.len() as u32).to_le_bytes(), &[0, 0]];
    [&entry[..], &list, b"PK\x05\x06\0\0\0\0", &end.concat()].concat()
}

/// Each hostile file, by name, and what is said of it.
fn hostile(trace: &Path) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let harm = pickle(trace);
    vec![
        ("weights.pth", harm.clone(), "asks to run (\"posix\", \"system\"), which was not done"),
        ("weights.bpk", harm.clone(), "asks to run (\"posix\", \"system\"), which was not done"),
        ("checkpoint.pth", zip("net/data.pkl", &harm, harm.len() as u32), "entry \"net/data.pkl\""),
        ("bomb.pth", zip("net/data/0", &[1, 0, 0, 255, 255], 4_000_000_000), "bursts to 4000000000"),
        ("climbs.zip", zip("../../.ssh/authorized_keys", b"key", 3), "leads out of its folder"),
        ("absolute.npz", zip("/etc/cron.d/job", b"job", 3), "leads out of its folder"),
    ]
}

fn refused<T: std::fmt::Debug>(answer: Result<T>, file: &str, says: &str) {
    let error = answer.expect_err(file);
    assert_eq!(error.code, ErrorCode::InvalidParameterValue, "{file}: {error}");
    let text = error.to_string();
    assert!(text.contains(file) && text.contains(says), "expected {file:?} and {says:?} in: {text}");
    assert!(text.contains("as safetensors"), "what to do instead: {text}");
}

/// A version whose files were put there without a look, as an older program or somebody with access to database and store would.
fn put_unseen(workspace: &Workspace, name: &str, files: &[(&str, Vec<u8>)]) -> u64 {
    let (here, name) = (workspace.clone(), name.to_owned());
    let files: Vec<(String, Vec<u8>)> = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect();
    block(async move {
        let mut manifest = ModelManifest::default();
        for (path, bytes) in files {
            let file = ModelFile { digest: Digest::of(&bytes), bytes: bytes.len() as u64 };
            here.blobs().put(bytes.into()).await?;
            manifest.files.insert(path, file);
        }
        let digest = here.blobs().put(manifest.to_bytes()?.into()).await?;
        here.registry().create_model(&name, &[], None).await?;
        let (source, manifest) = (format!("mlflow-artifacts:/models/{}", digest.to_hex()), Some(digest.to_string()));
        let version = NewVersion { name, source, manifest, ..NewVersion::default() };
        here.registry().create_version(&version).await.map(|made| made.version)
    })
    .expect("put there")
}

#[test]
fn hostile_files_are_refused_wherever_they_come_by() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trace = folder.path().join("something-ran");
    let workspace = open(&folder.path().join("lab"));
    for (number, (file, bytes, says)) in hostile(&trace).into_iter().enumerate() {
        let model = folder.path().join(number.to_string());
        fs::create_dir_all(&model).expect("writable");
        fs::write(model.join("model.json"), "{}").expect("writable");
        fs::write(model.join(file), &bytes).expect("writable");
        let (here, from) = (workspace.clone(), model.clone());
        let new = NewModel { name: "registered".to_owned(), ..NewModel::default() };
        refused(block(async move { here.register_model(new, &from, |_| {}).await }), file, says);

        let name = format!("unseen-{number}");
        put_unseen(&workspace, &name, &[("model.json", b"{}".to_vec()), (file, bytes)]);
        let (here, known) = (workspace.clone(), name.clone());
        let verified = block(async move {
            let version = here.registry().get_version(&known, 1).await?;
            here.verify_model(&version, &SignaturePolicy::ChecksumsOnly).await
        });
        refused(verified, file, says);
        for _ in 0..2 {
            let (here, address) = (workspace.clone(), format!("models:/{name}/1"));
            let loaded = block(async move { here.load_model(&address, &SignaturePolicy::ChecksumsOnly).await });
            refused(loaded, file, says);
        }
    }
    let (here, cached) = (workspace.clone(), folder.path().join("lab/cache/models"));
    assert!(
        block(async move { here.all_models().await }).expect("listed").iter().all(|model| model.name != "registered")
    );
    let left = fs::read_dir(&cached).map_or(0, |entries| entries.count());
    assert_eq!(left, 0, "no folder of a refused version is left in {}", cached.display());
    assert!(!trace.exists(), "something ran");
}

#[test]
fn a_folder_that_an_earlier_program_left_is_looked_at_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trace = folder.path().join("something-ran");
    let workspace = open(&folder.path().join("lab"));
    let harm = pickle(&trace);
    put_unseen(&workspace, "unseen", &[("weights.pth", harm.clone())]);
    let here = workspace.clone();
    let manifest = block(async move { here.registry().get_version("unseen", 1).await }).expect("there").manifest;
    let digest = manifest.expect("a manifest").trim_start_matches("sha256:").to_owned();
    let copied: PathBuf = folder.path().join("lab/cache/models").join(digest);
    fs::create_dir_all(&copied).expect("writable");
    fs::write(copied.join("weights.pth"), &harm).expect("writable");
    let loaded = block(async move { workspace.load_model("models:/unseen/1", &SignaturePolicy::ChecksumsOnly).await });
    refused(loaded, "weights.pth", "which was not done");
    assert!(!trace.exists(), "something ran");
}
