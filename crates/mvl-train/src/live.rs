//! A moment of a run that is whole whenever nobody makes a step.

use std::ops::{Deref, DerefMut};

use crate::{Moment, TrainError, Updater};

/// Why it is there: only a step takes it, and puts it back unless it fails.
const WHOLE: &str = "a step that failed has the model, and the run is over";

/// A [`Moment`] whose model is taken by each step. A step that fails does not give it back; whatever else fails leaves it whole, so that a
/// checkpoint can still be written.
pub(crate) struct Live<M>(Option<Moment<M>>);

impl<M> Live<M> {
    pub(crate) fn new(moment: Moment<M>) -> Self {
        Self(Some(moment))
    }

    /// Lets a step have the model and the updater.
    pub(crate) fn step<R>(
        &mut self,
        step: impl FnOnce(M, &mut Updater<M>) -> Result<(M, R), TrainError>,
    ) -> Result<R, TrainError> {
        let Moment { model, mut updater, average, state } = self.0.take().expect(WHOLE);
        let (model, result) = step(model, &mut updater)?;
        self.0 = Some(Moment { model, updater, average, state });
        Ok(result)
    }

    /// The moment, if it is whole.
    pub(crate) fn whole(&self) -> Option<&Moment<M>> {
        self.0.as_ref()
    }

    pub(crate) fn into_moment(self) -> Moment<M> {
        self.0.expect(WHOLE)
    }
}

impl<M> Deref for Live<M> {
    type Target = Moment<M>;

    fn deref(&self) -> &Moment<M> {
        self.0.as_ref().expect(WHOLE)
    }
}

impl<M> DerefMut for Live<M> {
    fn deref_mut(&mut self) -> &mut Moment<M> {
        self.0.as_mut().expect(WHOLE)
    }
}
