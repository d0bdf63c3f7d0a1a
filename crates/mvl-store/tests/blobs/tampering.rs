//! Whoever changes a stored blob is found out, wherever it is read.

use bytes::Bytes;
use mvl_store::{Cache, put};

use crate::places::{MIB, Place, random, wait};
use crate::streaming::drain;

#[test]
fn a_tampered_blob_is_refused_everywhere() {
    for place in Place::all().into_iter().chain([Place::web()]) {
        let (blobs, bytes) = (place.blobs(), random(3 * MIB, 41));
        let (putting, sent) = (blobs.clone(), bytes.clone());
        let digest = wait(async move { putting.put(sent).await }).expect("it is put");
        let mut flipped = bytes.to_vec();
        flipped[2 * MIB] ^= 1;
        let longer = [&bytes[..], b"!"].concat();
        let others = [flipped, longer, bytes[..bytes.len() - 1].to_vec(), bytes[..MIB].to_vec(), Vec::new()];
        for other in others.map(Bytes::from) {
            put(&blobs.url(digest), other.clone()).expect("anybody with a key may");
            let folder = tempfile::tempdir().expect("a temporary folder");
            let cached = blobs.clone().with_cache(Cache::open(folder.path(), 1 << 30).expect("a cache"));
            let (sent, errors) = wait(async move {
                let (sent, streamed) = drain(cached.stream(digest, None).await.expect("it begins")).await;
                let errors = [
                    cached.read(digest, u64::MAX).await.expect_err("tampered"),
                    cached.fetch(digest).await.expect_err("tampered"),
                    cached.open_file(digest).await.expect_err("tampered"),
                    cached.verify(digest).await.expect_err("tampered"),
                    streamed.expect("tampered"),
                ];
                (sent, errors)
            });
            assert!(sent.len() < other.len().max(1), "nobody takes it for whole");
            for error in errors.map(|error| error.full_message()) {
                assert!(error.starts_with(&format!("expected {digest}, got sha256:")), "{error}");
                let url = blobs.url(digest).to_string();
                let ends =
                    format!("the blob was damaged or tampered with; remove this object and put the blob again; {url}");
                assert!(error.ends_with(&ends), "{error}");
            }
            assert!(
                std::fs::read_dir(folder.path().join("sha256"))
                    .into_iter()
                    .flatten()
                    .flatten()
                    .all(|folder| { std::fs::read_dir(folder.path()).expect("a folder").count() == 0 })
            );
        }
        // One of another size is seen to be none, and put anew.
        wait(async move {
            assert_eq!(blobs.put(bytes.clone()).await.expect("it is put"), digest);
            assert!(blobs.read(digest, u64::MAX).await.expect("readable") == bytes);
        });
    }
}
