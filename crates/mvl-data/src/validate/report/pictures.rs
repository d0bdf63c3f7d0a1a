//! Small pictures of samples, written into the page.

use mvl_core::{Sample, SampleKey};

use super::base64::base64;
use super::escape::Escaped;
use crate::draw_annotations::{DrawOptions, draw_annotations};
use crate::encode::encode_jpeg;
use crate::validate::finding::Place;
use crate::validate::run::Part;

/// The long side of a picture.
const SIDE_PX: u32 = 320;
const QUALITY: u8 = 80;

/// The picture of a sample with its annotations, one object in red; or words where it cannot be had.
pub(super) fn picture(parts: &[Part], place: &Place, highlight: Option<usize>) -> String {
    let part = parts.iter().find(|(split, _)| *split == place.split);
    let Some((_, dataset)) = part else { return words("not among the parts") };
    match dataset.get(SampleKey::plain(place.index)) {
        Ok(sample) => {
            let options = DrawOptions { highlight, ..DrawOptions::new(SIDE_PX) };
            let jpeg = encode_jpeg(&draw_annotations(&sample, dataset.labels(), options), QUALITY);
            let alternative = alternative(&sample, place);
            format!(
                "<img loading=\"lazy\" alt=\"{}\" src=\"data:image/jpeg;base64,{}\">",
                Escaped(alternative),
                base64(&jpeg)
            )
        }
        Err(_) => words("no picture can be had of it"),
    }
}

/// What the picture shows, for those who do not see it.
fn alternative(sample: &Sample, place: &Place) -> String {
    let (width, height) = (sample.image.width(), sample.image.height());
    match sample.annotations.objects.len() {
        0 => format!("{}, {width} by {height} pixels", place.source),
        1 => format!("{}, {width} by {height} pixels, with one object", place.source),
        objects => format!("{}, {width} by {height} pixels, with {objects} objects", place.source),
    }
}

fn words(text: &str) -> String {
    format!("<div class=\"none\">{text}</div>")
}
