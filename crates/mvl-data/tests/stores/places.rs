//! Where the suite runs: a disk, and the stores that the environment names.

use std::env;
use std::path::Path;

use mvl_core::SampleRng;
use object_store::ObjectStoreExt;
use tempfile::TempDir;

/// The bucket, and the container, that `scripts/with_stores.sh` makes.
const BUCKET: &str = "mvl-test";

/// A prefix of a store, empty at first.
pub(crate) struct Place {
    /// Below which everything lies, without a slash at its end.
    pub(crate) url: String,
    /// Removed when the place goes.
    _folder: Option<TempDir>,
}

impl Place {
    /// Every place there is. Those that are not are named on standard error.
    pub(crate) fn all() -> Vec<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("file://{}", folder.path().display());
        let mut places = vec![Self { url, _folder: Some(folder) }];
        for (scheme, variable) in [("s3", "MVL_TEST_S3_ENDPOINT"), ("az", "MVL_TEST_AZURE_ENDPOINT")] {
            if env::var_os(variable).is_some() {
                let unique = SampleRng::new([std::process::id().into(), now(), 0, 0]).next_u64();
                places.push(Self { url: format!("{scheme}://{BUCKET}/{unique:016x}"), _folder: None });
            } else {
                eprintln!("skipped {scheme}://: {variable} is not set; run scripts/with_stores.sh");
            }
        }
        places
    }

    /// The address of something here.
    pub(crate) fn at(&self, key: &str) -> String {
        format!("{}/{key}", self.url)
    }

    /// Copies a folder here, all levels of it.
    pub(crate) fn put_folder(&self, folder: &Path) {
        let (mut objects, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(next) = waiting.pop() {
            for entry in std::fs::read_dir(next).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    let key =
                        path.strip_prefix(folder).expect("it lies below").to_str().expect("plain names").to_owned();
                    objects.push((key, std::fs::read(&path).expect("readable")));
                }
            }
        }
        self.put(objects);
    }

    /// Puts objects here, by way of `object_store` as it comes.
    pub(crate) fn put(&self, objects: impl IntoIterator<Item = (String, Vec<u8>)>) {
        // As a program may that uses TLS as well; ours must put up with it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = self.url.parse().expect("a good address");
        let (store, prefix) = object_store::parse_url_opts(&url, env::vars()).expect("the environment names the store");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        for (key, bytes) in objects {
            let path = key.split('/').fold(prefix.clone(), |path, part| path.join(part));
            runtime.block_on(store.put(&path, bytes.into())).expect("it can be written");
        }
    }
}

fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos() as u64)
}
