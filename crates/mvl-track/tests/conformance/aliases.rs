//! Aliases.

use mvl_track::{ErrorCode, NewVersion, Registry, Stage};

use crate::support::{Place, code};

on_every_database!(
    aliases_are_set_moved_and_removed,
    a_promotion_needs_what_it_expects,
    addresses_are_resolved,
    of_many_promotions_one_succeeds,
    deleting_and_promoting_a_version_leave_no_alias_to_nothing,
);

async fn filled(place: &Place) -> Registry {
    let registry = place.registry().await;
    registry.create_model("shoes", &[], None).await.expect("registered");
    for _ in 0..3 {
        let new = NewVersion { name: "shoes".to_owned(), source: "a".to_owned(), ..NewVersion::default() };
        registry.create_version(&new).await.expect("made");
    }
    registry
}

async fn aliases_are_set_moved_and_removed(place: Place) {
    let registry = filled(&place).await;
    registry.set_alias("shoes", "champion", 1).await.expect("set");
    registry.set_alias("shoes", "champion", 2).await.expect("moved");
    registry.set_alias("shoes", "best", 2).await.expect("set");
    assert_eq!(registry.version_by_alias("shoes", "champion").await.expect("told").aliases, ["best", "champion"]);
    assert_eq!(registry.get_version("shoes", 1).await.expect("there").aliases, [""; 0]);
    assert_eq!(registry.version_by_alias("shoes", "latest").await.expect("told").version, 3);
    for _ in 0..2 {
        registry.delete_alias("shoes", "best").await.expect("removed, or not there");
    }
    assert_eq!(code(registry.version_by_alias("shoes", "best").await), ErrorCode::InvalidParameterValue);
    assert_eq!(code(registry.version_by_alias("nope", "best").await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(code(registry.set_alias("shoes", "champion", 9).await), ErrorCode::ResourceDoesNotExist);
    for bad in ["", "latest", "v1", "a b", "a/b", "a@b", &"x".repeat(256)] {
        assert_eq!(code(registry.set_alias("shoes", bad, 1).await), ErrorCode::InvalidParameterValue, "{bad}");
        assert_eq!(code(registry.promote("shoes", bad, 1, None).await), ErrorCode::InvalidParameterValue, "{bad}");
    }
    registry.delete_version("shoes", 2).await.expect("deleted");
    assert_eq!(registry.get_model("shoes").await.expect("there").aliases, []);
}

async fn a_promotion_needs_what_it_expects(place: Place) {
    let registry = filled(&place).await;
    assert_eq!(code(registry.promote("shoes", "champion", 1, Some(2)).await), ErrorCode::ResourceConflict);
    assert_eq!(registry.promote("shoes", "champion", 1, None).await.expect("promoted").aliases, ["champion"]);
    assert_eq!(code(registry.promote("shoes", "champion", 2, None).await), ErrorCode::ResourceConflict);
    let conflict = registry.promote("shoes", "champion", 2, Some(3)).await.expect_err("another");
    assert!(conflict.message.contains("expected to stand for version 3, but stands for version 1"), "{conflict}");
    assert_eq!(registry.promote("shoes", "champion", 2, Some(1)).await.expect("promoted").version, 2);
    assert_eq!(code(registry.promote("shoes", "champion", 9, Some(2)).await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(registry.version_by_alias("shoes", "champion").await.expect("told").version, 2);
}

async fn addresses_are_resolved(place: Place) {
    let registry = filled(&place).await;
    registry.set_alias("shoes", "champion", 2).await.expect("set");
    registry.transition_stage("shoes", 1, Stage::Production, false).await.expect("moved");
    for (uri, version) in [
        ("models:/shoes/3", 3),
        ("models:/shoes@champion", 2),
        ("models:/shoes/Production", 1),
        ("models:/shoes/latest", 3),
    ] {
        assert_eq!(registry.resolve(uri).await.expect(uri).version, version);
    }
    for uri in ["models:/shoes/4", "models:/nope/1", "models:/shoes/Staging"] {
        assert_eq!(code(registry.resolve(uri).await), ErrorCode::ResourceDoesNotExist, "{uri}");
    }
    for uri in
        ["shoes", "models:/shoes", "models:/shoes@nope", "models:/../x/1", "models:/shoes@champion; DROP TABLE runs"]
    {
        assert_eq!(code(registry.resolve(uri).await), ErrorCode::InvalidParameterValue, "{uri}");
    }
}

async fn of_many_promotions_one_succeeds(place: Place) {
    let registry = filled(&place).await;
    let mut expected = None;
    for round in 0..8 {
        let mut promotions = Vec::new();
        for contender in 0..4 {
            let registry = Registry::new(place.database().await); // connections of its own, as another process has
            let version = 1 + (round + contender) % 3;
            promotions.push(tokio::spawn(async move {
                registry.promote("shoes", "champion", version, expected).await.map(|promoted| promoted.version)
            }));
        }
        let mut won = Vec::new();
        for promotion in promotions {
            match promotion.await.expect("no panic") {
                Ok(version) => won.push(version),
                Err(error) => assert_eq!(error.code, ErrorCode::ResourceConflict, "{error}"),
            }
        }
        let now = registry.version_by_alias("shoes", "champion").await.expect("told").version;
        // Whoever promotes what is champion already finds what it expects again; all others find a conflict.
        assert!(!won.is_empty() && won.iter().filter(|version| Some(**version) != expected).count() <= 1, "{won:?}");
        assert!(won.contains(&now), "{won:?} {now}");
        expected = Some(now);
    }
}

async fn deleting_and_promoting_a_version_leave_no_alias_to_nothing(place: Place) {
    let registry = filled(&place).await;
    for version in 1..=3 {
        let (one, other) = (Registry::new(place.database().await), Registry::new(place.database().await));
        let delete = tokio::spawn(async move { one.delete_version("shoes", version).await });
        let promote = tokio::spawn(async move { other.set_alias("shoes", "champion", version).await });
        delete.await.expect("no panic").expect("deleted");
        if let Err(error) = promote.await.expect("no panic") {
            assert_eq!(error.code, ErrorCode::ResourceDoesNotExist);
        }
        assert_eq!(registry.get_model("shoes").await.expect("there").aliases, []);
    }
}
