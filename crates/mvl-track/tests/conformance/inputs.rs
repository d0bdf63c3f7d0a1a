//! What runs read and made.

use mvl_track::{Dataset, DatasetInput, ErrorCode, ModelInput, ModelOutput, NewLoggedModel, NewRun, Tag};

use crate::support::{Place, code};

on_every_database!(
    data_sets_are_shared_within_an_experiment,
    models_are_inputs_and_outputs,
    incomplete_data_sets_are_refused
);

fn input(name: &str, digest: &str, context: &str) -> DatasetInput {
    let dataset = Dataset {
        name: name.to_owned(),
        digest: digest.to_owned(),
        source_type: "local".to_owned(),
        source: "{\"uri\": \"/data\"}".to_owned(),
        schema: Some("{}".to_owned()),
        profile: None,
    };
    DatasetInput { dataset, tags: vec![Tag::new("mlflow.data.context", context)] }
}

async fn data_sets_are_shared_within_an_experiment(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let other = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let inputs = [input("shoes", "1", "train"), input("shoes", "2", "test"), input("shoes", "1", "again")];
    for _ in 0..2 {
        tracker.log_inputs(&run, &inputs, &[]).await.expect("logged");
    }
    tracker.log_inputs(&other, &inputs[..1], &[]).await.expect("logged");
    let found = tracker.get_run(&run).await.expect("there").inputs.datasets;
    assert_eq!(found, inputs[..2]);
    let summaries = tracker.search_datasets(&["0".to_owned()]).await.expect("found");
    let shown: Vec<_> = summaries.iter().map(|s| (&*s.name, &*s.digest, s.context.as_deref())).collect();
    assert_eq!(shown, [("shoes", "1", Some("train")), ("shoes", "2", Some("test"))]);
    assert_eq!(tracker.search_datasets(&[]).await.expect("found"), []);
}

async fn models_are_inputs_and_outputs(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let new = NewLoggedModel { experiment_id: "0".to_owned(), ..NewLoggedModel::default() };
    let model_id = tracker.create_logged_model(new).await.expect("made").model_id;
    for step in [1, 2] {
        tracker.log_outputs(&run, &[ModelOutput { model_id: model_id.clone(), step }]).await.expect("logged");
        tracker.log_inputs(&run, &[], &[ModelInput { model_id: model_id.clone() }]).await.expect("logged");
    }
    let found = tracker.get_run(&run).await.expect("there");
    assert_eq!(found.inputs.models, [ModelInput { model_id: model_id.clone() }]);
    assert_eq!(found.outputs.models, [ModelOutput { model_id, step: 2 }]);
    let missing = ModelOutput { model_id: "m-nope".to_owned(), step: 0 };
    assert_eq!(code(tracker.log_outputs(&run, &[missing]).await), ErrorCode::ResourceDoesNotExist);
}

async fn incomplete_data_sets_are_refused(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let good = input("shoes", "1", "train");
    for bad in [
        input("", "1", "train"),
        input("shoes", "", "train"),
        input("shoes", &"d".repeat(37), "train"),
        input(&"n".repeat(501), "1", "train"),
        input("shoes", "1", &"c".repeat(501)),
    ] {
        let refused = tracker.log_inputs(&run, &[good.clone(), bad], &[]).await;
        assert_eq!(code(refused), ErrorCode::InvalidParameterValue);
    }
    assert_eq!(tracker.get_run(&run).await.expect("there").inputs.datasets, []);
}
