//! `[service]`: what is offered, and how far.

use mvl_serve::{PictureLimits, RemoteOptions, ServiceOptions, StreamOptions};
use serde::{Deserialize, Serialize};

/// `[service]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServiceTable {
    /// Lets clients leave tensors in this machine's shared memory.
    pub shared_memory: bool,
    /// Which sources requests may name beside those that are served: folders, beginnings of addresses, names.
    pub allowed_sources: Vec<String>,
    /// The longest side of a picture, in pixels.
    pub max_side_px: u32,
    /// The most pixels of a picture.
    pub max_pixels: u64,
    /// The most pictures of a request.
    pub max_pictures: usize,
    /// The most streams of pictures at a time.
    pub max_streams: usize,
    /// The most pictures of a stream that are under way.
    pub stream_window: usize,
    /// Where pictures may be fetched from that are given by URL.
    pub remote: RemoteOptions,
}

impl Default for ServiceTable {
    fn default() -> Self {
        let PictureLimits { side_px, pixels, count } = PictureLimits::default();
        let allowed_sources = Vec::new();
        let StreamOptions { streams, window, .. } = StreamOptions::default();
        Self {
            shared_memory: false,
            allowed_sources,
            max_side_px: side_px,
            max_pixels: pixels,
            max_pictures: count,
            max_streams: streams,
            stream_window: window,
            remote: RemoteOptions::default(),
        }
    }
}

impl ServiceTable {
    /// What is wrong with it, by field.
    pub(super) fn problems(&self) -> Vec<String> {
        let limits = [
            ("max_side_px", u64::from(self.max_side_px)),
            ("max_pixels", self.max_pixels),
            ("max_pictures", self.max_pictures as u64),
            ("max_streams", self.max_streams as u64),
            ("stream_window", self.stream_window as u64),
            ("remote.max_bytes", self.remote.max_bytes as u64),
            ("remote.timeout_ms", self.remote.timeout_ms),
            ("remote.at_once", self.remote.at_once as u64),
        ];
        let none = limits.into_iter().filter(|(_, limit)| *limit == 0);
        none.map(|(field, _)| format!("{field}: expected at least 1, got 0")).collect()
    }

    /// For the library.
    pub(super) fn options(&self, message_bytes: usize) -> ServiceOptions {
        ServiceOptions {
            shared_memory: self.shared_memory,
            message_bytes,
            pictures: PictureLimits { side_px: self.max_side_px, pixels: self.max_pixels, count: self.max_pictures },
            streams: StreamOptions {
                streams: self.max_streams,
                window: self.stream_window,
                ..StreamOptions::default()
            },
            remote: self.remote.clone(),
        }
    }
}
