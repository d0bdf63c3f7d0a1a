//! Two processes promote the same alias at the same moment, from the same version, round after round: one succeeds, and the other is
//! told of a conflict. On SQLite, and on Postgres where `MVL_TEST_POSTGRES_URL` names a server.
//!
//! `MVL_PROMOTIONS` says how many rounds; `cargo xtask prove tracking-killed` plays 200 on each.

#[path = "support/postgres.rs"]
mod postgres;

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use mvl_track::{Database, ErrorCode, NewVersion, Registry};

/// What tells a child which database to open.
const CHILD: &str = "MVL_TRACK_TEST_CHILD";
const MODEL: &str = "shoes";
const ALIAS: &str = "champion";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

async fn registry(uri: &str) -> Registry {
    Registry::new(Database::open(uri).await.unwrap_or_else(|error| panic!("{uri}: {error}")))
}

/// The child: promotes what each line says, and says what came of it.
#[test]
#[ignore = "the other tests run it in processes of its own"]
fn promotes_when_it_is_told() {
    let Ok(uri) = std::env::var(CHILD) else { return };
    block_on(async move {
        let registry = registry(&uri).await;
        let say = |what: &str| {
            let mut out = std::io::stdout().lock();
            writeln!(out, "promotion {what}").and_then(|()| out.flush()).expect("told");
        };
        say("ready");
        for line in std::io::stdin().lines() {
            let line = line.expect("readable");
            let (version, expected) = line.split_once(' ').expect("two numbers");
            let (version, expected) = (version.parse().expect("a version"), expected.parse().expect("a version"));
            match registry.promote(MODEL, ALIAS, version, Some(expected)).await {
                Ok(promoted) => say(&format!("won {}", promoted.version)),
                Err(error) if error.code == ErrorCode::ResourceConflict => say("conflict"),
                Err(error) => say(&format!("failed: {error}")),
            }
        }
    });
}

struct Contender {
    process: Child,
    told: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
    won: u32,
}

impl Contender {
    fn start(uri: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["promotes_when_it_is_told", "--exact", "--ignored", "--nocapture"])
            .env(CHILD, uri)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let told = process.stdin.take().expect("a pipe");
        let says = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut contender = Self { process, told, says, won: 0 };
        assert_eq!(contender.answer(), "ready");
        contender
    }

    fn answer(&mut self) -> String {
        loop {
            let line = self.says.next().expect("it goes on").expect("readable");
            if let Some((_, answer)) = line.split_once("promotion ") {
                return answer.to_owned();
            }
        }
    }

    fn end(mut self) {
        drop(self.told);
        assert!(self.process.wait().expect("ended").success());
    }
}

fn one_of_two_wins(what: &str, uri: &str) {
    let rounds: u64 = std::env::var("MVL_PROMOTIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(25);
    block_on(async {
        let registry = registry(uri).await;
        registry.create_model(MODEL, &[], None).await.expect("registered");
        for _ in 0..3 {
            let new = NewVersion { name: MODEL.to_owned(), source: "a".to_owned(), ..NewVersion::default() };
            registry.create_version(&new).await.expect("made");
        }
        registry.promote(MODEL, ALIAS, 1, None).await.expect("promoted");
    });
    let mut contenders = [Contender::start(uri), Contender::start(uri)];
    let mut stands_for = 1;
    for round in 0..rounds {
        // Each wants another version; both expect what the alias stands for now. Who is told first changes from round to round.
        let mut wanted: Vec<u64> = (1..=3).filter(|version| *version != stands_for).collect();
        wanted.rotate_left((round / 2 % 2) as usize);
        let mut order = [0, 1];
        order.rotate_left((round % 2) as usize);
        for contender in order {
            writeln!(contenders[contender].told, "{} {stands_for}", wanted[contender]).expect("told");
        }
        let answers = contenders.each_mut().map(Contender::answer);
        let won: Vec<usize> = (0..2).filter(|one| answers[*one] == format!("won {}", wanted[*one])).collect();
        let &[winner] = won.as_slice() else { panic!("{what}, round {round}: {answers:?}") };
        assert_eq!(answers[1 - winner], "conflict", "{what}, round {round}");
        contenders[winner].won += 1;
        stands_for = wanted[winner];
        if round % 20 == 0 || round + 1 == rounds {
            let now = block_on(async {
                let registry = self::registry(uri).await;
                registry.version_by_alias(MODEL, ALIAS).await.expect("told").version
            });
            assert_eq!(now, stands_for, "{what}, round {round}");
        }
    }
    let [first, second] = [contenders[0].won, contenders[1].won];
    println!("promotions on {what}: {rounds} rounds of two processes, one won each: {first} and {second}");
    contenders.into_iter().for_each(Contender::end);
}

#[test]
fn of_two_processes_one_promotes_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    one_of_two_wins("SQLite", &format!("sqlite:///{}/track.db", folder.path().display()));
}

#[test]
fn of_two_processes_one_promotes_on_postgres() {
    let Some(uri) = block_on(postgres::new_schema("promotion")) else { return };
    one_of_two_wins("Postgres", &uri);
}
