//! Parses a filter into conditions.

use std::slice::Iter;

use super::lexer::{Part, Token, tokens};
use super::{Comparison, Condition, Entity, Operand, Vocabulary};
use crate::{Result, TrackError, limits};

/// The conditions of a filter, all of which must hold. An empty filter has none.
pub(crate) fn parse(filter: &str, vocabulary: &Vocabulary) -> Result<Vec<Condition>> {
    let tokens = tokens(filter)?;
    let mut tokens = Tokens(tokens.iter());
    let mut conditions = Vec::new();
    while !tokens.is_done() {
        if !conditions.is_empty() {
            let and = tokens.next();
            if !and.is_some_and(|token| token.is("AND")) {
                return Err(unexpected("AND", and));
            }
        }
        conditions.push(condition(&mut tokens, vocabulary)?);
        if conditions.len() > limits::FILTER_CONDITIONS {
            let limit = limits::FILTER_CONDITIONS;
            return Err(TrackError::invalid(format!("a filter may have at most {limit} conditions")));
        }
    }
    Ok(conditions)
}

struct Tokens<'a>(Iter<'a, Token>);

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        self.0.next()
    }

    fn is_done(&self) -> bool {
        self.0.len() == 0
    }

    /// Takes the next token if it is this keyword.
    fn take(&mut self, keyword: &str) -> bool {
        let mut ahead = self.0.clone();
        let taken = ahead.next().is_some_and(|token| token.is(keyword));
        if taken {
            self.0 = ahead;
        }
        taken
    }
}

fn condition(tokens: &mut Tokens<'_>, vocabulary: &Vocabulary) -> Result<Condition> {
    let (entity, key) = key(tokens.next(), vocabulary)?;
    let comparison = comparison(tokens)?;
    let operand = match comparison {
        Comparison::IsNull | Comparison::IsNotNull => Operand::Nothing,
        Comparison::In | Comparison::NotIn => Operand::List(list(tokens)?),
        _ => operand(tokens.next())?,
    };
    let column = vocabulary.check(entity, &key, comparison, &operand)?;
    Ok(Condition { entity, key, column, comparison, operand })
}

/// `metrics.loss`, ``tags.`a b` ``, `"params".lr`, `start_time`.
pub(super) fn key(token: Option<&Token>, vocabulary: &Vocabulary) -> Result<(Entity, String)> {
    let Some(Token::Word(parts)) = token else { return Err(unexpected("a key such as metrics.loss", token)) };
    let bare = |part: &Part| part.quote.is_none();
    let (entity, key) = match parts.as_slice() {
        [only] if bare(only) => match only.text.split_once('.') {
            Some((entity, key)) => (Some(entity), key.to_owned()),
            None => (None, only.text.clone()),
        },
        [Part { text, quote: Some('`' | '"') }] => (None, text.clone()),
        [entity, quoted] if bare(entity) && !bare(quoted) && entity.text.ends_with('.') => {
            (entity.text.strip_suffix('.'), quoted.text.clone())
        }
        [entity, rest] if !bare(entity) && bare(rest) && rest.text.starts_with('.') => {
            (Some(&*entity.text), rest.text.chars().skip(1).collect())
        }
        [entity, dot, quoted] if !bare(entity) && !bare(quoted) && dot.quote.is_none() && dot.text == "." => {
            (Some(&*entity.text), quoted.text.clone())
        }
        _ => return Err(unexpected("a key such as metrics.loss", token)),
    };
    if key.is_empty() {
        return Err(unexpected("a key such as metrics.loss", token));
    }
    Ok((entity.map_or(Ok(Entity::Attribute), |word| vocabulary.entity(word))?, key))
}

fn comparison(tokens: &mut Tokens<'_>) -> Result<Comparison> {
    let token = tokens.next();
    if let Some(Token::Operator(operator)) = token {
        return Ok(match *operator {
            "=" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            "<" => Comparison::Less,
            _ => Comparison::LessOrEqual,
        });
    }
    let is = |keyword| token.is_some_and(|token| token.is(keyword));
    if is("LIKE") {
        return Ok(Comparison::Like);
    }
    if is("ILIKE") {
        return Ok(Comparison::ILike);
    }
    if is("IN") {
        return Ok(Comparison::In);
    }
    if is("NOT") && tokens.take("IN") {
        return Ok(Comparison::NotIn);
    }
    if is("IS") {
        let not = tokens.take("NOT");
        if tokens.take("NULL") {
            return Ok(if not { Comparison::IsNotNull } else { Comparison::IsNull });
        }
    }
    Err(unexpected("a comparison (=, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN, IS NULL, IS NOT NULL)", token))
}

fn operand(token: Option<&Token>) -> Result<Operand> {
    if let Some(text) = token.and_then(Token::quoted) {
        return Ok(Operand::Text(text.to_owned()));
    }
    let number =
        token.and_then(Token::bare).filter(|word| !word.contains(|char: char| !"+-.eE0123456789".contains(char)));
    let number =
        number.and_then(|word| word.parse().map(Operand::Integer).or_else(|_| word.parse().map(Operand::Number)).ok());
    number.ok_or_else(|| unexpected("a number or a quoted string value", token))
}

fn list(tokens: &mut Tokens<'_>) -> Result<Vec<String>> {
    let expected = "a non-empty list of quoted string values such as ('a', 'b')";
    let open = tokens.next();
    if open != Some(&Token::Mark('(')) {
        return Err(unexpected(expected, open));
    }
    let mut values = Vec::new();
    loop {
        let token = tokens.next();
        if token == Some(&Token::Mark(')')) && !values.is_empty() {
            return Ok(values); // after a comma
        }
        let value = token.and_then(Token::quoted).ok_or_else(|| unexpected(expected, token))?;
        values.push(value.to_owned());
        if values.len() > limits::LIST_VALUES {
            return Err(TrackError::invalid(format!("a list may have at most {} values", limits::LIST_VALUES)));
        }
        match tokens.next() {
            Some(Token::Mark(',')) => {}
            Some(Token::Mark(')')) => return Ok(values),
            other => return Err(unexpected(expected, other)),
        }
    }
}

pub(super) fn unexpected(expected: &str, token: Option<&Token>) -> TrackError {
    let found = token.map_or_else(
        || "its end".to_owned(),
        |token| {
            let shown: String = token.shown().chars().take(100).collect();
            format!("{shown:?}")
        },
    );
    TrackError::invalid(format!("Invalid clause(s) in filter string: expected {expected}, found {found}"))
}
