//! A sample ready to be stacked, and the data set that makes them: what worker threads do.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{
    Annotations, ByteSize, Channels, DataError, Dataset, Fetch, Image, Location, Preprocess, Record, Sample, SampleKey,
};

use super::buffers::Buffers;
use crate::decode::{Scratch, Wanted, decode_part};
use crate::geometry::preprocess_annotations;
use crate::ops::{CutWorkspace, Part, View};
use crate::preprocess::{as_cut, finish, geometry};
use crate::transforms::{Chain, DrawnLead};

/// One sample as the network wants it, but for the normalisation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prepared {
    /// The pixels, with the network's channels.
    pub image: Image,
    /// What is known about it.
    pub annotations: Annotations,
    /// Where the image came from, for messages.
    pub source: Arc<str>,
}

impl Prepared {
    /// A prepared sample.
    pub fn new(image: Image, annotations: Annotations, source: impl Into<Arc<str>>) -> Self {
        Self { image, annotations, source: source.into() }
    }

    /// `[C, H, W]`
    pub(super) fn shape(&self) -> [usize; 3] {
        [self.image.channels().count(), self.image.height() as usize, self.image.width() as usize]
    }
}

impl ByteSize for Prepared {
    fn byte_size(&self) -> usize {
        size_of::<Self>() - size_of::<Annotations>()
            + self.image.pixels().len()
            + self.annotations.byte_size()
            + self.source.len()
    }
}

/// Decodes, augments and preprocesses.
///
/// Where a chain begins with a cut, or there is none and the preprocessing is one, a picture is decoded only as far as that needs,
/// and cut out of the decoder's memory at once. The pixels are those that one step after the other would give.
pub(super) struct PreparedDataset<D: ?Sized> {
    spec: Preprocess,
    chain: Chain,
    /// The chain ends at the network's input size, so resizing and cropping would only blur.
    sized_by_chain: bool,
    /// A decoder may leave out what a smaller result does not show.
    reduced_decoding: bool,
    pixels: Buffers<u8>,
    samples: Arc<D>,
}

thread_local! {
    /// What a worker keeps from one sample to the next.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

#[derive(Default)]
struct Workspace {
    decoding: Scratch,
    cutting: CutWorkspace,
}

/// How a picture that is about to be decoded is cut.
#[derive(Clone, Copy)]
enum Plan {
    /// By the first steps of the chain.
    Chain(DrawnLead),
    /// By the preprocessing, where there is no chain.
    Preprocess(crate::ops::Cut),
}

impl<D: Dataset<Sample> + ?Sized> PreparedDataset<D> {
    /// The spec was checked.
    pub(super) fn new(samples: Arc<D>, spec: Preprocess, chain: Chain, pixels: Buffers<u8>) -> Self {
        let wanted = spec.output_shape().map(|[_, height, width]| [height as u32, width as u32]);
        let sized_by_chain = wanted.is_some() && chain.output_size() == wanted;
        Self { spec, chain, sized_by_chain, reduced_decoding: false, pixels, samples }
    }

    /// Lets decoders reduce pictures.
    pub(super) fn with_reduced_decoding(mut self, reduced_decoding: bool) -> Self {
        self.reduced_decoding = reduced_decoding;
        self
    }

    /// How a picture of this `[height, width]` is cut; `None` where only its pixels tell.
    fn plan(&self, key: SampleKey, size: [u32; 2]) -> Option<Plan> {
        if !self.chain.steps().is_empty() {
            return self.chain.lead(key, size).map(Plan::Chain);
        }
        // Colours become grey before anything else, which does not commute with rounding; grey becomes colours at any time.
        let plan = as_cut(&self.spec, size).filter(|_| self.spec.channels != Channels::Gray);
        plan.map(Plan::Preprocess)
    }

    /// A sample from its record, cut while it is decoded, and how many steps of the chain are done; `None` where it has to be made
    /// by the data set.
    fn cut(&self, key: SampleKey, record: &Record) -> Result<Option<(Sample, Done)>, DataError> {
        let (annotations, source) = match record {
            Record::Encoded(sample) => (&sample.annotations, &sample.source),
            Record::Decoded(sample) => (&sample.annotations, &sample.source),
            _ => return Ok(None),
        };
        WORKSPACE.with_borrow_mut(|Workspace { decoding, cutting }| {
            let mut plan = None;
            let part = match record {
                Record::Encoded(sample) => decode_part(&sample.bytes, source, decoding, |size| {
                    plan = self.plan(key, size);
                    self.wanted(plan, size)
                })?,
                Record::Decoded(sample) => {
                    plan = self.plan(key, [sample.image.height(), sample.image.width()]);
                    View::from(&sample.image).into()
                }
                _ => return Ok(None),
            };
            let (image, done) = self.cut_part(plan, part, cutting);
            let mut sample = Sample::new(image, source.clone());
            sample.annotations = annotations.clone();
            let known = &mut sample.annotations;
            let moved = match plan {
                Some(Plan::Chain(lead)) => lead.move_annotations(known),
                Some(Plan::Preprocess(cut)) => {
                    preprocess_annotations(&self.spec, [cut.area.height, cut.area.width], known)
                }
                None => Ok(()),
            };
            moved.map_err(|error| DataError::invalid(format!("{error}; {source}")))?;
            Ok(Some((sample, done)))
        })
    }

    fn wanted(&self, plan: Option<Plan>, size: [u32; 2]) -> Wanted {
        match plan {
            None => Wanted::whole(size),
            Some(Plan::Preprocess(cut)) => Wanted { area: cut.needed(), reduction: 1 },
            Some(Plan::Chain(DrawnLead { cut, .. })) => {
                Wanted { area: cut.needed(), reduction: if self.reduced_decoding { cut.reduction() } else { 1 } }
            }
        }
    }

    /// The image that the plan makes of what was decoded.
    fn cut_part(&self, plan: Option<Plan>, part: Part<'_>, cutting: &mut CutWorkspace) -> (Image, Done) {
        let channels = part.view.channels;
        let mut pixels = self.pixels.take();
        let ([height, width], done) = match plan {
            Some(Plan::Preprocess(cut)) => {
                cut.apply(part, cutting, &mut pixels);
                ([cut.kept.height, cut.kept.width], Done::Preprocess)
            }
            Some(Plan::Chain(DrawnLead { cut, steps, .. })) => {
                cut.apply(part, cutting, &mut pixels);
                (cut.size, Done::Steps(steps))
            }
            None => {
                pixels.clear();
                pixels.extend_from_slice(part.view.pixels);
                ([part.view.height, part.view.width], Done::Steps(0))
            }
        };
        (Image::new(width, height, channels, pixels).expect("as many pixels as the size says"), done)
    }
}

/// What was done to a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// So many steps of the chain.
    Steps(usize),
    /// Resize and centre crop.
    Preprocess,
}

impl<D: Dataset<Sample> + ?Sized> Dataset<Prepared> for PreparedDataset<D> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn get(&self, key: SampleKey) -> Result<Prepared, DataError> {
        self.make(key, self.samples.fetch(key.index)?, &|index| self.samples.fetch(index))
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.samples.location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.samples.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.samples.fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<Prepared, DataError> {
        let cut = if self.samples.only_decodes() { self.cut(key, &record)? } else { None };
        let (sample, done) = match cut {
            Some(cut) => cut,
            None => (self.samples.make(key, record, fetch)?, Done::Steps(0)),
        };
        let Done::Steps(done) = done else {
            return Ok(Prepared::new(finish(&self.spec, sample.image), sample.annotations, sample.source));
        };
        let others = |key: SampleKey| self.samples.make(key, fetch(key.index)?, fetch);
        let Sample { image, mut annotations, source, .. } =
            self.chain.apply(done, sample, key, self.samples.len(), &others)?;
        let image = if self.sized_by_chain {
            image.into_channels(self.spec.channels)
        } else {
            preprocess_annotations(&self.spec, image.size(), &mut annotations)
                .map_err(|error| DataError::invalid(format!("{error}; {source}")))?;
            geometry(&self.spec, image)
        };
        Ok(Prepared::new(image, annotations, source))
    }
}
