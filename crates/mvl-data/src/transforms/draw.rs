//! What a transform draws from: random numbers of its own, and other samples of the data set.

use mvl_core::{DataError, Sample, SampleRng};

/// Random numbers and partners for one transform on one sample.
///
/// Everything depends on `(seed, epoch, sample)` and the transform's place in the chain, and on nothing else.
pub struct Draw<'a> {
    rng: SampleRng,
    partner: &'a dyn Fn(&mut SampleRng) -> Result<Sample, DataError>,
}

impl std::fmt::Debug for Draw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draw").field("rng", &self.rng).finish_non_exhaustive()
    }
}

impl<'a> Draw<'a> {
    pub(super) fn new(rng: SampleRng, partner: &'a dyn Fn(&mut SampleRng) -> Result<Sample, DataError>) -> Self {
        Self { rng, partner }
    }

    /// Draws for a sample that stands alone, as in a test of a transform: [`Self::partner`] is an error.
    #[must_use]
    pub fn alone(rng: SampleRng) -> Self {
        Self { rng, partner: &|_| Err(no_partner()) }
    }

    /// The random numbers.
    pub fn rng(&mut self) -> &mut SampleRng {
        &mut self.rng
    }

    /// Another sample of the data set, drawn at random, after the steps of the chain that come before this one.
    ///
    /// # Errors
    /// When it cannot be read, or when the sample stands alone.
    pub fn partner(&mut self) -> Result<Sample, DataError> {
        (self.partner)(&mut self.rng)
    }
}

/// What [`Draw::partner`] says where there is none.
pub(super) fn no_partner() -> DataError {
    DataError::invalid("this transform mixes several samples, but the sample stands alone; load it through a data set")
}
