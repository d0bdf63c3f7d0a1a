//! Paths from outside: decoded until nothing is left to decode, and refused when they would lead anywhere but down.

use super::error::{Answer, ApiError};

/// A path may be encoded more than once; nobody means it more often than this.
const DECODINGS: usize = 8;

/// A path below some folder, with `/` between its names.
///
/// # Errors
/// As MLflow answers: `Invalid path`, for `..`, absolute paths, drives, `\`, `#`, and control characters, however they are encoded.
pub(super) fn safe_path(given: &str) -> Answer<String> {
    let refused = || ApiError::invalid(format!("Invalid path: {:?}", given.chars().take(200).collect::<String>()));
    let path = decoded(given).ok_or_else(refused)?;
    let drive = path.as_bytes().get(1) == Some(&b':');
    let scheme =
        path.split_once(':').is_some_and(|(start, rest)| rest.starts_with('/') && start.eq_ignore_ascii_case("file"));
    let leads_out = path.split('/').any(|name| name == "..");
    if path.starts_with('/')
        || path.contains(['#', '\\'])
        || path.chars().any(char::is_control)
        || drive
        || scheme
        || leads_out
    {
        return Err(refused());
    }
    Ok(path)
}

/// A text with `%41` made into `A`, as often as that changes it; `None` if it is no text then, or does not come to an end.
pub(super) fn decoded(given: &str) -> Option<String> {
    let mut text = given.to_owned();
    for _ in 0..DECODINGS {
        match decoded_once(&text)? {
            next if next == text => return Some(text),
            next => text = next,
        }
    }
    None
}

fn decoded_once(text: &str) -> Option<String> {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, hex(after.first()), hex(after.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).ok()?);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Two paths as one, without an empty name between them.
pub(super) fn joined(folder: &str, path: &str) -> String {
    match (folder.trim_end_matches('/'), path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

/// The last name of a path.
pub(super) fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_paths_are_refused() {
        for bad in [
            "..",
            "../a",
            "a/../b",
            "a/..",
            "/etc/passwd",
            "%2e%2e/a",
            "%252e%252e%252fa",
            "a%2f..%2fb",
            "%2fetc",
            "c:\\a",
            "C:a",
            "a\\..\\b",
            "a#b",
            "a%23b",
            "a\nb",
            "a%00b",
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "%ff",
        ] {
            safe_path(bad).expect_err(bad);
        }
        let mut endless = "..".to_owned();
        for _ in 0..20 {
            endless = endless.replace('%', "%25").replace('.', "%2e");
        }
        safe_path(&endless).expect_err("encoded twenty times");
    }

    #[test]
    fn others_are_decoded() {
        for (given, path) in [
            ("a/b.txt", "a/b.txt"),
            ("a%20b/%C3%BC.txt", "a b/ü.txt"),
            ("100%.txt", "100%.txt"),
            ("a..b/...", "a..b/..."),
            ("", ""),
        ] {
            assert_eq!(safe_path(given).map_err(|error| error.message).expect(given), path);
        }
    }
}
