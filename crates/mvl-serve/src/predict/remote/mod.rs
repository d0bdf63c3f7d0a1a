//! Pictures by URL: fetched from hosts that are allowed, from nowhere else.
//!
//! A name is resolved once, every address that it has is checked, and the connection goes to one of these; redirects are not followed.

mod address;
mod remote_pictures;

pub use remote_pictures::RemoteOptions;
pub(super) use remote_pictures::RemotePictures;
