//! VOC's XML to [`VocAnnotation`].

use super::xml_tree::Element;
use super::{VocAnnotation, VocObject};
use crate::sources::Parsed;

/// The edges of a box, in the order of [`VocObject::bndbox`].
const EDGES: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

/// Reads one image's annotations. An object without a name or a box is left out, with a problem.
///
/// # Example
/// ```
/// let file = mvl_data::parse_voc(b"<annotation><filename>a.jpg</filename><object><name>dog</name><bndbox>
///     <xmin>1</xmin><ymin>1</ymin><xmax>353</xmax><ymax>500</ymax></bndbox></object></annotation>");
/// assert_eq!(file.value.objects[0].bndbox, [1.0, 1.0, 353.0, 500.0]);
/// ```
pub fn parse_voc(bytes: &[u8]) -> Parsed<VocAnnotation> {
    let root = match Element::parse(bytes) {
        Ok(root) if root.name == "annotation" => root,
        Ok(root) => return Parsed::nothing(format!("expected the element \"annotation\", got {:?}", root.name)),
        Err(what) => return Parsed::nothing(what),
    };
    let mut parsed = Parsed::<VocAnnotation>::default();
    parsed.value.folder = root.text_of("folder").to_owned();
    parsed.value.filename = root.text_of("filename").to_owned();
    parsed.value.segmented = flag(&root, "segmented");
    if let Some(size) = root.child("size") {
        let side = |name| size.text_of(name).parse().ok().filter(|&side: &u32| side > 0);
        match (side("width"), side("height")) {
            (Some(width), Some(height)) => parsed.value.size = Some([width, height]),
            _ => {
                let got = (size.text_of("width"), size.text_of("height"));
                parsed.problem("size", format!("expected a width and a height above 0, got {got:?}"));
            }
        }
        parsed.value.depth = size.text_of("depth").parse().ok();
    }
    for (number, element) in root.children("object").enumerate() {
        match object(element) {
            Ok(object) => parsed.value.objects.push(object),
            Err(what) => parsed.problem(format!("object {number}"), what),
        }
    }
    parsed
}

fn object(element: &Element) -> Result<VocObject, String> {
    let name = element.text_of("name");
    if name.is_empty() {
        return Err("expected a name, got none".to_owned());
    }
    let bndbox = element.child("bndbox").ok_or_else(|| format!("expected a box of {name:?}, got none"))?;
    let mut edges = [0.0; 4];
    for (edge, side) in edges.iter_mut().zip(EDGES) {
        let text = bndbox.text_of(side);
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        *edge = number.ok_or_else(|| format!("expected a number for {side}, got {text:?}"))?;
    }
    Ok(VocObject {
        name: name.to_owned(),
        pose: element.text_of("pose").to_owned(),
        truncated: flag(element, "truncated"),
        occluded: flag(element, "occluded"),
        difficult: flag(element, "difficult"),
        bndbox: edges,
    })
}

fn flag(element: &Element, name: &str) -> bool {
    element.text_of(name) == "1"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        parse_voc(text.as_bytes()).problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_is_wrong_is_named_and_the_rest_kept() {
        let bndbox = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox>";
        let text = format!(
            "<annotation><size><width>0</width></size><object>{bndbox}</object><object><name>a &amp; b&#33;</name>{bndbox}</object>\
             <object><name>c</name></object><object><name>d</name><bndbox><xmin>nan</xmin></bndbox></object></annotation>"
        );
        assert_eq!(
            problems(&text),
            "size: expected a width and a height above 0, got (\"0\", \"\"); object 0: expected a name, got none; object 2: \
             expected a box of \"c\", got none; object 3: expected a number for xmin, got \"nan\""
        );
        let objects = parse_voc(text.as_bytes()).value.objects;
        assert_eq!((objects.len(), objects[0].name.as_str()), (1, "a & b!"));
    }

    #[test]
    fn hostile_files_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY l \"ha\"><!ENTITY m \"&l;&l;\">]><annotation>&m;</annotation>";
        assert_eq!(problems(bomb), "expected XML without a document type");
        assert_eq!(problems("<annotation>&m;</annotation>"), "expected a character, got the entity \"m\"");
        assert!(problems(&"<annotation>".repeat(100_000)).starts_with("expected one element, and at most 32"));
        assert_eq!(problems("<annotation><object>"), "the XML ends early, in \"object\"");
        assert_eq!(problems(""), "expected an XML element, got none");
        assert_eq!(problems("<html/>"), "expected the element \"annotation\", got \"html\"");
        assert!(problems("<annotation></object>").starts_with("expected XML: "));
        assert_eq!(parse_voc(b"\xFF").problems.len(), 1);
    }
}
