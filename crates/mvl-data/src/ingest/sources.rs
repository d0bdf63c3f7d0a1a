//! Several data sets as one: one list of classes, one row of indices.

use std::path::PathBuf;
use std::sync::Arc;

use mvl_core::{Annotations, ClassMap, DataError, EncodedSample, Labels, Record, SampleKey};

use crate::sources::{LabelledDataset, Split, available_splits, open_dataset, past_the_end};

/// Data sets that are read as one.
pub struct IngestSources {
    labels: Labels,
    parts: Vec<Part>,
}

/// One part of one source.
struct Part {
    /// What the source is called, for reports.
    name: String,
    split: Split,
    dataset: Arc<dyn LabelledDataset>,
    /// Where the first item lies in all.
    start: usize,
    /// What each class is called here and there; `None` where the numbers are the same.
    classes: Option<Vec<usize>>,
}

impl std::fmt::Debug for IngestSources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<_> = self.parts.iter().map(|part| (&part.name, part.split, part.dataset.len())).collect();
        f.debug_struct("IngestSources").field("labels", &self.labels).field("parts", &parts).finish()
    }
}

impl IngestSources {
    /// Opens everything that lies at these paths, all parts that each has. Classes of equal names are one class; the
    /// first source's come first.
    ///
    /// # Errors
    /// All errors of [`open_dataset`].
    pub fn open(paths: &[PathBuf]) -> Result<Self, DataError> {
        let mut parts = Vec::new();
        for path in paths {
            for split in available_splits(path)? {
                parts.push((path.display().to_string(), split, Arc::from(open_dataset(path, split)?)));
            }
        }
        Ok(Self::new(parts))
    }

    /// Data sets of your own, each with its name and the part that it is; [`Split::All`] is divided when it is ingested.
    #[must_use]
    pub fn new(sources: Vec<(String, Split, Arc<dyn LabelledDataset>)>) -> Self {
        let mut names: Vec<String> = Vec::new();
        let (mut parts, mut start) = (Vec::new(), 0);
        for (name, split, dataset) in sources {
            let known = |names: &mut Vec<String>, class: &str| {
                names.iter().position(|known| known == class).unwrap_or_else(|| {
                    names.push(class.to_owned());
                    names.len() - 1
                })
            };
            let classes: Vec<usize> = dataset.labels().iter().map(|class| known(&mut names, class)).collect();
            let same = classes.iter().enumerate().all(|(here, &there)| here == there);
            let len = dataset.len();
            parts.push(Part { name, split, dataset, start, classes: (!same).then_some(classes) });
            start += len;
        }
        Self { labels: Labels::new(names), parts }
    }

    /// The classes of all.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.dataset.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the sources are called, each part with its split and its length.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, Split, usize)> {
        self.parts.iter().map(|part| (part.name.as_str(), part.split, part.dataset.len()))
    }

    /// The part of its source that an item is in.
    pub(super) fn split_of(&self, index: usize) -> Split {
        self.part(index).map_or(Split::All, |(part, _)| part.split)
    }

    /// What an item must stay together with, by its source.
    pub(super) fn group_of(&self, index: usize) -> Option<&str> {
        let (part, place) = self.part(index)?;
        part.dataset.group_of(place)
    }

    fn part(&self, index: usize) -> Option<(&Part, usize)> {
        let at = self.parts.partition_point(|part| part.start <= index).checked_sub(1)?;
        let part = &self.parts[at];
        let place = index - part.start;
        (place < part.dataset.len()).then_some((part, place))
    }

    fn existing(&self, index: usize) -> Result<(&Part, usize), DataError> {
        self.part(index).ok_or_else(|| past_the_end(index, self.len()))
    }

    /// An item's file or pixels, with its classes by their numbers here.
    pub(super) fn read(&self, index: usize) -> Result<Record, DataError> {
        let (part, place) = self.existing(index)?;
        let record = match part.dataset.fetch(place)? {
            Record::Encoded(encoded) => Record::Encoded(encoded),
            Record::Decoded(sample) => Record::Decoded(sample),
            _ => Record::decoded(part.dataset.get(SampleKey::plain(place))?),
        };
        let Some(classes) = &part.classes else { return Ok(record) };
        Ok(match record {
            Record::Encoded(encoded) => {
                let EncodedSample { bytes, mut annotations, source } = Arc::unwrap_or_clone(encoded);
                renumber(&mut annotations, classes)?;
                Record::encoded(EncodedSample { bytes, annotations, source })
            }
            Record::Decoded(sample) => {
                let mut sample = Arc::unwrap_or_clone(sample);
                renumber(&mut sample.annotations, classes)?;
                Record::decoded(sample)
            }
            other => other,
        })
    }
}

/// Replaces every class by its new number.
fn renumber(annotations: &mut Annotations, classes: &[usize]) -> Result<(), DataError> {
    let renumber = |class: &mut usize| -> Result<(), DataError> {
        let unknown = || DataError::invalid(format!("expected one of {} classes, got {class}", classes.len()));
        *class = *classes.get(*class).ok_or_else(unknown)?;
        Ok(())
    };
    annotations.label.iter_mut().try_for_each(renumber)?;
    annotations.class_weights.iter_mut().map(|weight| &mut weight.class).try_for_each(renumber)?;
    annotations.objects.iter_mut().map(|object| &mut object.class).try_for_each(renumber)?;
    if let Some(map) = annotations.class_map.take() {
        let (width, height) = (map.width(), map.height());
        let new = |class: u16| match classes.get(usize::from(class)) {
            _ if class == ClassMap::IGNORE => Ok(class),
            Some(&new) if new < usize::from(ClassMap::IGNORE) => Ok(new as u16),
            _ => Err(DataError::invalid(format!("expected one of {} classes in a map, got {class}", classes.len()))),
        };
        let pixels = map.into_classes().into_iter().map(new).collect::<Result<Vec<_>, _>>()?;
        annotations.class_map =
            Some(ClassMap::new(width, height, pixels).map_err(|error| DataError::invalid(error.to_string()))?);
    }
    Ok(())
}
