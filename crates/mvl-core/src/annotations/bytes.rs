//! Annotations as bytes, exact to the bit: for caches, which write and read them within one release.
//!
//! Numbers are little-endian, counts are 32 bits, what is optional begins with a byte that is 0 or 1. Files that people or other
//! programs read have forms of their own.

use super::{Annotations, Bitmap, BoxXyxy, ClassMap, ClassWeight, Keypoint, Mask, Object, RunLengths, Visibility};
use crate::DataError;

/// The first byte; it changes with the form.
const VERSION: u8 = 1;

impl Annotations {
    /// All that is known, as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { label, class_weights, objects, class_map } = self;
        let mut out = Writer(vec![VERSION]);
        out.optional(label.as_ref(), |out, &label| out.index(label));
        out.list(class_weights, |out, &ClassWeight { class, weight }| {
            out.index(class);
            out.bytes(weight.to_le_bytes());
        });
        out.list(objects, write_object);
        out.optional(class_map.as_ref(), |out, map| {
            out.bytes(map.width().to_le_bytes());
            out.bytes(map.height().to_le_bytes());
            map.classes().iter().for_each(|class| out.bytes(class.to_le_bytes()));
        });
        out.0
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`DataError::Invalid`] for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DataError> {
        let mut input = Reader(bytes);
        let annotations = read_annotations(&mut input).filter(|_| input.0.is_empty());
        annotations
            .ok_or_else(|| DataError::invalid("expected annotations as this release writes them, got other bytes"))
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.extend_from_slice(&bytes);
    }

    fn index(&mut self, index: usize) {
        self.bytes((index as u64).to_le_bytes());
    }

    fn number(&mut self, number: f64) {
        self.bytes(number.to_le_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bytes([u8::from(value.is_some())]);
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Lists are far from 2³² long: they would not fit into memory many times over.
    fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.bytes((values.len() as u32).to_le_bytes());
        values.iter().for_each(|value| write(self, value));
    }
}

fn write_object(out: &mut Writer, object: &Object) {
    let Object { class, bbox, mask, keypoints, crowd, difficult, truncated, area } = object;
    out.index(*class);
    [bbox.x1, bbox.y1, bbox.x2, bbox.y2].into_iter().for_each(|edge| out.number(edge));
    out.optional(mask.as_ref(), write_mask);
    out.list(keypoints, |out, point| {
        out.number(point.x);
        out.number(point.y);
        out.bytes([point.visibility.code()]);
    });
    out.bytes([*crowd, *difficult, *truncated].map(u8::from));
    out.optional(*area, Writer::number);
}

fn write_mask(out: &mut Writer, mask: &Mask) {
    match mask {
        Mask::Polygons(polygons) => {
            out.bytes([0]);
            out.list(polygons, |out, polygon| {
                out.list(polygon, |out, &[x, y]| {
                    out.number(x);
                    out.number(y);
                });
            });
        }
        Mask::RunLengths(RunLengths { width, height, counts }) => {
            out.bytes([1]);
            out.bytes(width.to_le_bytes());
            out.bytes(height.to_le_bytes());
            out.list(counts, |out, count| out.bytes(count.to_le_bytes()));
        }
        Mask::Bitmap(bitmap) => {
            out.bytes([2]);
            out.bytes(bitmap.width().to_le_bytes());
            out.bytes(bitmap.height().to_le_bytes());
            out.0.extend_from_slice(bitmap.pixels());
        }
    }
}

/// What is left to read; every read is `None` when it is too short or not what was written.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(slice)
    }

    fn small(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn index(&mut self) -> Option<usize> {
        self.bytes().map(u64::from_le_bytes)?.try_into().ok()
    }

    fn number(&mut self) -> Option<f64> {
        self.bytes().map(f64::from_le_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.bytes()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    /// Grows with what is there, whatever the count claims.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.small()?).map(|_| read(self)).collect()
    }
}

fn read_annotations(input: &mut Reader<'_>) -> Option<Annotations> {
    let [VERSION] = input.bytes()? else { return None };
    Some(Annotations {
        label: input.optional(Reader::index)?,
        class_weights: input
            .list(|input| Some(ClassWeight { class: input.index()?, weight: f32::from_le_bytes(input.bytes()?) }))?,
        objects: input.list(read_object)?,
        class_map: input.optional(read_class_map)?,
    })
}

fn read_class_map(input: &mut Reader<'_>) -> Option<ClassMap> {
    let (width, height) = (input.small()?, input.small()?);
    let bytes = input.slice(pixels(width, height)?.checked_mul(2)?)?;
    let classes = bytes.as_chunks().0.iter().map(|class| u16::from_le_bytes(*class)).collect();
    ClassMap::new(width, height, classes).ok()
}

fn read_object(input: &mut Reader<'_>) -> Option<Object> {
    Some(Object {
        class: input.index()?,
        // As it was, without rounding to the grid again.
        bbox: BoxXyxy { x1: input.number()?, y1: input.number()?, x2: input.number()?, y2: input.number()? },
        mask: input.optional(read_mask)?,
        keypoints: input.list(|input| {
            let (x, y, [code]) = (input.number()?, input.number()?, input.bytes()?);
            Some(Keypoint { x, y, visibility: Visibility::from_code(code)? })
        })?,
        crowd: input.flag()?,
        difficult: input.flag()?,
        truncated: input.flag()?,
        area: input.optional(Reader::number)?,
    })
}

fn read_mask(input: &mut Reader<'_>) -> Option<Mask> {
    Some(match input.bytes()? {
        [0] => Mask::Polygons(input.list(|input| input.list(|input| Some([input.number()?, input.number()?])))?),
        [1] => {
            let (width, height) = (input.small()?, input.small()?);
            Mask::RunLengths(RunLengths { width, height, counts: input.list(Reader::small)? })
        }
        [2] => {
            let (width, height) = (input.small()?, input.small()?);
            let bytes = input.slice(pixels(width, height)?)?;
            Mask::Bitmap(Bitmap::new(width, height, bytes.to_vec()).ok()?)
        }
        _ => return None,
    })
}

fn pixels(width: u32, height: u32) -> Option<usize> {
    (width as usize).checked_mul(height as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Annotations {
        let edges = BoxXyxy { x1: 0.1, y1: -0.0, x2: 1.0 / 3.0, y2: f64::MAX };
        let mask = |mask| Object::new(7, edges).with_mask(mask);
        let mut point = Object::new(usize::MAX, edges).with_keypoints(vec![Keypoint {
            x: 1.5,
            y: -2.0,
            visibility: Visibility::Hidden,
        }]);
        (point.crowd, point.truncated, point.area) = (true, true, Some(0.3));
        Annotations {
            label: Some(3),
            class_weights: vec![ClassWeight { class: 1, weight: 0.1 }, ClassWeight { class: 2, weight: 0.9 }],
            objects: vec![
                point,
                mask(Mask::Polygons(vec![vec![[0.5, 1.5], [2.0, 3.0]], vec![]])),
                mask(Mask::RunLengths(RunLengths { width: 2, height: 3, counts: vec![1, 5] })),
                mask(Mask::Bitmap(Bitmap::new(2, 1, vec![0, 1]).expect("two pixels"))),
            ],
            class_map: Some(ClassMap::new(1, 2, vec![9, ClassMap::IGNORE]).expect("two pixels")),
        }
    }

    #[test]
    fn everything_comes_back_as_it_was() {
        for annotations in [Annotations::default(), Annotations::labelled(5), everything()] {
            let bytes = annotations.to_bytes();
            assert_eq!(Annotations::from_bytes(&bytes).expect("what was written"), annotations);
        }
    }

    #[test]
    fn other_bytes_are_refused_whatever_they_claim() {
        let bytes = everything().to_bytes();
        for len in 0..bytes.len() {
            assert!(Annotations::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
        }
        assert!(Annotations::from_bytes(&[&bytes[..], &[0]].concat()).is_err(), "one byte too many");
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] = 0xff;
            let _ = Annotations::from_bytes(&changed); // it may be something else, but must not panic or fill the memory
        }
    }
}
