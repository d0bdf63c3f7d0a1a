//! Small XML files as a tree of elements. Attributes are passed over; document types, and with them entities, are refused.

use quick_xml::Reader;
use quick_xml::events::Event;

/// How deep elements may lie in each other; VOC needs four levels.
const MAX_DEPTH: usize = 32;

/// An element with the text and the elements right in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document. The error is what is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "expected XML in UTF-8".to_owned())?;
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        loop {
            let event = reader.read_event().map_err(|error| format!("expected XML: {error}"))?;
            match event {
                Event::Start(start) => {
                    if open.len() == MAX_DEPTH || root.is_some() {
                        return Err(format!("expected one element, and at most {MAX_DEPTH} in each other"));
                    }
                    open.push(Self { name: start.name().0.to_owned(), ..Self::default() });
                }
                Event::End(_) => match (open.pop(), open.last_mut()) {
                    (Some(element), Some(parent)) => parent.children.push(element),
                    (element, _) => root = element,
                },
                Event::Empty(start) => {
                    let element = Self { name: start.name().0.to_owned(), ..Self::default() };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => root = Some(element),
                    }
                }
                Event::Text(text) => add(&mut open, &text.xml10_content()),
                Event::CData(text) => add(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = match reference.resolve_char_ref() {
                        Ok(Some(character)) => character,
                        _ => predefined(&reference)?,
                    };
                    add(&mut open, character.encode_utf8(&mut [0; 4]));
                }
                Event::DocType(_) => return Err("expected XML without a document type".to_owned()),
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
        match open.last() {
            Some(element) => Err(format!("the XML ends early, in {:?}", element.name)),
            None => root.ok_or_else(|| "expected an XML element, got none".to_owned()),
        }
    }

    /// All elements of a name right in this one.
    pub(super) fn children(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element of a name right in this one.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first element of a name, without space around it; empty where there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// XML's five entities; others would need a document type.
fn predefined(name: &str) -> Result<char, String> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        other => Err(format!("expected a character, got the entity {other:?}")),
    }
}
