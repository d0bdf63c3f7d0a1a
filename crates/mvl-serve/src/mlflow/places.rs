//! [`Place`]: where an artifact lies, from the address that the tracker gives it.

use mvl_track::ArtifactOwner;

use super::error::{Answer, ApiError};
use super::paths::{joined, safe_path};

const SCHEME: &str = "mlflow-artifacts:";
const ROUTE: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// A file or folder below the root of this server's artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(String);

impl Place {
    /// A path below the root.
    pub(super) fn of_path(path: &str) -> Answer<Self> {
        Ok(Self(safe_path(path)?.trim_end_matches('/').to_owned()))
    }

    /// An address that leads back to this server.
    ///
    /// # Errors
    /// For every other address: files elsewhere are read there, by those who may, not by this server in their place.
    pub(super) fn at(location: &str) -> Answer<Self> {
        let path = match location.strip_prefix(SCHEME) {
            Some(rest) => match rest.strip_prefix("//") {
                Some(rest) => Some(rest.split_once('/').map_or("", |(_host, path)| path)),
                None => Some(rest),
            },
            None if location.starts_with("http://") || location.starts_with("https://") => {
                location.split_once(ROUTE).map(|(_server, path)| path)
            }
            None => None,
        };
        match path {
            Some(path) => Self::of_path(path.trim_start_matches('/')),
            None => Err(ApiError::invalid(format!(
                "the artifacts lie at {location:?}, which this server does not serve; read them there"
            ))),
        }
    }

    pub(super) fn below(&self, path: &str) -> Self {
        Self(joined(&self.0, path))
    }

    pub(super) fn path(&self) -> &str {
        &self.0
    }

    /// Whose it is, and its path there.
    pub(super) fn owner(&self) -> Answer<(ArtifactOwner, String)> {
        Ok(ArtifactOwner::of_path(&self.0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_lead_here() {
        for location in [
            "mlflow-artifacts:/0/run/artifacts",
            "mlflow-artifacts://host:5000/0/run/artifacts",
            "http://host:5000/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts",
        ] {
            let place = Place::at(location).map_err(|error| error.message).expect(location);
            assert_eq!(place.below("a/b").path(), "0/run/artifacts/a/b", "{location}");
        }
        assert_eq!(
            Place::at("mlflow-artifacts:/").map_err(|error| error.message).expect("root").below("a").path(),
            "a"
        );
    }

    #[test]
    fn addresses_that_do_not() {
        for location in
            ["s3://bucket/a", "file:///etc", "/etc", "", "mlflow-artifacts:/../etc", "http://host/elsewhere"]
        {
            Place::at(location).expect_err(location);
        }
    }
}
