//! Where the tracking server is, and who we are: from the variables that MLflow's own clients read.

use std::{env, fmt};

use mvl_core::ObserverError;
use reqwest::{RequestBuilder, Url};

/// The server's address, when nothing else is said.
pub(crate) const URI_VARIABLE: &str = "MLFLOW_TRACKING_URI";

/// Reads an address.
///
/// # Errors
/// When it is none of a server.
pub(crate) fn parse(address: &str) -> Result<Url, ObserverError> {
    let expected = |got: &str| {
        ObserverError::new(format!(
            "expected the http:// or https:// address of an MLflow tracking server, got {got:?}"
        ))
    };
    let url = Url::parse(address).map_err(|_| expected(address))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(expected(address));
    }
    Ok(url)
}

/// The address in the environment.
///
/// # Errors
/// When there is none, or it is none of a server.
pub(crate) fn from_environment() -> Result<Url, ObserverError> {
    let address = variable(URI_VARIABLE);
    parse(&address.ok_or_else(|| ObserverError::new(format!("{URI_VARIABLE} is not set: it names the MLflow server")))?)
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who we are.
#[derive(Clone)]
pub(crate) enum Credentials {
    /// Nobody, or whoever the address says.
    None,
    /// A user with a password.
    Basic { user: String, password: Option<String> },
    /// The bearer of a token.
    Token(String),
}

impl Credentials {
    /// What the environment says; a user goes before a token, as with MLflow's own clients.
    pub(crate) fn from_environment() -> Self {
        Self::choose(
            variable("MLFLOW_TRACKING_USERNAME"),
            variable("MLFLOW_TRACKING_PASSWORD"),
            variable("MLFLOW_TRACKING_TOKEN"),
        )
    }

    fn choose(user: Option<String>, password: Option<String>, token: Option<String>) -> Self {
        match (user, token) {
            (Some(user), _) => Self::Basic { user, password },
            (None, Some(token)) => Self::Token(token),
            (None, None) => Self::None,
        }
    }

    /// Puts them on a request.
    pub(crate) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::None => request,
            Self::Basic { user, password } => request.basic_auth(user, password.as_ref()),
            Self::Token(token) => request.bearer_auth(token),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic",
            Self::Token(_) => "Token",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_have_an_address() {
        assert_eq!(parse("https://host/mlflow").expect("a server").path(), "/mlflow");
        for wrong in ["file:./mlruns", "databricks", "sqlite:///a.db", ""] {
            let error = parse(wrong).expect_err(wrong).to_string();
            assert!(error.starts_with("expected the http:// or https:// address"), "{error}");
        }
    }

    #[test]
    fn a_user_goes_before_a_token_and_neither_is_shown() {
        let some = |text: &str| Some(text.to_owned());
        let basic = Credentials::choose(some("me"), some("secret"), some("token"));
        assert_eq!(format!("{basic:?}"), "Basic");
        assert_eq!(format!("{:?}", Credentials::choose(None, some("secret"), some("token"))), "Token");
        assert_eq!(format!("{:?}", Credentials::choose(None, some("secret"), None)), "None");
    }

    #[test]
    fn credentials_go_into_one_header() {
        mvl_store::choose_provider();
        let header = |credentials: Credentials| {
            let request = credentials.sign(reqwest::Client::new().get("http://127.0.0.1/")).build().expect("a request");
            request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned())
        };
        let basic = Credentials::Basic { user: "me".to_owned(), password: Some("secret".to_owned()) };
        assert_eq!(header(basic).as_deref(), Some("Basic bWU6c2VjcmV0"));
        assert_eq!(header(Credentials::Token("t0ken".to_owned())).as_deref(), Some("Bearer t0ken"));
        assert_eq!(header(Credentials::None), None);
    }
}
