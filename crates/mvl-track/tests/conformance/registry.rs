//! Registered models, versions and stages.

use std::time::Duration;

use mvl_track::{
    ErrorCode, ModelSearch, ModelVersionStatus, NewLoggedModel, NewVersion, Registry, Stage, Tag, Tracker,
    VersionSearch,
};

use crate::support::{Place, code};

on_every_database!(
    a_model_is_registered_renamed_and_deleted,
    versions_are_counted_and_never_given_again,
    sources_are_looked_up,
    stages_are_moved,
    models_are_searched,
    versions_are_searched,
    prompts_are_kept_apart,
    bad_names_are_refused,
);

fn version(name: &str, source: &str) -> NewVersion {
    NewVersion { name: name.to_owned(), source: source.to_owned(), ..NewVersion::default() }
}

async fn a_model_is_registered_renamed_and_deleted(place: Place) {
    let registry = place.registry().await;
    let tags = [Tag::new("a", "1")];
    let made = registry.create_model("shoes", &tags, Some("finds shoes")).await.expect("registered");
    assert_eq!((&*made.tags, made.description.as_deref()), (&tags[..], Some("finds shoes")));
    assert_eq!(registry.get_model("shoes").await.expect("there"), made);
    assert_eq!(code(registry.create_model("shoes", &[], None).await), ErrorCode::ResourceAlreadyExists);
    registry.create_version(&version("shoes", "s3://a")).await.expect("made");
    registry.set_alias("shoes", "champion", 1).await.expect("set");

    assert_eq!(registry.update_model("shoes", Some("")).await.expect("described").description.as_deref(), Some(""));
    registry.create_model("boots", &[], None).await.expect("registered");
    assert_eq!(code(registry.rename_model("shoes", "boots").await), ErrorCode::ResourceAlreadyExists);
    let renamed = registry.rename_model("shoes", "größe 43!").await.expect("renamed");
    assert_eq!((renamed.latest_versions.len(), renamed.aliases[0].version), (1, 1));
    assert_eq!(registry.get_version("größe 43!", 1).await.expect("there").aliases, ["champion"]);
    assert_eq!(code(registry.get_model("shoes").await), ErrorCode::ResourceDoesNotExist);

    registry.set_model_tag("boots", &Tag::new("a", "1")).await.expect("set");
    registry.set_model_tag("boots", &Tag::new("a", "2")).await.expect("set");
    assert_eq!(registry.get_model("boots").await.expect("there").tags, [Tag::new("a", "2")]);
    for _ in 0..2 {
        registry.delete_model_tag("boots", "a").await.expect("removed, or not there");
    }
    registry.delete_model("größe 43!").await.expect("deleted");
    let missing = ErrorCode::ResourceDoesNotExist;
    assert_eq!(code(registry.get_version("größe 43!", 1).await), missing);
    assert_eq!(code(registry.delete_model("größe 43!").await), missing);
    registry.create_model("größe 43!", &[], None).await.expect("the name is free");
    assert_eq!(registry.create_version(&version("größe 43!", "a")).await.expect("made").version, 1);
}

async fn versions_are_counted_and_never_given_again(place: Place) {
    let registry = place.registry().await;
    registry.create_model("shoes", &[], None).await.expect("registered");
    let new = NewVersion {
        run_id: Some("r".to_owned()),
        run_link: Some("http://x".to_owned()),
        user_id: Some("me".to_owned()),
        description: Some("first".to_owned()),
        manifest: Some("sha256:00".to_owned()),
        tags: vec![Tag::new("t", "1")],
        ..version("shoes", "s3://a")
    };
    let made = registry.create_version(&new).await.expect("made");
    assert_eq!((made.version, made.current_stage, made.status), (1, Stage::None, ModelVersionStatus::Ready));
    assert_eq!((made.run_id.as_deref(), made.manifest.as_deref()), (Some("r"), Some("sha256:00")));
    assert_eq!(made.tags, [Tag::new("t", "1")]);
    assert_eq!(registry.version_download_uri("shoes", 1).await.expect("told"), "s3://a");
    assert_eq!(registry.create_version(&version("shoes", "b")).await.expect("made").version, 2);
    registry.delete_version("shoes", 2).await.expect("deleted");
    assert_eq!(registry.create_version(&version("shoes", "c")).await.expect("made").version, 3);

    let missing = ErrorCode::ResourceDoesNotExist;
    assert_eq!(code(registry.get_version("shoes", 2).await), missing);
    assert_eq!(code(registry.delete_version("shoes", 2).await), missing);
    assert_eq!(code(registry.update_version("shoes", 2, Some("x")).await), missing);
    assert_eq!(code(registry.set_version_tag("shoes", 2, &Tag::new("a", "b")).await), missing);
    assert_eq!(code(registry.version_download_uri("shoes", 2).await), missing);
    assert_eq!(code(registry.get_version("shoes", u64::MAX).await), missing);
    assert_eq!(code(registry.create_version(&version("nope", "a")).await), missing);

    registry.update_version("shoes", 3, Some("third")).await.expect("described");
    registry.set_version_tag("shoes", 3, &Tag::new("a", "1")).await.expect("set");
    registry.set_version_tag("shoes", 3, &Tag::new("a", "2")).await.expect("set");
    let third = registry.get_version("shoes", 3).await.expect("there");
    assert_eq!((third.description.as_deref(), &*third.tags), (Some("third"), &[Tag::new("a", "2")][..]));
    registry.delete_version_tag("shoes", 3, "a").await.expect("removed");
    registry.delete_version_tag("shoes", 3, "a").await.expect("not there");
    assert_eq!(registry.get_version("shoes", 3).await.expect("there").tags, []);
}

async fn sources_are_looked_up(place: Place) {
    let database = place.database().await;
    let (tracker, registry) = (Tracker::new(database.clone(), "mlflow-artifacts:/"), Registry::new(database));
    registry.create_model("shoes", &[], None).await.expect("registered");
    let run = "0123456789abcdef0123456789abcdef".to_owned();
    let new = NewLoggedModel { experiment_id: "0".to_owned(), source_run_id: Some(run.clone()), ..Default::default() };
    let logged = tracker.create_logged_model(new).await.expect("made");
    let made = registry.create_version(&version("shoes", &format!("models:/{}", logged.model_id))).await.expect("made");
    assert_eq!(made.run_id, Some(run.clone()));
    assert_eq!(registry.version_download_uri("shoes", 1).await.expect("told"), logged.artifact_location);
    for source in ["models:/shoes/1", "models:/shoes/latest"] {
        let copy = registry.create_version(&version("shoes", source)).await.expect("made");
        let told = registry.version_download_uri("shoes", copy.version).await.expect("told");
        assert_eq!((told, copy.source.as_deref()), (logged.artifact_location.clone(), Some(source)));
    }
    let by_id = NewVersion { model_id: Some(logged.model_id), ..version("shoes", "dbfs:/x") };
    assert_eq!(registry.create_version(&by_id).await.expect("made").run_id, Some(run));
    for source in ["models:/m-nope", "models:/shoes/99", "models:/nope/1"] {
        assert_eq!(
            code(registry.create_version(&version("shoes", source)).await),
            ErrorCode::ResourceDoesNotExist,
            "{source}"
        );
    }
    assert_eq!(code(registry.create_version(&version("shoes", "models:/x")).await), ErrorCode::InvalidParameterValue);
}

async fn stages_are_moved(place: Place) {
    let registry = place.registry().await;
    registry.create_model("shoes", &[], None).await.expect("registered");
    for _ in 0..4 {
        registry.create_version(&version("shoes", "a")).await.expect("made");
    }
    for (number, stage) in [(1, Stage::Production), (2, Stage::Staging), (3, Stage::Production)] {
        registry.transition_stage("shoes", number, stage, false).await.expect("moved");
    }
    let shown = |versions: Vec<mvl_track::ModelVersion>| {
        let mut shown: Vec<_> = versions.iter().map(|version| (version.version, version.current_stage)).collect();
        shown.sort_unstable();
        shown
    };
    let all = registry.latest_versions("shoes", &[]).await.expect("told");
    assert_eq!(shown(all), [(2, Stage::Staging), (3, Stage::Production), (4, Stage::None)]);
    let moved = registry.transition_stage("shoes", 4, Stage::Production, true).await.expect("moved");
    assert_eq!(moved.current_stage, Stage::Production);
    assert_eq!(registry.get_version("shoes", 1).await.expect("there").current_stage, Stage::Archived);
    let some = registry.latest_versions("shoes", &[Stage::Production, Stage::Archived]).await.expect("told");
    assert_eq!(shown(some), [(3, Stage::Archived), (4, Stage::Production)]);
    let refused = registry.transition_stage("shoes", 1, Stage::None, true).await;
    assert_eq!(code(refused), ErrorCode::InvalidParameterValue);
    assert_eq!(code(registry.transition_stage("shoes", 9, Stage::None, false).await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(code(registry.latest_versions("nope", &[]).await), ErrorCode::ResourceDoesNotExist);
    assert_eq!("pRODUCTION".parse::<Stage>().expect("read"), Stage::Production);
    "nowhere".parse::<Stage>().expect_err("no stage");
}

async fn models_are_searched(place: Place) {
    let registry = &place.registry().await;
    for name in ["b", "a", "C", "c"] {
        registry.create_model(name, &[Tag::new("n", name)], None).await.expect("registered");
    }
    tokio::time::sleep(Duration::from_millis(2)).await; // into a later millisecond than the last model's
    registry.create_version(&version("b", "x")).await.expect("made");
    registry.set_alias("b", "champion", 1).await.expect("set");
    let found = async |filter: &str, order: &[&str]| {
        let order_by = order.iter().map(|field| (*field).to_owned()).collect();
        let search = ModelSearch { filter: filter.to_owned(), order_by, ..Default::default() };
        let page = registry.search_models(&search).await.unwrap_or_else(|error| panic!("{filter}: {error}"));
        page.items.into_iter().map(|model| model.name).collect::<String>()
    };
    assert_eq!(found("", &[]).await, "Cabc");
    assert_eq!(found("", &["name DESC"]).await, "cbaC");
    assert_eq!(found("", &["timestamp DESC", "name"]).await.chars().next(), Some('b'));
    assert_eq!(found("", &["last_updated_timestamp ASC"]).await.len(), 4);
    assert_eq!(found("name = 'a'", &[]).await, "a");
    assert_eq!(found("name LIKE 'c'", &[]).await, "c");
    assert_eq!(found("name ILIKE 'c'", &[]).await, "Cc");
    assert_eq!(found("name IN ('a', 'b') AND tags.n != 'a'", &[]).await, "b");
    for bad in ["name > 'a'", "name = 1", "version_number = 1", "tags.n IS NULL", "metrics.a > 1"] {
        let search = ModelSearch { filter: bad.to_owned(), ..Default::default() };
        assert_eq!(code(registry.search_models(&search).await), ErrorCode::InvalidParameterValue, "{bad}");
    }
    for bad in ["description", "tags.n", "name UP"] {
        let search = ModelSearch { order_by: vec![bad.to_owned()], ..Default::default() };
        assert_eq!(code(registry.search_models(&search).await), ErrorCode::InvalidParameterValue, "{bad}");
    }
    let twice = ModelSearch {
        order_by: vec!["timestamp".to_owned(), "last_updated_timestamp".to_owned()],
        ..Default::default()
    };
    assert_eq!(code(registry.search_models(&twice).await), ErrorCode::InvalidParameterValue);
    let search = ModelSearch { max_results: 1001, ..Default::default() };
    assert_eq!(code(registry.search_models(&search).await), ErrorCode::InvalidParameterValue);
    let mut search = ModelSearch { max_results: 3, ..Default::default() };
    let first = registry.search_models(&search).await.expect("a page");
    assert_eq!(first.items[2].latest_versions[0].aliases, ["champion"]);
    search.page_token = first.next_page_token;
    let second = registry.search_models(&search).await.expect("a page");
    assert_eq!((second.items.len(), second.next_page_token), (1, None));
}

async fn versions_are_searched(place: Place) {
    let registry = &place.registry().await;
    for name in ["a", "b"] {
        registry.create_model(name, &[], None).await.expect("registered");
        for number in 1..=3 {
            let run_id = Some(format!("run{number}"));
            let tags = vec![Tag::new("n", number.to_string())];
            registry
                .create_version(&NewVersion { run_id, tags, ..version(name, &format!("s3://{number}")) })
                .await
                .expect("made");
        }
    }
    registry.delete_version("a", 2).await.expect("deleted");
    let found = async |filter: &str, order: &[&str]| {
        let order_by = order.iter().map(|field| (*field).to_owned()).collect();
        let search = VersionSearch { filter: filter.to_owned(), order_by, ..Default::default() };
        let page = registry.search_versions(&search).await.unwrap_or_else(|error| panic!("{filter}: {error}"));
        page.items
            .into_iter()
            .map(|version| format!("{}{}", version.name, version.version))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let by_name = &["name", "version_number ASC"];
    for (filter, expected) in [
        ("", "a1 a3 b1 b2 b3"),
        ("name = 'a'", "a1 a3"),
        ("name IN ('a', 'c')", "a1 a3"),
        ("name NOT IN ('a')", "b1 b2 b3"),
        ("run_id = 'run2'", "b2"),
        ("run_id IN ('run1', 'run3') AND name = 'b'", "b1 b3"),
        ("source_path LIKE '%3'", "a3 b3"),
        ("version_number > 1", "a3 b2 b3"),
        ("version_number = 1 AND tags.n = '1'", "a1 b1"),
        ("tags.n != '1'", "a3 b2 b3"),
    ] {
        assert_eq!(found(filter, by_name).await, expected, "{filter}");
    }
    assert_eq!(found("", &["name DESC"]).await, "b3 b2 b1 a3 a1");
    assert_eq!(found("", &["creation_timestamp ASC", "last_updated_timestamp DESC"]).await.len(), 14);
    for bad in [
        "version_number = '1'",
        "version_number LIKE 1",
        "version_number = 1.5",
        "source_path IN ('a')",
        "aliases.x = '1'",
    ] {
        let search = VersionSearch { filter: bad.to_owned(), ..Default::default() };
        assert_eq!(code(registry.search_versions(&search).await), ErrorCode::InvalidParameterValue, "{bad}");
    }
    for max_results in [0, 200_001] {
        let search = VersionSearch { max_results, ..Default::default() };
        assert_eq!(code(registry.search_versions(&search).await), ErrorCode::InvalidParameterValue);
    }
}

async fn prompts_are_kept_apart(place: Place) {
    let registry = &place.registry().await;
    registry.create_model("model", &[], None).await.expect("registered");
    registry.create_model("prompt", &[Tag::new("mlflow.prompt.is_prompt", "true")], None).await.expect("registered");
    for (filter, expected) in [
        ("", "model"),
        ("tags.`mlflow.prompt.is_prompt` = 'true'", "prompt"),
        ("tags.`mlflow.prompt.is_prompt` != 'true'", "model"),
        ("tags.`mlflow.prompt.is_prompt` = 'false'", "model"),
    ] {
        let search = ModelSearch { filter: filter.to_owned(), ..Default::default() };
        let found = registry.search_models(&search).await.expect("found").items;
        assert_eq!(found.iter().map(|model| &*model.name).collect::<String>(), expected, "{filter}");
    }
}

async fn bad_names_are_refused(place: Place) {
    let registry = place.registry().await;
    for bad in ["", " ", "a/b", "a:b", "..", ".", "a\0b", "a\nb", &"x".repeat(257)] {
        assert_eq!(code(registry.create_model(bad, &[], None).await), ErrorCode::InvalidParameterValue, "{bad:?}");
        assert_eq!(code(registry.get_model(bad).await), ErrorCode::InvalidParameterValue, "{bad:?}");
    }
    registry.create_model("good", &[], None).await.expect("registered");
    assert_eq!(code(registry.rename_model("good", "a/b").await), ErrorCode::InvalidParameterValue);
    let long = Tag::new("k", "v".repeat(100_001));
    assert_eq!(code(registry.set_model_tag("good", &long).await), ErrorCode::InvalidParameterValue);
    assert_eq!(code(registry.set_model_tag("good", &Tag::new("..", "v")).await), ErrorCode::InvalidParameterValue);
}
