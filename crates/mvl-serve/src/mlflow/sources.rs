//! Where a model version's files come from: an address that its maker may name.

use super::app::App;
use super::error::{Answer, ApiError};
use super::paths::decoded;

/// The address of a version's files, and the run or the logged model that they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) address: String,
    pub(super) run_id: Option<String>,
    pub(super) model_id: Option<String>,
}

/// The source as it is stored: another version's address is resolved, with its run and its model.
///
/// # Errors
/// For addresses that lead out of where they seem to lie, and for files of a run or a model that is not the one named. Otherwise whoever
/// may make versions could let them point at others' files, and at this machine's.
pub(super) async fn checked(app: &App, source: Source) -> Answer<Source> {
    let source = resolved(app, source).await?;
    let Source { address, run_id, model_id } = &source;
    let owner = if model_id.is_some() { "model_id" } else { "run_id" };
    if is_local(address) {
        return match root(app, run_id.as_deref(), model_id.as_deref()).await? {
            Some(root) if is_local(&root) && leads_down(address) && is_within(address, &root) => Ok(source),
            _ => Err(ApiError::invalid(format!(
                "Invalid model version source: '{address}'. To use a local path as a model version source, the {owner} request \
                 parameter has to be specified and the local path has to be contained within its artifact directory."
            ))),
        };
    }
    if !leads_down(address) {
        return Err(ApiError::invalid(format!(
            "Invalid model version source: '{address}'. If supplying a source as an http, https, local file path, ftp, objectstore, \
             or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an \
             absolute path."
        )));
    }
    let (scheme, _, names) = parts(address);
    let allowed = match scheme.as_str() {
        "runs" => model_id.is_none() && names.first() == run_id.as_ref() && run_id.is_some(),
        "models" if names.len() == 1 && !address.contains('@') => names.first() == model_id.as_ref(),
        "mlflow-artifacts" => within_its_owner(app, &source).await?,
        "http" | "https" if address.contains("/api/2.0/mlflow-artifacts/artifacts") => {
            within_its_owner(app, &source).await?
        }
        _ => true,
    };
    if !allowed {
        return Err(ApiError::invalid(format!(
            "Invalid model version source: '{address}'. The {owner} request parameter must identify the resource that contains the \
             source."
        )));
    }
    Ok(source)
}

/// `models:/name/3` and `models:/name@alias` as `models:/name/3`, with that version's run and model.
async fn resolved(app: &App, source: Source) -> Answer<Source> {
    let Some(rest) = source.address.strip_prefix("models:") else { return Ok(source) };
    let wrong = |why: &str| ApiError::invalid(format!("Invalid model version source: '{}'. {why}", source.address));
    if rest.starts_with("//") {
        return Err(wrong("Registered model sources must use the active model registry."));
    }
    if !rest.contains('@') && rest.trim_start_matches('/').split('/').count() == 1 {
        return Ok(source); // a logged model
    }
    let version = app.registry.resolve(&source.address).await?;
    let differs = |given: &Option<String>, found: &Option<String>| given.is_some() && given != found;
    if differs(&source.run_id, &version.run_id) || differs(&source.model_id, &version.model_id) {
        return Err(wrong("The run_id and model_id request parameters must match the referenced model version."));
    }
    let address = format!("models:/{}/{}", version.name, version.version);
    Ok(Source { address, run_id: version.run_id, model_id: version.model_id })
}

async fn within_its_owner(app: &App, source: &Source) -> Answer<bool> {
    let root = root(app, source.run_id.as_deref(), source.model_id.as_deref()).await?;
    Ok(root.is_some_and(|root| is_within(&source.address, &root)))
}

/// Where the files of a logged model or a run lie.
async fn root(app: &App, run_id: Option<&str>, model_id: Option<&str>) -> Answer<Option<String>> {
    let gone = |error: mvl_track::TrackError| match error.code {
        mvl_track::ErrorCode::ResourceDoesNotExist | mvl_track::ErrorCode::InvalidParameterValue => Ok(None),
        _ => Err(ApiError::from(error)),
    };
    match (model_id, run_id) {
        (Some(id), _) => {
            app.tracker.get_logged_model(id).await.map(|model| Some(model.artifact_location)).or_else(gone)
        }
        (None, Some(id)) => app.tracker.get_run(id).await.map(|run| Some(run.info.artifact_uri)).or_else(gone),
        (None, None) => Ok(None),
    }
}

/// Scheme, host, and names of an address, decoded.
fn parts(address: &str) -> (String, String, Vec<String>) {
    let (scheme, rest) = address.split_once(':').unwrap_or(("", address));
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => ("", rest),
    };
    let names = path.split('/').filter(|name| !name.is_empty());
    let names = names.map(|name| decoded(name).unwrap_or_else(|| name.to_owned())).collect();
    (scheme.to_ascii_lowercase(), host.to_ascii_lowercase(), names)
}

/// A path of this machine, or a `file:` address.
fn is_local(address: &str) -> bool {
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.len() > 1 && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
    !is_scheme || scheme.eq_ignore_ascii_case("file")
}

/// Whether an address holds no `..`, however it is encoded, and nothing that is no text.
fn leads_down(address: &str) -> bool {
    decoded(address).is_some_and(|text| {
        !text.chars().any(char::is_control) && !text.split(['/', '\\']).any(|name| matches!(name, "." | ".."))
    })
}

fn is_within(address: &str, root: &str) -> bool {
    let local = |(scheme, host, names): (String, String, Vec<String>)| (scheme.replace("file", ""), host, names);
    let (address, root) = (local(parts(address)), local(parts(root)));
    address.0 == root.0 && address.1 == root.1 && !root.2.is_empty() && address.2.starts_with(&root.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_within() {
        let root = "mlflow-artifacts:/1/run/artifacts";
        assert!(is_within("mlflow-artifacts:/1/run/artifacts/model", root));
        assert!(is_within("mlflow-artifacts:/1/%72un/artifacts", root));
        for out in [
            "mlflow-artifacts:/1/run/artifacts2",
            "mlflow-artifacts:/1/other/artifacts/model",
            "s3:/1/run/artifacts",
            "mlflow-artifacts://h/1/run/artifacts",
        ] {
            assert!(!is_within(out, root), "{out}");
        }
        assert!(is_within("file:///a/b/c", "/a/b") && !is_within("/a/bc", "/a/b"));
    }

    #[test]
    fn what_leads_down() {
        for good in ["s3://b/a..b", "runs:/1/model", "mlflow-artifacts:/a/b%20c"] {
            assert!(leads_down(good), "{good}");
        }
        for bad in [
            "s3://b/../c",
            "mlflow-artifacts:/a/%2e%2e/b",
            "mlflow-artifacts:/%252e%252e/b",
            "s3://b/a%00",
            "s3://b/..%2f",
        ] {
            assert!(!leads_down(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_local() {
        for local in ["/etc/passwd", "file:///etc", "../x", "x", "C:\\x", "FILE:/x"] {
            assert!(is_local(local), "{local}");
        }
        for other in ["s3://b/x", "runs:/1", "models:/a@b", "mlflow-artifacts:/1"] {
            assert!(!is_local(other), "{other}");
        }
    }
}
