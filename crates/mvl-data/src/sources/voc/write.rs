//! [`VocAnnotation`] to VOC's XML.

use std::io::{self, Write};

use quick_xml::escape::escape;

use super::{VocAnnotation, VocObject};
use crate::sources::decimal::decimal;

/// Writes one image's annotations.
///
/// # Errors
/// What `out` says.
pub fn write_voc(out: &mut dyn Write, annotation: &VocAnnotation) -> io::Result<()> {
    writeln!(out, "<annotation>")?;
    writeln!(out, "\t<folder>{}</folder>", escape(annotation.folder.as_str()))?;
    writeln!(out, "\t<filename>{}</filename>", escape(annotation.filename.as_str()))?;
    if let Some([width, height]) = annotation.size {
        writeln!(out, "\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>")?;
        if let Some(depth) = annotation.depth {
            writeln!(out, "\t\t<depth>{depth}</depth>")?;
        }
        writeln!(out, "\t</size>")?;
    }
    writeln!(out, "\t<segmented>{}</segmented>", u8::from(annotation.segmented))?;
    for object in &annotation.objects {
        write_object(out, object)?;
    }
    writeln!(out, "</annotation>")
}

fn write_object(out: &mut dyn Write, object: &VocObject) -> io::Result<()> {
    writeln!(out, "\t<object>\n\t\t<name>{}</name>", escape(object.name.as_str()))?;
    writeln!(out, "\t\t<pose>{}</pose>", escape(object.pose.as_str()))?;
    let flags = [("truncated", object.truncated), ("occluded", object.occluded), ("difficult", object.difficult)];
    for (name, set) in flags {
        writeln!(out, "\t\t<{name}>{}</{name}>", u8::from(set))?;
    }
    let [x1, y1, x2, y2] = object.bndbox.map(decimal);
    writeln!(
        out,
        "\t\t<bndbox>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymin>{y1}</ymin>\n\t\t\t<xmax>{x2}</xmax>\n\t\t\t<ymax>{y2}</ymax>\n\
         \t\t</bndbox>\n\t</object>"
    )
}
