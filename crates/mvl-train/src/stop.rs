//! Asking a run to end, from another thread or with Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::TrainError;

/// The exit status of a program that Ctrl-C ended: 128 + SIGINT.
const EXIT_CODE: i32 = 130;

/// A flag that ends a run after its current step, with a checkpoint. Clones are the same flag.
///
/// # Example
/// ```
/// use mvl_train::StopToken;
/// let token = StopToken::new();
/// let for_another_thread = token.clone();
/// for_another_thread.stop();
/// assert!(token.is_stopped());
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopToken(Arc<AtomicBool>);

/// The token of the one handler that a process can have.
static ON_CTRL_C: Mutex<Option<StopToken>> = Mutex::new(None);

impl StopToken {
    /// A token that nobody has asked to stop yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The process's token that Ctrl-C, or SIGTERM, asks to stop; a second press ends the process at once with status 130.
    ///
    /// Every call answers the same token.
    ///
    /// # Errors
    /// [`TrainError::Signal`] when the system refuses the handler.
    pub fn on_ctrl_c() -> Result<Self, TrainError> {
        let mut installed = ON_CTRL_C.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(token) = &*installed {
            return Ok(token.clone());
        }
        let token = Self::new();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first handler sees the flag as the press before left it.
            flag::register_conditional_shutdown(signal, EXIT_CODE, token.0.clone())
                .and_then(|_| flag::register(signal, token.0.clone()))
                .map_err(|source| TrainError::Signal { source })?;
        }
        *installed = Some(token.clone());
        Ok(token)
    }

    /// Asks to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
