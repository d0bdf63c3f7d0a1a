//! Who may ask for what: API keys, tokens, scopes, how often, and which sources a request may name.

mod api_keys;
mod authorization;
mod caller;
mod day_counts;
mod issuer;
mod key_file;
mod model_pattern;
mod moment;
mod needs;
mod scope;
mod sources;
mod tokens;
mod usage;
mod watched_file;

pub use api_keys::{ApiKeys, KeyError};
pub(crate) use authorization::Authorization;
pub use caller::{Caller, CallerKind};
pub use key_file::{KeyEntry, KeyFile, KeyFileError};
pub use model_pattern::ModelPattern;
pub(crate) use moment::written;
pub use needs::{Needs, needs};
pub use scope::{Scope, Scopes};
pub use sources::AllowedSources;
pub use tokens::{TokenError, TokenOptions, Tokens};
pub(crate) use usage::{PerAddress, PerSubject, Usage, network_of};
pub(crate) use watched_file::WatchedFile;
