//! [`Streams`]: connections that became sockets of their own, which a server's end must not cut off.

use std::sync::Arc;

use tokio::sync::watch;

/// Tells sockets that the server ends, and the server when all have ended.
#[derive(Debug, Clone)]
pub(crate) struct Streams(Arc<watch::Sender<bool>>);

/// Held by a socket while it is open.
#[derive(Debug)]
pub(crate) struct Ending(watch::Receiver<bool>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Streams {
    /// Another socket.
    pub(crate) fn open(&self) -> Ending {
        Ending(self.0.subscribe())
    }

    /// From now on they are to end.
    pub(super) fn end(&self) {
        self.0.send_replace(true);
    }

    /// Waits until all have ended.
    pub(super) async fn ended(&self) {
        self.0.closed().await;
    }
}

impl Ending {
    /// Waits until the server ends.
    pub(crate) async fn begun(&mut self) {
        if self.0.wait_for(|ending| *ending).await.is_err() {
            std::future::pending::<()>().await; // a router that stands in no server of ours
        }
    }
}
