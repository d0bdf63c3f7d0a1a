//! Addresses of weights, and the places in the cache that they lead to.

use std::path::{Path, PathBuf};

use mvl_core::ModelError;

use crate::weights::checksum::Sha256Digits;

const HUGGING_FACE: &str = "hf://";
const FILE: &str = "file://";
/// The version of a repository that is taken when none is named.
const DEFAULT_REVISION: &str = "main";

/// Where a weights file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// On this machine.
    Disk(PathBuf),
    /// In an object store or on a web server, and where it belongs in the cache.
    Remote { url: String, place: PathBuf },
}

/// A repository on the Hugging Face Hub: `hf://owner/name`, `hf://owner/name@revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository<'a> {
    pub(super) owner: &'a str,
    pub(super) name: &'a str,
    pub(super) revision: &'a str,
    /// The file in it; empty for the repository itself.
    pub(super) file: &'a str,
}

impl<'a> Repository<'a> {
    /// `Ok(None)` when it is no address of the hub.
    pub(super) fn parse(address: &'a str) -> Result<Option<Self>, ModelError> {
        let Some(rest) = address.strip_prefix(HUGGING_FACE) else { return Ok(None) };
        let wrong =
            || invalid("expected hf://owner/name, hf://owner/name@revision, and /file for one file of it", address);
        let (owner, rest) = rest.split_once('/').ok_or_else(wrong)?;
        let (repository, file) = rest.split_once('/').unwrap_or((rest, ""));
        let (name, revision) = repository.split_once('@').unwrap_or((repository, DEFAULT_REVISION));
        let parts = [owner, name, revision].into_iter().chain(file.split('/').filter(|_| !file.is_empty()));
        if parts.into_iter().any(|part| !is_plain(part)) {
            return Err(wrong());
        }
        Ok(Some(Self { owner, name, revision, file }))
    }

    /// The address of one of its files.
    pub(super) fn url(&self, endpoint: &str, file: &str) -> String {
        let Self { owner, name, revision, .. } = self;
        format!("{}/{owner}/{name}/resolve/{revision}/{file}", endpoint.trim_end_matches('/'))
    }

    /// Where its files belong in the cache.
    pub(super) fn place(&self) -> PathBuf {
        Path::new("hf").join(format!("{}--{}", self.owner, self.name)).join(self.revision)
    }
}

impl Address {
    pub(super) fn parse(text: &str, endpoint: &str) -> Result<Self, ModelError> {
        if let Some(repository) = Repository::parse(text)? {
            let file = repository.file;
            if file.is_empty() {
                return Err(invalid(
                    "expected one file of the repository, as in hf://owner/name/model.safetensors",
                    text,
                ));
            }
            return Ok(Self::Remote { url: repository.url(endpoint, file), place: repository.place().join(file) });
        }
        if let Some(path) = text.strip_prefix(FILE) {
            return Ok(Self::Disk(path.into()));
        }
        let Some((_, rest)) = text.split_once("://") else { return Ok(Self::Disk(text.into())) };
        let name = rest.rsplit_once('/').map_or("", |(_, name)| name);
        if !is_plain(name) {
            return Err(invalid("expected the address of a file, found one without a file's name at its end", text));
        }
        Ok(Self::Remote { url: text.to_owned(), place: place_of(text, name) })
    }
}

/// A name that carries digits of its checksum is kept as it is; others are told apart by their addresses.
fn place_of(url: &str, name: &str) -> PathBuf {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.rsplit_once('-').is_some_and(|(_, digits)| Sha256Digits::new(digits).is_some()) {
        return name.into();
    }
    let digits = Sha256Digits::of(url.as_bytes()).map(|digits| digits.to_string()).unwrap_or_default();
    Path::new("url").join(&digits[..16.min(digits.len())]).join(name)
}

/// Whether it can be a name of a file or folder, and of nothing outside of it.
fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '?', '#', '%', '\0'])
}

fn invalid(what: &str, address: &str) -> ModelError {
    ModelError::File { what: what.to_owned(), path: address.to_owned(), source: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, ModelError> {
        Address::parse(text, "https://huggingface.co")
    }

    #[test]
    fn addresses_lead_to_places() {
        let remote = |url: &str, place: &str| Address::Remote { url: url.to_owned(), place: place.into() };
        assert_eq!(
            parse("hf://timm/resnet50.a1_in1k/model.safetensors").expect("good"),
            remote(
                "https://huggingface.co/timm/resnet50.a1_in1k/resolve/main/model.safetensors",
                "hf/timm--resnet50.a1_in1k/main/model.safetensors"
            )
        );
        assert_eq!(
            parse("hf://me/net@v1.2/sub/w.bin").expect("good"),
            remote("https://huggingface.co/me/net/resolve/v1.2/sub/w.bin", "hf/me--net/v1.2/sub/w.bin")
        );
        let torch = "https://download.pytorch.org/models/resnet18-f37072fd.pth";
        assert_eq!(parse(torch).expect("good"), remote(torch, "resnet18-f37072fd.pth"));
        let (Ok(Address::Remote { place: one, .. }), Ok(Address::Remote { place: other, .. })) =
            (parse("s3://a/w.pth"), parse("s3://b/w.pth"))
        else {
            panic!("both are good");
        };
        assert!(one != other && one.ends_with("w.pth") && one.starts_with("url"));
        assert_eq!(parse("file:///a/w.pth").expect("good"), Address::Disk("/a/w.pth".into()));
        assert_eq!(parse("a/w.pth").expect("good"), Address::Disk("a/w.pth".into()));
    }

    #[test]
    fn what_leads_outside_is_refused() {
        for bad in [
            "hf://timm",
            "hf://timm/",
            "hf://timm/net",
            "hf://../net/f",
            "hf://me/net@../f",
            "hf://me/net/../../f",
            "hf://me/net//f",
            "https://host/",
            "https://host/..",
            "https://host/a?b=c",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
