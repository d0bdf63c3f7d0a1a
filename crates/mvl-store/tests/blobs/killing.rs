//! Writers that are killed at any moment leave no partial blob, and lose nothing that was acknowledged.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use mvl_core::SampleRng;
use mvl_store::Digest;

use crate::places::{MIB, Place, blobs, child, is_child, random, wait};

const KILLS: u64 = 20;
/// How long a writer goes on that nobody kills, because its test was.
const ORPHANED: Duration = Duration::from_secs(60);
/// What a writer says before the name of a blob that the store has acknowledged.
const STORED: &str = "stored ";

#[test]
fn twenty_killed_writers_lose_nothing() {
    for place in Place::all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut acknowledged = Vec::new();
        for kill in 0..KILLS {
            let mut writer = child("killing::writes_until_it_is_killed")
                .env("MVL_TEST_ROOT", &place.url)
                .env("MVL_TEST_SEED", kill.to_string())
                .env("MVL_TEST_FOLDER", folder.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("it runs");
            let mut lines = BufReader::new(writer.stdout.take().expect("piped")).lines();
            let mut heard = |line: String| {
                let digest = line.strip_prefix(STORED).and_then(|text| text.parse::<Digest>().ok());
                digest.inspect(|&digest| acknowledged.push(digest)).is_some()
            };
            while !heard(lines.next().expect("it goes on").expect("text")) {}
            std::thread::sleep(Duration::from_millis(SampleRng::new([kill, 1, 2, 3]).below(150) as u64));
            writer.kill().expect("SIGKILL"); // which cannot be caught
            writer.wait().expect("it is gone");
            for line in lines.map_while(Result::ok) {
                heard(line);
            }
        }
        println!("{}: {} acknowledged blobs", place.url, acknowledged.len());
        let blobs = place.blobs();
        wait(async move {
            let listed = blobs.list().await.expect("listable");
            for blob in &listed {
                blobs.verify(blob.digest).await.expect("no blob is partial");
            }
            for digest in acknowledged {
                assert!(listed.iter().any(|blob| blob.digest == digest), "{digest} is lost");
            }
        });
    }
}

#[test]
fn writes_until_it_is_killed() {
    if !is_child() {
        return;
    }
    let variable = |name| std::env::var(name).expect("it is set");
    let blobs = blobs(&variable("MVL_TEST_ROOT"));
    let mut rng = SampleRng::new([variable("MVL_TEST_SEED").parse().expect("a number"), 4, 5, 6]);
    let file = std::path::PathBuf::from(variable("MVL_TEST_FOLDER")).join("file");
    let begun = Instant::now();
    while begun.elapsed() < ORPHANED {
        let small = rng.chance(0.7);
        let bytes = random(if small { rng.below(100_000) } else { 16 * MIB + rng.below(4 * MIB) }, rng.next_u64());
        std::fs::write(&file, &bytes).expect("writable");
        let (blobs, file, from_file) = (blobs.clone(), file.clone(), rng.chance(0.5));
        let digest = wait(async move {
            if from_file {
                blobs.put_file(&file, |_| {}).await.expect("it is put").0
            } else {
                blobs.put(bytes).await.expect("it is put")
            }
        });
        println!("\n{STORED}{digest}");
    }
}
