//! Where the suite runs, what it stores, and processes of its own that it starts.

use std::env;
use std::future::Future;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use bytes::Bytes;
use mvl_core::SampleRng;
use mvl_store::{Blobs, Digest, StoreUrl, wait_for};
use tempfile::TempDir;

use crate::web_server::WebServer;

/// The bucket, and the container, that `scripts/with_stores.sh` makes.
const BUCKET: &str = "mvl-test";

pub(crate) const MIB: usize = 1 << 20;

/// A prefix of a store, empty at first.
pub(crate) struct Place {
    /// Without a slash at its end.
    pub(crate) url: String,
    /// The variable that says where the store listens, and the one that programs read; none on a disk.
    pub(crate) endpoint: Option<(&'static str, &'static str)>,
    /// Removed when the place goes.
    _folder: Option<TempDir>,
    server: Option<WebServer>,
}

impl Place {
    pub(crate) fn disk() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { url: format!("file://{}", folder.path().display()), endpoint: None, _folder: Some(folder), server: None }
    }

    /// A plain web server, which cannot be listed, and takes no large blobs.
    pub(crate) fn web() -> Self {
        let server = WebServer::start();
        Self { url: server.url(), endpoint: None, _folder: None, server: Some(server) }
    }

    /// How often a web server has sent something.
    pub(crate) fn sent(&self) -> Option<usize> {
        self.server.as_ref().map(WebServer::sent)
    }

    /// The stores that the environment names. Those that it does not are named on standard error.
    pub(crate) fn remote() -> Vec<Self> {
        let stores = [
            ("s3", "MVL_TEST_S3_ENDPOINT", "AWS_ENDPOINT_URL"),
            ("az", "MVL_TEST_AZURE_ENDPOINT", "AZURE_STORAGE_ENDPOINT"),
        ];
        let mut places = Vec::new();
        for (scheme, variable, read) in stores {
            if env::var_os(variable).is_some() {
                let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos() as u64);
                let unique = SampleRng::new([std::process::id().into(), now, 0, 0]).next_u64();
                let url = format!("{scheme}://{BUCKET}/{unique:016x}");
                places.push(Self { url, endpoint: Some((variable, read)), _folder: None, server: None });
            } else {
                eprintln!("skipped {scheme}://: {variable} is not set; run scripts/with_stores.sh");
            }
        }
        places
    }

    /// Every place there is.
    pub(crate) fn all() -> Vec<Self> {
        let mut places = Self::remote();
        places.insert(0, Self::disk());
        places
    }

    /// Places that blobs are fetched from: all but the disk.
    pub(crate) fn distant() -> Vec<Self> {
        let mut places = Self::remote();
        places.insert(0, Self::web());
        places
    }

    pub(crate) fn blobs(&self) -> Blobs {
        blobs(&self.url)
    }

    /// The file of a blob; on a disk.
    pub(crate) fn file(&self, digest: Digest) -> PathBuf {
        let hex = digest.to_hex();
        let folder = self.url.strip_prefix("file://").expect("a disk");
        format!("{folder}/blobs/sha256/{}/{}/{hex}", &hex[..2], &hex[2..4]).into()
    }
}

pub(crate) fn blobs(url: &str) -> Blobs {
    Blobs::open(&StoreUrl::parse(url).expect("an address")).expect("a store")
}

pub(crate) fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    wait_for(work).expect("it ran")
}

/// Bytes that nobody else stores.
pub(crate) fn random(bytes: usize, seed: u64) -> Bytes {
    let mut rng = SampleRng::new([seed, bytes as u64, 7, 7]);
    let mut all: Vec<u8> = (0..bytes.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
    all.truncate(bytes);
    all.into()
}

/// This program, to run one of its tests in a process of its own.
pub(crate) fn child(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env("MVL_TEST_CHILD", "1");
    command
}

/// Whether this process was started by [`child`].
pub(crate) fn is_child() -> bool {
    env::var_os("MVL_TEST_CHILD").is_some()
}
