//! Looks again and again whether sources stand for other versions.

use std::sync::Arc;
use std::time::Duration;

use mvl_serve::models::{Loaded, Repository};

use crate::output::say;

pub(super) async fn poll(repository: Arc<Repository>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let polled = repository.clone();
        let Ok(changes) = tokio::task::spawn_blocking(move || polled.poll()).await else { continue };
        for (name, came) in changes {
            match came {
                Ok(Loaded::Switched { to, .. }) => say(format!("{name}: version {to} answers now")),
                Ok(_) => {}
                Err(error) => {
                    say(format!("{name}: cannot load what its source stands for now, goes on as before: {error}"))
                }
            }
        }
    }
}
