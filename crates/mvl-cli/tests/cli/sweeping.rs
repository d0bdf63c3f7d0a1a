//! Many runs of one recipe, ranked.

use std::path::Path;

use tempfile::tempdir;

use crate::program::{mvl, pictures, text};

fn recipe(folder: &Path) {
    let data = folder.join("data");
    pictures(&data, 12);
    let recipe = format!(
        "version = 1\n[data]\npath = {:?}\nbatch_size = 8\nimage_size = [16, 16]\nvalidation = 0.25\n[model]\nname = \"resnet8\"\n\
         [model.options]\nwidth = 0.25\n[train]\nepochs = 4\n[train.optimizer]\nname = \"sgd\"\nlearning_rate = 0.05\n",
        text(&data)
    );
    std::fs::write(folder.join("recipe.toml"), recipe).expect("writable");
}

fn sweep(folder: &Path, more: &str) -> String {
    let file = folder.join("sweep.toml");
    let head = format!(
        "version = 1\nrecipe = {:?}\nsweep_dir = {:?}\n",
        text(&folder.join("recipe.toml")),
        text(&folder.join("sweep"))
    );
    std::fs::write(&file, head + more).expect("writable");
    text(&file).to_owned()
}

#[test]
fn asha_trains_the_better_ones_to_the_end_and_goes_on() {
    let folder = tempdir().expect("a folder");
    recipe(folder.path());
    let parameters = "[parameters]\n\"train.optimizer.learning_rate\" = { log = [1e-6, 0.1] }\n";
    let file = |trials: usize| {
        let more =
            format!("strategy = \"asha\"\ntrials = {trials}\nparallel = 2\nreduction = 2\nseed = 4\n{parameters}");
        sweep(folder.path(), &more)
    };
    let run = |trials: usize| mvl(&["sweep", "--json", "--config", &file(trials)]).succeeds().json();
    let first = run(3);
    let numbers = |summary: &serde_json::Value| summary["trials"].as_array().expect("a list").len();
    assert_eq!(numbers(&first), 3);
    // The same command with more trials takes up what is there.
    let all = run(6);
    assert_eq!(numbers(&all), 6);
    let trials = all["trials"].as_array().expect("a list");
    let epochs: Vec<u64> = trials.iter().map(|trial| trial["epochs"].as_u64().expect("a number")).collect();
    assert!(epochs.iter().all(|epochs| [1, 2, 4].contains(epochs)), "{epochs:?}");
    assert!(epochs.contains(&1) && epochs.iter().any(|epochs| *epochs > 1), "{epochs:?}");
    let figures: Vec<f64> = trials.iter().map(|trial| trial["figure"].as_f64().expect("a figure")).collect();
    assert!(figures.windows(2).all(|two| two[0] >= two[1]), "{figures:?}");
    let best = trials[0]["run_dir"].as_str().expect("a path");
    let data = folder.path().join("data");
    mvl(&["eval", "--model", best, "--data", text(&data)]).succeeds();
}

#[test]
fn a_grid_tries_every_combination_and_failures_are_told() {
    let folder = tempdir().expect("a folder");
    recipe(folder.path());
    let more = "strategy = \"grid\"\n[parameters]\n\"train.optimizer.momentum\" = { values = [0.0, 0.9] }\n\
                \"data.batch_size\" = { values = [8, 16] }\n";
    let file = sweep(folder.path(), more);
    let summary = mvl(&["sweep", "--json", "--config", &file, "--set", "train.epochs=1"]).succeeds().json();
    assert_eq!(summary["trials"].as_array().expect("a list").len(), 4);

    let other = more.replace("0.9", "0.8");
    mvl(&["sweep", "--config", &sweep(folder.path(), &other)]).fails(1, &["this is another sweep than the folder's"]);
    let misspelt = more.replace("train.optimizer.momentum", "train.optimizer.momentun");
    mvl(&["sweep", "--config", &sweep(folder.path(), &misspelt)]).fails(2, &["momentun"]);
    let endless = more.replace("{ values = [0.0, 0.9] }", "{ uniform = [0.0, 0.9] }");
    mvl(&["sweep", "--config", &sweep(folder.path(), &endless)]).fails(2, &["expected values or whole in a grid"]);
}
