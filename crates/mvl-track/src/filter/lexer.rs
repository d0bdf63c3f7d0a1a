//! Cuts a filter or an order into tokens.

use crate::{Result, TrackError, limits};

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword, a number, a key, a text: parts that touch, each quoted or bare.
    Word(Vec<Part>),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Operator(&'static str),
    /// `(`, `)` or `,`.
    Mark(char),
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) text: String,
    /// One of `'`, `"` and `` ` ``.
    pub(super) quote: Option<char>,
}

impl Token {
    /// A bare word, for keywords and numbers.
    pub(super) fn bare(&self) -> Option<&str> {
        match self {
            Self::Word(parts) => match parts.as_slice() {
                [Part { text, quote: None }] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// A text in single or double quotes.
    pub(super) fn quoted(&self) -> Option<&str> {
        match self {
            Self::Word(parts) => match parts.as_slice() {
                [Part { text, quote: Some('\'' | '"') }] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.bare().is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }

    /// As it may have been typed, for messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(parts) => parts
                .iter()
                .map(|Part { text, quote }| quote.map_or_else(|| text.clone(), |quote| format!("{quote}{text}{quote}")))
                .collect(),
            Self::Operator(operator) => (*operator).to_owned(),
            Self::Mark(mark) => mark.to_string(),
        }
    }
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    if text.len() > limits::FILTER_BYTES {
        let limit = limits::FILTER_BYTES;
        return Err(TrackError::invalid(format!("a filter may have at most {limit} bytes, got {}", text.len())));
    }
    if text.contains('\0') {
        return Err(TrackError::invalid("a filter cannot contain NUL (0x00) characters"));
    }
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let mut followed_by = |next: char| chars.next_if(|(_, char)| *char == next).is_some();
        match char {
            _ if char.is_whitespace() => {}
            '(' | ')' | ',' => tokens.push(Token::Mark(char)),
            '=' => tokens.push(Token::Operator("=")),
            '<' => tokens.push(Token::Operator(if followed_by('=') { "<=" } else { "<" })),
            '>' => tokens.push(Token::Operator(if followed_by('=') { ">=" } else { ">" })),
            '!' if followed_by('=') => tokens.push(Token::Operator("!=")),
            ';' => {
                return Err(TrackError::invalid(format!("Search filter contained multiple expression {text:?}."))
                    .with_hint("provide a list of conditions with AND between them"));
            }
            '!' => return Err(TrackError::invalid(format!("Invalid clause(s) in filter string: '!' at byte {at}"))),
            _ => tokens.push(Token::Word(word(text, at, char, &mut chars)?)),
        }
    }
    Ok(tokens)
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn word(text: &str, at: usize, first: char, chars: &mut Chars<'_>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut next = Some(first);
    while let Some(char) = next {
        if matches!(char, '\'' | '"' | '`') {
            parts.push(Part { text: quoted(text, at, char, chars)?, quote: Some(char) });
        } else {
            let mut part = String::from(char);
            while let Some((_, char)) = chars.next_if(|(_, char)| is_bare(*char)) {
                part.push(char);
            }
            parts.push(Part { text: part, quote: None });
        }
        next = chars.next_if(|(_, char)| is_bare(*char) || matches!(char, '\'' | '"' | '`')).map(|(_, char)| char);
    }
    Ok(parts)
}

fn is_bare(char: char) -> bool {
    !char.is_whitespace() && !"()<>=!,;'\"`".contains(char)
}

fn quoted(text: &str, at: usize, quote: char, chars: &mut Chars<'_>) -> Result<String> {
    let mut inside = String::new();
    while let Some((_, char)) = chars.next() {
        if char != quote {
            inside.push(char);
        } else if quote != '`' && chars.next_if(|(_, char)| *char == quote).is_some() {
            inside.push(quote);
        } else {
            return Ok(inside);
        }
    }
    let start: String = text.get(at..).unwrap_or_default().chars().take(40).collect();
    Err(TrackError::invalid(format!("a quote {quote} that begins at byte {at} does not end: {start:?}")))
}
