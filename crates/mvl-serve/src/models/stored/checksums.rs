//! `SHA256SUMS`: the files of a model and their digests, as `sha256sum` writes them.

use mvl_store::Digest;

/// The file's name.
pub(super) const CHECKSUMS_FILE: &str = "SHA256SUMS";
/// The largest one.
pub(super) const MAX_CHECKSUMS_BYTES: u64 = 64 << 10;
/// The most files of a model.
const MAX_FILES: usize = 64;

/// The files of a model and their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checksums {
    /// Of the text, which tells this state of the folder from others.
    pub(super) digest: Digest,
    pub(super) files: Vec<(String, Digest)>,
}

impl Checksums {
    /// Reads them; names are plain, so that none leads out of the folder.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "expected text in UTF-8".to_owned())?;
        let mut files = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let expected = || format!("expected 64 hexadecimal digits and a file's name in a line, got {line:?}");
            let (digits, name) = line.split_once(' ').ok_or_else(expected)?;
            let digest = format!("sha256:{digits}").parse::<Digest>().map_err(|_| expected())?;
            let name = name.strip_prefix([' ', '*']).unwrap_or(name).trim_end();
            let plain = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
            if name.is_empty() || name.starts_with('.') || name.len() > 128 || !name.chars().all(plain) {
                return Err(format!("expected a plain name of a file, got {name:?}"));
            }
            if files.iter().any(|(known, _)| known == name) {
                return Err(format!("expected every file once, got {name:?} again"));
            }
            files.push((name.to_owned(), digest));
        }
        if files.is_empty() || files.len() > MAX_FILES {
            return Err(format!("expected 1 to {MAX_FILES} files, got {}", files.len()));
        }
        Ok(Self { digest: Digest::of(bytes), files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_sha256sum_are_read() {
        let digest = Digest::of(b"a");
        let hex = digest.to_hex();
        let read = Checksums::parse(format!("{hex}  model.json\n{hex} *weights.bpk\n").as_bytes()).expect("right");
        assert_eq!(read.files, [("model.json".to_owned(), digest), ("weights.bpk".to_owned(), digest)]);
        for bad in
            ["", "x  model.json", &format!("{hex}  ../model.json"), &format!("{hex}  a/b"), &format!("{hex}  .a")]
        {
            Checksums::parse(bad.as_bytes()).expect_err(bad);
        }
        Checksums::parse(format!("{hex}  a\n{hex}  a").as_bytes()).expect_err("twice");
        Checksums::parse(&[0xff]).expect_err("no text");
    }
}
