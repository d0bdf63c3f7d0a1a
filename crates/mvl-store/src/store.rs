//! Connections to stores, one for each bucket, container or server, kept for the whole process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mvl_core::DataError;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::list::PaginatedListStore;
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::{ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};
use tokio::sync::Semaphore;

use crate::connector::Connector;
use crate::crypto::choose_provider;
use crate::failure::Cause;
use crate::{Failure, StoreUrl};

/// Requests to one store that are under way at once, whoever makes them.
const MAX_REQUESTS: usize = 64;
/// How long a store may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a store may send nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// The same for whoever sends: the client counts the time in which the body goes out.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// For a whole request; our retry policy has its own, shorter deadline.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3_600);

/// What clouds set on their own machines, under names without their prefix.
const OTHER_VARIABLES: [(&str, &str); 2] = [("AZURE_", "IDENTITY_ENDPOINT"), ("GOOGLE_", "SERVICE_ACCOUNT")];

/// A store that can be asked.
pub(crate) struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// Lists page by page, so that each page is a request of its own; what disks and WebDAV cannot.
    pub(crate) pages: Option<Arc<dyn PaginatedListStore>>,
    /// The same objects by a client that waits for an answer as long as it takes to send a part.
    pub(crate) writer: Arc<dyn ObjectStore>,
    /// Takes objects in parts under an id that outlives us; what disks and WebDAV cannot.
    pub(crate) parts: Option<Arc<dyn MultipartStore>>,
    pub(crate) requests: Semaphore,
}

static OPENED: Mutex<BTreeMap<String, Arc<Store>>> = Mutex::new(BTreeMap::new());

/// The store of an address, opened by the first who asks, as the environment says.
pub(crate) fn store_of(url: &StoreUrl) -> Result<Arc<Store>, DataError> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = opened.get(url.root()) {
        return Ok(store.clone());
    }
    choose_provider();
    let store = open(url).map_err(|failure| failure.at(url, "opening the store"))?;
    let store = Arc::new(store);
    opened.insert(url.root().to_owned(), store.clone());
    Ok(store)
}

/// What all of the clouds' builders have in common, though no trait says so.
macro_rules! cloud {
    ($builder:expr, $key:ident, $root:expr, $settings:expr) => {{
        let settings = $settings;
        let build = |read_timeout: Duration| {
            let seconds = |limit: Duration| format!("{} seconds", limit.as_secs());
            let configured = settings.iter().fold($builder, |builder, (name, value)| {
                match name.to_ascii_lowercase().parse::<$key>() {
                    Ok(key) => builder.with_config(key, value),
                    Err(_) => builder, // somebody else's
                }
            });
            configured
                .with_url($root)
                .with_config($key::Client(ClientConfigKey::ConnectTimeout), seconds(CONNECT_TIMEOUT))
                .with_config($key::Client(ClientConfigKey::ReadTimeout), seconds(read_timeout))
                .with_config($key::Client(ClientConfigKey::Timeout), seconds(REQUEST_TIMEOUT))
                .with_retry(only_once())
                .with_http_connector(Connector)
                .build()
        };
        let (store, writer) = (Arc::new(build(READ_TIMEOUT)?), Arc::new(build(ANSWER_TIMEOUT)?));
        Store {
            objects: store.clone(),
            pages: Some(store),
            writer: writer.clone(),
            parts: Some(writer),
            requests: Semaphore::new(MAX_REQUESTS),
        }
    }};
}

fn open(url: &StoreUrl) -> Result<Store, Failure> {
    let root = url.root();
    Ok(match url.scheme() {
        "s3" | "s3a" => cloud!(AmazonS3Builder::new(), AmazonS3ConfigKey, root, settings("AWS_")?),
        "gs" => cloud!(GoogleCloudStorageBuilder::new(), GoogleConfigKey, root, settings("GOOGLE_")?),
        "http" | "https" => plain(http(root, READ_TIMEOUT)?, http(root, ANSWER_TIMEOUT)?),
        "file" => {
            // What was put is there after a loss of power, too.
            let disk: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new().with_fsync(true));
            plain(disk.clone(), disk)
        }
        _ => cloud!(MicrosoftAzureBuilder::new(), AzureConfigKey, root, settings("AZURE_")?),
    })
}

/// A store without pages and without parts of its own.
fn plain(objects: Arc<dyn ObjectStore>, writer: Arc<dyn ObjectStore>) -> Store {
    Store { objects, pages: None, writer, parts: None, requests: Semaphore::new(MAX_REQUESTS) }
}

/// The environment's variables for a cloud, but for those that are set to nothing. An endpoint must be an address: given
/// anything else `object_store` panics.
fn settings(prefix: &str) -> Result<Vec<(String, String)>, Failure> {
    let named = |name: &str| name.starts_with(prefix) || OTHER_VARIABLES.contains(&(prefix, name));
    let text =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings: Vec<_> = text.filter(|(name, value)| named(name) && !value.is_empty()).collect();
    for (name, value) in settings.iter().filter(|(name, _)| name.contains("ENDPOINT")) {
        if !value.starts_with("http://") && !value.starts_with("https://") {
            let what = format!("expected {name} to begin with https:// or http://, got {value:?}");
            return Err(Failure::new(Cause::Permanent, what));
        }
    }
    Ok(settings)
}

fn http(root: &str, read_timeout: Duration) -> object_store::Result<Arc<dyn ObjectStore>> {
    let options = ClientOptions::new()
        .with_allow_http(root.starts_with("http://")) // whoever wrote it meant it
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(read_timeout)
        .with_timeout(REQUEST_TIMEOUT);
    let store = HttpBuilder::new()
        .with_url(root)
        .with_client_options(options)
        .with_retry(only_once())
        .with_http_connector(Connector)
        .build()?;
    Ok(Arc::new(store))
}

/// The policy is ours alone, see [`RetryPolicy`](crate::RetryPolicy).
fn only_once() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}
