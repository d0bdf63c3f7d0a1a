//! [`with_causes`]: an error and what brought it about, in one line.

/// An error's message with those of its causes behind it, each after a colon.
///
/// ```
/// let error = mvl_core::DataError::other("cannot read the list", std::io::Error::other("the disk is away"));
/// assert_eq!(mvl_core::with_causes(&error), "cannot read the list: the disk is away");
/// ```
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}
