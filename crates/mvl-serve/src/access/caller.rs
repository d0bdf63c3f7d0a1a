//! [`Caller`]: who asks, as the gateway found out.

use std::sync::{Arc, LazyLock, OnceLock};

use super::{ModelPattern, Scope, Scopes, Usage};
use crate::{ServiceError, Trouble};

/// How it is known who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerKind {
    /// It is not: the server serves this machine alone, or stands in a program that looks after itself.
    Anyone,
    /// By an API key.
    Key,
    /// By a token.
    Token,
    /// By the certificate of its connection.
    Certificate,
}

impl CallerKind {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Key => "key",
            Self::Token => "token",
            Self::Certificate => "certificate",
        }
    }
}

/// Who asks, and what they may. Handlers take it as an argument. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {
    known: Arc<Known>,
    /// The model that a request turned out to be about, for the audit log.
    noted: Option<Arc<OnceLock<String>>>,
}

#[derive(Debug)]
struct Known {
    kind: CallerKind,
    name: String,
    scopes: Scopes,
    models: Option<Vec<ModelPattern>>,
    usage: Arc<Usage>,
}

impl Caller {
    /// Somebody unknown who may do everything.
    pub fn anyone() -> Self {
        static ANYONE: LazyLock<Caller> = LazyLock::new(|| Caller::new(CallerKind::Anyone, "", Scopes::all(), None));
        ANYONE.clone()
    }

    /// Somebody; without models, all of them.
    pub fn new(kind: CallerKind, name: impl Into<String>, scopes: Scopes, models: Option<Vec<ModelPattern>>) -> Self {
        Self { known: Arc::new(Known { kind, name: name.into(), scopes, models, usage: Arc::default() }), noted: None }
    }

    pub(super) fn with_usage(self, usage: Arc<Usage>) -> Self {
        let Known { kind, name, scopes, models, .. } = &*self.known;
        let known = Known { kind: *kind, name: name.clone(), scopes: *scopes, models: models.clone(), usage };
        Self { known: Arc::new(known), ..self }
    }

    /// The same, for one request, which notes the model that it turns out to be about.
    pub(crate) fn noting(self) -> Self {
        Self { noted: Some(Arc::default()), ..self }
    }

    /// The model that the request turned out to be about.
    pub(crate) fn noted_model(&self) -> Option<&str> {
        self.noted.as_ref()?.get().map(String::as_str)
    }

    /// Whether requests are counted by who asks rather than by address.
    pub(crate) fn is_counted(&self) -> bool {
        matches!(self.kind(), CallerKind::Key | CallerKind::Token)
    }

    /// How it is known who asks.
    pub fn kind(&self) -> CallerKind {
        self.known.kind
    }

    /// The key's name, the token's subject, the certificate's names.
    pub fn name(&self) -> &str {
        &self.known.name
    }

    /// What they may do.
    pub fn scopes(&self) -> Scopes {
        self.known.scopes
    }

    /// Whether a model is among those they may ask or see.
    pub fn may_use(&self, model: &str) -> bool {
        self.known.models.as_ref().is_none_or(|models| models.iter().any(|pattern| pattern.matches(model)))
    }

    /// Refuses whoever may not do such things.
    ///
    /// # Errors
    /// [`Trouble::Forbidden`] without the scope.
    pub fn check_scope(&self, scope: Scope) -> Result<(), ServiceError> {
        match self.scopes().contains(scope) {
            true => Ok(()),
            false => Err(self.forbidden(format!("has no scope {scope:?}", scope = scope.name()))),
        }
    }

    /// Refuses whoever may not use a model, whether there is one of that name or not.
    ///
    /// # Errors
    /// [`Trouble::Forbidden`] when the caller is bound to other models.
    pub fn check_model(&self, model: &str) -> Result<(), ServiceError> {
        let shown = || model.chars().take(128).collect::<String>();
        if let Some(noted) = &self.noted {
            noted.get_or_init(shown); // a stream's first model stands for all
        }
        if self.may_use(model) {
            return Ok(());
        }
        let shown = shown();
        Err(self.forbidden(format!("may not use model {shown:?}")))
    }

    fn forbidden(&self, why: String) -> ServiceError {
        ServiceError::new(Trouble::Forbidden, format!("{} {:?} {why}", self.kind().name(), self.name()))
    }

    /// Counts a request.
    pub(crate) fn take_one(&self) -> Result<(), ServiceError> {
        self.known.usage.take()
    }

    pub(super) fn usage(&self) -> &Arc<Usage> {
        &self.known.usage
    }
}

impl Default for Caller {
    fn default() -> Self {
        Self::anyone()
    }
}
