//! Which parameters learn in which epoch.

use burn::module::Module;
use mvl_core::{freeze, unfreeze};

use crate::{FreezeConfig, TrainError};

/// The model with what does not learn in this epoch frozen, and what learns from it on unfrozen.
///
/// # Errors
/// [`TrainError::Config`] when a pattern means no parameter.
pub fn freeze_for_epoch<M: Module>(mut model: M, frozen: &[FreezeConfig], epoch: usize) -> Result<M, TrainError> {
    let mut problems = Vec::new();
    for (number, FreezeConfig { pattern, until_epoch }) in frozen.iter().enumerate() {
        let learns = until_epoch.is_some_and(|until| epoch >= until);
        let count;
        (model, count) = match (learns, until_epoch) {
            (false, _) => freeze(model, pattern),
            (true, Some(until)) if epoch == *until => unfreeze(model, pattern),
            _ => continue,
        };
        if count == 0 {
            problems.push(format!("freeze[{number}].pattern: expected to mean a parameter, got {pattern:?}"));
        }
    }
    if problems.is_empty() { Ok(model) } else { Err(TrainError::Config { problems }) }
}
