//! [`Selection`]: what a GraphQL question asks for, as a tree of names.

use std::iter::Peekable;
use std::vec::IntoIter;

/// How deep a question may go, and how many names it may hold.
const DEPTH: usize = 16;
const NAMES: usize = 500;

/// A field, under its own name or another, with the fields below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) name: String,
    /// What the answer is to call it.
    pub(super) alias: String,
    /// The variable that holds its input.
    pub(super) variable: Option<String>,
    pub(super) fields: Vec<Self>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Mark(char),
}

impl Selection {
    /// The one question of a document.
    pub(super) fn parse(document: &str) -> Result<Self, String> {
        let tokens = tokens(document)?;
        if tokens.len() > NAMES * 4 {
            return Err(format!("expected a question of at most {NAMES} names"));
        }
        let mut tokens = tokens.into_iter().peekable();
        match tokens.peek() {
            Some(Token::Mark('{')) => {}
            Some(Token::Name(kind)) if kind == "query" => {
                // The operation's name, its variables' types and its directives tell nothing that is needed.
                while let Some(token) = tokens.peek() {
                    match token {
                        Token::Mark('{') => break,
                        Token::Mark('(') => drop(arguments(&mut tokens)?),
                        _ => drop(tokens.next()),
                    }
                }
            }
            _ => return Err("expected a query; mutations and fragments are not offered".to_owned()),
        }
        let mut questions = fields(&mut tokens, 0)?;
        match (questions.pop(), questions.is_empty(), tokens.next()) {
            (Some(question), true, None) => Ok(question),
            _ => Err("expected one question in a request".to_owned()),
        }
    }

    /// A field below this one.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn tokens(document: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut chars = document.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '#' => drop(chars.by_ref().find(|char| *char == '\n')),
            '"' => {
                // Only directives hold text here.
                chars.by_ref().find(|char| *char == '"').ok_or("a text does not end")?;
                found.push(Token::Name(String::new()));
            }
            char if char.is_ascii_alphanumeric() || char == '_' => {
                let mut name = String::from(char);
                while let Some(next) = chars.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
                    name.push(next);
                }
                found.push(Token::Name(name));
            }
            char if char.is_whitespace() || char == ',' => {}
            char => found.push(Token::Mark(char)),
        }
    }
    Ok(found)
}

fn fields(tokens: &mut Peekable<IntoIter<Token>>, depth: usize) -> Result<Vec<Selection>, String> {
    if depth > DEPTH {
        return Err(format!("expected a question of at most {DEPTH} levels"));
    }
    if tokens.next() != Some(Token::Mark('{')) {
        return Err("expected {".to_owned());
    }
    let mut found = Vec::new();
    loop {
        match tokens.next() {
            Some(Token::Mark('}')) => return Ok(found),
            Some(Token::Name(first)) => {
                let (alias, name) = if tokens.next_if_eq(&Token::Mark(':')).is_some() {
                    match tokens.next() {
                        Some(Token::Name(name)) => (first, name),
                        _ => return Err(format!("expected a name after {first}:")),
                    }
                } else {
                    (first.clone(), first)
                };
                let has_arguments = tokens.peek() == Some(&Token::Mark('('));
                let variable = if has_arguments { arguments(tokens)? } else { None };
                let has_fields = tokens.peek() == Some(&Token::Mark('{'));
                let fields = if has_fields { fields(tokens, depth + 1)? } else { Vec::new() };
                found.push(Selection { name, alias, variable, fields });
            }
            Some(Token::Mark(mark)) => return Err(format!("expected a name, got {mark:?}; fragments are not offered")),
            None => return Err("a question does not end".to_owned()),
        }
    }
}

/// Passes over what stands in parentheses; answers the last variable in it.
fn arguments(tokens: &mut Peekable<IntoIter<Token>>) -> Result<Option<String>, String> {
    let mut variable = None;
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(')') => return Ok(variable),
            Token::Mark('$') => {
                if let Some(Token::Name(name)) = tokens.peek() {
                    variable = Some(name.clone());
                }
            }
            _ => {}
        }
    }
    Err("arguments do not end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uis_questions() {
        let question = Selection::parse(
            "query GetRun($data: Input!) @component(name: \"A.B\") { mlflowGetRun(input: $data) { __typename run { a: info { runName } } } }",
        );
        let question = question.expect("a question");
        assert_eq!((question.name.as_str(), question.variable.as_deref()), ("mlflowGetRun", Some("data")));
        let info = question.field("run").and_then(|run| run.field("info")).expect("info");
        assert_eq!((info.alias.as_str(), info.fields[0].name.as_str()), ("a", "runName"));
    }

    #[test]
    fn what_is_no_question() {
        let deep = format!("{{ a {} }}", "{ a ".repeat(100));
        for bad in [
            "",
            "{",
            "{ a",
            "{ a } { b }",
            "{ a b }",
            "mutation { a }",
            "query Q { a(b: $c { d } }",
            "{ ...f }",
            "{ a(b: \"c }",
            &deep,
        ] {
            Selection::parse(bad).expect_err(bad);
        }
    }
}
