//! Ends a run whose numbers are no numbers any more.

use std::collections::VecDeque;

use mvl_core::{Flow, Metrics, ObserverError, TrainingEvent, TrainingObserver};
use serde_json::{Value, json};

/// An explosion is told against the median of so many losses, and not before there are enough of them.
const WINDOW: usize = 100;
const ENOUGH: usize = 20;
/// What people can do about it.
const HINT: &str = "a lower learning rate, a longer warm-up or gradient clipping often help, and labels or pictures that are \
                    broken are worth a look; the best checkpoint is from before";

/// Ends the run when its numbers are NaN or infinite, or when the loss explodes.
///
/// Watched are the loss and, where they are known, the norm of the gradients of each step; the loss of each validation
/// ([`with_figures`](Self::with_figures) names others); and all histograms. Steps are forgiven until
/// [`with_patience`](Self::with_patience) of them in a row are bad; figures and histograms are not, as weights that are
/// NaN stay so. A step that a scaled loss left out, because its gradients overflowed, is no bad one unless its loss is.
///
/// A run that is ended by [`Flow::Stop`] has a last checkpoint with the weights as they are by then, and its best one from before.
/// What counts up to now survives a resume ([`state`](TrainingObserver::state)).
///
/// # Errors
/// With [`failing`](Self::failing), what would end the run is an error instead; whether it ends the run then is up to
/// [`OnObserverError`](crate::OnObserverError).
///
/// # Example
/// ```
/// use mvl_train::{NanGuard, Observers, OnObserverError};
/// // Three bad steps in a row; a loss of more than 50 times the median is bad too.
/// let guard = NanGuard::new().with_patience(3).with_explosion(50.0);
/// let observers = Observers::new(OnObserverError::Stop).with(guard);
/// # let _ = observers;
/// ```
#[derive(Debug, Clone)]
pub struct NanGuard {
    patience: usize,
    explosion: Option<f64>,
    figures: Vec<String>,
    fails: bool,
    /// Bad steps in a row.
    bad: usize,
    /// The last good losses.
    losses: VecDeque<f64>,
}

impl Default for NanGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl NanGuard {
    /// Ends the run cleanly at the first bad step; explosions are not looked for.
    pub fn new() -> Self {
        let figures = vec!["loss".to_owned()];
        Self { patience: 1, explosion: None, figures, fails: false, bad: 0, losses: VecDeque::new() }
    }

    /// Ends it after so many bad steps in a row; 0 counts as 1.
    pub fn with_patience(mut self, steps: usize) -> Self {
        self.patience = steps.max(1);
        self
    }

    /// Counts a loss as bad when it is more than `ratio` times the median of the last hundred good ones, after twenty of them. A
    /// median that is not positive tells nothing.
    pub fn with_explosion(mut self, ratio: f64) -> Self {
        self.explosion = Some(ratio);
        self
    }

    /// Watches these figures of validation instead of `loss`; those that are not there are passed over. (A figure can be no number
    /// rightly: the recall of a class that no sample has.)
    pub fn with_figures(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.figures = names.into_iter().map(Into::into).collect();
        self
    }

    /// Answers with an error where it would stop the run.
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }

    /// What is bad about a step, if anything.
    fn step(&mut self, loss: f64, gradient_norm: Option<f64>, updated: bool) -> Option<String> {
        let bad = if !loss.is_finite() {
            Some(format!("the loss was {loss}"))
        } else if let Some(norm) = gradient_norm.filter(|norm| updated && !norm.is_finite()) {
            Some(format!("the norm of the gradients was {norm}"))
        } else {
            self.exploded(loss)
        };
        if bad.is_none() {
            self.bad = 0;
            self.losses.push_back(loss);
            if self.losses.len() > WINDOW {
                self.losses.pop_front();
            }
        } else {
            self.bad += 1;
        }
        bad
    }

    fn exploded(&self, loss: f64) -> Option<String> {
        let ratio = self.explosion?;
        if self.losses.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<f64> = self.losses.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        (median > 0.0 && loss > ratio * median)
            .then(|| format!("the loss was {loss:.4}, more than {ratio} times its median of {median:.4}"))
    }

    fn end(&self, what: &str) -> Result<Flow, ObserverError> {
        let reason = format!("{what}; {HINT}");
        if self.fails { Err(ObserverError::new(reason)) } else { Ok(Flow::Stop { reason }) }
    }

    /// A figure that is watched and no number.
    fn figure<'a>(&'a self, figures: &Metrics) -> Option<(&'a str, f64)> {
        let mut figures = self.figures.iter().filter_map(|name| Some((name.as_str(), figures.get(name)?)));
        figures.find(|(_, value)| !value.is_finite())
    }
}

impl TrainingObserver for NanGuard {
    fn name(&self) -> &str {
        "nan guard"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        let bad = match *event {
            TrainingEvent::StepFinished { epoch, step, loss, gradient_norm, updated, .. } => {
                let bad = self.step(loss, gradient_norm, updated);
                let steps = if self.bad == 1 { String::new() } else { format!(", the last of {} steps", self.bad) };
                bad.filter(|_| self.bad >= self.patience)
                    .map(|bad| format!("{bad} at epoch {}, step {}{steps}", epoch + 1, step + 1))
            }
            TrainingEvent::Histograms { global_step, histograms } => {
                let broken = histograms.iter().find(|(_, histogram)| histogram.not_finite > 0);
                broken.map(|(path, histogram)| {
                    let (broken, all) = (histogram.not_finite, histogram.not_finite + histogram.count);
                    format!(
                        "{broken} of {all} numbers of {path} were not finite after step {} of the run",
                        global_step + 1
                    )
                })
            }
            TrainingEvent::EpochFinished { epoch, valid: Some(valid), .. } => {
                let figure = self.figure(valid);
                figure.map(|(name, value)| format!("{name} of validation was {value} in epoch {}", epoch + 1))
            }
            _ => None,
        };
        bad.map_or(Ok(Flow::Continue), |what| self.end(&what))
    }

    fn state(&self) -> Option<Value> {
        Some(json!({"bad": self.bad, "losses": self.losses}))
    }

    fn restore(&mut self, state: &Value) -> Result<(), ObserverError> {
        let bad = state.get("bad").and_then(Value::as_u64).and_then(|bad| usize::try_from(bad).ok());
        let losses = state.get("losses").and_then(Value::as_array);
        let losses = losses.and_then(|losses| losses.iter().map(Value::as_f64).collect::<Option<VecDeque<f64>>>());
        match bad.zip(losses).filter(|(_, losses)| losses.len() <= WINDOW) {
            Some((bad, losses)) => {
                (self.bad, self.losses) = (bad, losses);
                Ok(())
            }
            None => Err(ObserverError::new("expected bad steps and at most 100 losses as the guard's state")),
        }
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::{Histogram, conformance};

    use super::*;

    fn step(loss: f64, gradient_norm: Option<f64>, updated: bool) -> TrainingEvent<'static> {
        TrainingEvent::StepFinished {
            epoch: 2,
            step: 6,
            global_step: 26,
            loss,
            parts: &[],
            learning_rate: 0.1,
            samples: 4,
            gradient_norm,
            loss_scale: None,
            updated,
        }
    }

    fn stops(guard: &mut NanGuard, event: &TrainingEvent<'_>) -> Option<String> {
        match guard.update(event).expect("no policy to fail") {
            Flow::Continue => None,
            Flow::Stop { reason } => Some(reason),
        }
    }

    #[test]
    fn the_reason_says_where_and_what_to_do() {
        let reason = stops(&mut NanGuard::new(), &step(f64::NAN, None, true)).expect("stops");
        assert!(reason.starts_with("the loss was NaN at epoch 3, step 7; a lower learning rate"), "{reason}");
        let error = NanGuard::new().failing().update(&step(f64::INFINITY, None, true)).expect_err("the policy");
        assert!(error.to_string().starts_with("the loss was inf at epoch 3, step 7; "), "{error}");
    }

    #[test]
    fn only_bad_steps_in_a_row_count() {
        let mut guard = NanGuard::new().with_patience(2);
        let losses = [f64::NAN, 1.0, f64::NAN, f64::NAN];
        let ended = losses.map(|loss| stops(&mut guard, &step(loss, None, true)).is_some());
        assert_eq!(ended, [false, false, false, true]);
    }

    #[test]
    fn an_overflow_that_was_left_out_is_no_bad_step() {
        let mut guard = NanGuard::new();
        assert_eq!(stops(&mut guard, &step(1.0, Some(f64::INFINITY), false)), None);
        let reason = stops(&mut guard, &step(1.0, Some(f64::INFINITY), true)).expect("stops");
        assert!(reason.starts_with("the norm of the gradients was inf"), "{reason}");
    }

    #[test]
    fn explosions_are_told_by_the_median() {
        let mut guard = NanGuard::new().with_explosion(10.0);
        assert_eq!(stops(&mut guard, &step(1e9, None, true)), None); // too early to tell
        (0..30).for_each(|_| assert_eq!(stops(&mut guard, &step(0.5, None, true)), None));
        assert_eq!(stops(&mut guard, &step(4.9, None, true)), None);
        let mut resumed = NanGuard::new().with_explosion(10.0);
        resumed.restore(&guard.state().expect("a state")).expect("its own");
        for guard in [&mut guard, &mut resumed] {
            let reason = stops(guard, &step(5.1, None, true)).expect("stops");
            assert!(reason.starts_with("the loss was 5.1000, more than 10 times its median of 0.5000"), "{reason}");
        }
        guard.restore(&json!({"bad": -1})).expect_err("no state");
    }

    #[test]
    fn histograms_and_figures_are_watched() {
        let spread = [("head.weight".to_owned(), Histogram::of(&[1.0, f32::NAN], 2))];
        let event = TrainingEvent::Histograms { global_step: 9, histograms: &spread };
        let reason = stops(&mut NanGuard::new(), &event).expect("stops");
        assert!(reason.starts_with("1 of 2 numbers of head.weight were not finite after step 10 of"), "{reason}");

        let good = Metrics(vec![("loss".to_owned(), 0.5)]);
        let bad = Metrics(vec![("loss".to_owned(), 0.5), ("recall".to_owned(), f64::NAN)]);
        let event = TrainingEvent::EpochFinished {
            epoch: 0,
            train: &good,
            valid: Some(&bad),
            learning_rate: 0.1,
            samples: 1,
            train_time: Default::default(),
            time: Default::default(),
        };
        assert_eq!(stops(&mut NanGuard::new(), &event), None);
        let reason = stops(&mut NanGuard::new().with_figures(["recall"]), &event).expect("stops");
        assert!(reason.starts_with("recall of validation was NaN in epoch 1; "), "{reason}");
    }

    #[test]
    fn keeps_the_contract() {
        conformance::observer(NanGuard::new);
        conformance::observer(|| NanGuard::new().with_patience(5).with_explosion(2.0));
    }
}
