//! Files of runs.

use std::collections::HashSet;
use std::time::Duration;

use mvl_track::{ArtifactOwner, ErrorCode, NewRun};

use crate::support::{Place, code};

on_every_database!(
    files_are_stored_listed_read_and_removed,
    paths_cannot_lead_out,
    damage_is_found,
    unreferenced_content_is_collected
);

async fn files_are_stored_listed_read_and_removed(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let owner = ArtifactOwner::Run(run.clone());
    for path in ["a.txt", "model/MLmodel", "model/data/w.bin", "model-2", "model0"] {
        tracker.put_artifact(&owner, path, path.as_bytes().to_vec().into()).await.expect(path);
    }
    let local = place.folder().join("local.txt");
    std::fs::write(&local, "local").expect("written");
    let stored = tracker.put_artifact_file(&owner, "model/local.txt", &local, |_| {}).await.expect("stored");
    assert_eq!(stored.bytes, 5);
    let listed = async |folder: &str| {
        let page = tracker.list_artifacts(&owner, folder, None).await.expect("listed");
        page.items
            .into_iter()
            .map(|file| format!("{}{}", file.path, if file.is_dir { "/" } else { "" }))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("").await, ["a.txt", "model/", "model-2", "model0"]);
    assert_eq!(listed("model").await, ["model/MLmodel", "model/data/", "model/local.txt"]);
    assert_eq!(listed("model/data/").await, ["model/data/w.bin"]);
    assert_eq!(listed("a.txt").await, [""; 0]);
    assert_eq!(tracker.read_artifact(&owner, "model/MLmodel", 100).await.expect("read"), "model/MLmodel");
    assert_eq!(code(tracker.read_artifact(&owner, "model/MLmodel", 5).await), ErrorCode::ResourceExhausted);
    tracker.put_artifact(&owner, "a.txt", "new".into()).await.expect("stored anew");
    assert_eq!(tracker.read_artifact(&owner, "a.txt", 100).await.expect("read"), "new");
    let (file, stream) = tracker.stream_artifact(&owner, "a.txt", None).await.expect("opened");
    assert_eq!((file.bytes, stream.bytes()), (3, 3));

    for both in ["a.txt/b", "model", "model/data"] {
        let refused = tracker.put_artifact(&owner, both, "x".into()).await;
        assert_eq!(code(refused), ErrorCode::InvalidParameterValue, "{both}");
    }
    assert_eq!(tracker.delete_artifacts(&owner, "model").await.expect("removed"), 3);
    assert_eq!(listed("").await, ["a.txt", "model-2", "model0"]);
    assert_eq!(code(tracker.get_artifact(&owner, "model/MLmodel").await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(tracker.delete_artifacts(&owner, "").await.expect("removed"), 3);
    let nobody = ArtifactOwner::Run("nope".to_owned());
    assert_eq!(code(tracker.put_artifact(&nobody, "a", "x".into()).await), ErrorCode::ResourceDoesNotExist);
    tracker.put_artifact(&ArtifactOwner::Place, "some/where.txt", "x".into()).await.expect("stored");
}

async fn paths_cannot_lead_out(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    for owner in [ArtifactOwner::Run(run), ArtifactOwner::Place] {
        for bad in
            ["..", "../a", "a/../../b", "/etc/passwd", "a\\..\\b", "C:/x", "a//b", "./a", "a\0b", &"x/".repeat(2000)]
        {
            let refused = ErrorCode::InvalidParameterValue;
            assert_eq!(code(tracker.put_artifact(&owner, bad, "x".into()).await), refused, "{bad:?}");
            assert_eq!(code(tracker.get_artifact(&owner, bad).await), refused, "{bad:?}");
            assert_eq!(code(tracker.read_artifact(&owner, bad, 9).await), refused, "{bad:?}");
            assert_eq!(code(tracker.list_artifacts(&owner, bad, None).await), refused, "{bad:?}");
            assert_eq!(code(tracker.delete_artifacts(&owner, bad).await), refused, "{bad:?}");
        }
    }
}

async fn damage_is_found(place: Place) {
    let Some(files) = place.files() else {
        println!("skipped: damage is done to files on a disk");
        return;
    };
    let tracker = place.tracker().await;
    let owner = ArtifactOwner::Place;
    let file = tracker.put_artifact(&owner, "a.bin", vec![1; 1000].into()).await.expect("stored");
    let hex = file.digest.expect("a file").to_hex();
    let blob = files.join(format!("blobs/sha256/{}/{}/{hex}", &hex[..2], &hex[2..4]));
    std::fs::write(&blob, vec![2; 1000]).expect("tampered with");
    assert_eq!(code(tracker.read_artifact(&owner, "a.bin", 5000).await), ErrorCode::DataLoss);
}

async fn unreferenced_content_is_collected(place: Place) {
    let tracker = place.tracker().await;
    let owner = ArtifactOwner::Place;
    tracker.put_artifact(&owner, "kept", "kept".into()).await.expect("stored");
    tracker.put_artifact(&owner, "gone", "gone".into()).await.expect("stored");
    tracker.delete_artifacts(&owner, "gone").await.expect("removed");
    let young = tracker.collect_blobs(&HashSet::new(), Duration::from_secs(3600)).await.expect("collected");
    assert_eq!((young.removed, young.kept), (0, 2));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let collect = async || tracker.collect_blobs(&HashSet::new(), Duration::ZERO).await.expect("collected");
    let mut old = collect().await;
    for _ in 0..20 {
        if old.removed > 0 {
            break;
        }
        old = collect().await; // a removal that the store has failed is left to the next collection
    }
    assert_eq!((old.removed, old.kept), (1, 1));
    assert_eq!(tracker.read_artifact(&owner, "kept", 100).await.expect("read"), "kept");
}
