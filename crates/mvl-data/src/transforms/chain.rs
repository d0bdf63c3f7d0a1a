//! Transforms one after the other.

use std::sync::Arc;

use mvl_core::{DataError, Sample, SampleKey};

use super::draw::no_partner;
use super::{Draw, Transform, TransformConfig};

/// The generators of a partner's transforms are apart from those that it has as a sample of its own.
const PARTNER_REPEAT: usize = 1 << 24;

/// A list of transforms. Each draws from a stream of its own, so that one's draws do not shift another's.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image, Sample, SampleKey};
/// use mvl_data::{Chain, TransformConfig};
/// let steps: Vec<TransformConfig> = serde_json::from_str(r#"[{"name": "resize", "to": {"exact": [2, 2]}}]"#)?;
/// let chain = Chain::from_config(&steps)?;
/// let sample = Sample::new(Image::new(1, 1, Channels::Gray, vec![5])?, "memory");
/// assert_eq!(chain.apply_alone(sample, SampleKey::plain(0))?.image.pixels(), [5; 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Chain(Arc<[Box<dyn Transform>]>);

impl Chain {
    /// Transforms in the order in which they are applied.
    #[must_use]
    pub fn new(transforms: Vec<Box<dyn Transform>>) -> Self {
        Self(transforms.into())
    }

    /// Transforms from a config.
    ///
    /// # Errors
    /// [`DataError::Invalid`] with every problem of every step.
    pub fn from_config(steps: &[TransformConfig]) -> Result<Self, DataError> {
        let problems = steps.iter().enumerate().flat_map(|(place, step)| {
            step.problems().into_iter().map(move |problem| format!("augment[{place}].{problem}"))
        });
        let problems: Vec<String> = problems.collect();
        if !problems.is_empty() {
            return Err(DataError::invalid(format!("the augmentation cannot run: {}", problems.join("; "))));
        }
        Ok(Self::new(steps.iter().map(TransformConfig::build).collect()))
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Box<dyn Transform>] {
        &self.0
    }

    /// The `[height, width]` to which the chain brings every image, when it brings them all to the same.
    #[must_use]
    pub fn output_size(&self) -> Option<[u32; 2]> {
        self.0.iter().fold(None, |size, transform| transform.output_size(size))
    }

    /// Applies the steps from `first` on to a sample of a data set with `len` samples; `get` reads one of them, untransformed.
    ///
    /// # Errors
    /// What a step says.
    pub fn apply(
        &self,
        first: usize,
        sample: Sample,
        key: SampleKey,
        len: usize,
        get: &dyn Fn(SampleKey) -> Result<Sample, DataError>,
    ) -> Result<Sample, DataError> {
        run(&self.0, first, sample, key, len, get)
    }

    /// Applies all steps to a sample that stands alone.
    ///
    /// # Errors
    /// What a step says; steps that mix samples say that they cannot.
    pub fn apply_alone(&self, sample: Sample, key: SampleKey) -> Result<Sample, DataError> {
        run(&self.0, 0, sample, key, 1, &|_| Err(no_partner()))
    }
}

fn run(
    steps: &[Box<dyn Transform>],
    first: usize,
    mut sample: Sample,
    key: SampleKey,
    len: usize,
    get: &dyn Fn(SampleKey) -> Result<Sample, DataError>,
) -> Result<Sample, DataError> {
    for (place, step) in steps.iter().enumerate().skip(first) {
        let partner = |rng: &mut mvl_core::SampleRng| {
            let index = rng.below(len.max(1));
            // A number of its own, so that a step with several partners sees each in another state.
            let repeat = PARTNER_REPEAT + rng.below(PARTNER_REPEAT);
            let key = SampleKey { index, repeat, ..key };
            run(&steps[..place], 0, get(key)?, key, len, get)
        };
        sample = step.apply(sample, &mut Draw::new(key.rng(place as u64), &partner))?;
    }
    Ok(sample)
}
