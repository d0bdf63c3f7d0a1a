//! [`whole_body`]: a body's bytes together.

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Limited};

/// What went wrong with a body; [`LengthLimitError`](http_body_util::LengthLimitError) when it was too long.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A body's bytes together. One that comes as one piece, as most do, is not copied.
///
/// # Errors
/// When it is longer than the limit, or breaks off.
pub(crate) async fn whole_body<B>(body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: Into<BodyError>> + Unpin,
{
    let mut body = Limited::new(body, limit);
    let mut first = Bytes::new();
    let mut others = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else { continue }; // trailers
        match first.is_empty() {
            true => first = bytes,
            false => others.push(bytes),
        }
    }
    if others.is_empty() {
        return Ok(first);
    }
    others.insert(0, first);
    Ok(others.concat().into())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::{LengthLimitError, StreamBody};

    use super::*;

    #[tokio::test]
    async fn pieces_come_together_up_to_a_limit() {
        for pieces in [&[][..], &["abc"], &["", "ab", "", "c", "def"]] {
            let body = || {
                let frames =
                    pieces.iter().map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from_static(piece.as_bytes()))));
                StreamBody::new(futures_util::stream::iter(frames.collect::<Vec<_>>()))
            };
            let expected = pieces.concat();
            let whole = whole_body(body(), expected.len()).await.expect("a body");
            assert_eq!(whole, expected.as_bytes());
            if let Some(less) = expected.len().checked_sub(1) {
                assert!(whole_body(body(), less).await.expect_err("too long").is::<LengthLimitError>());
            }
        }
    }
}
