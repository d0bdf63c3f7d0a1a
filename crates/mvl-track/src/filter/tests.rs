use super::*;
use crate::limits;
use crate::sql::Sql;

const RUNS: Vocabulary = Vocabulary {
    entities: &[
        ("metric", Entity::Metric),
        ("metrics", Entity::Metric),
        ("params", Entity::Param),
        ("tags", Entity::Tag),
        ("attributes", Entity::Attribute),
        ("dataset", Entity::Dataset),
    ],
    attributes: &[
        Attribute::integer("start_time", "r.start_time"),
        Attribute::text("status", "r.status"),
        Attribute::text("Run name", "r.name"),
        Attribute::text("run_id", "r.run_uuid").with_lists(),
    ],
    lists: false,
    nullable: &[Entity::Param, Entity::Tag],
};

fn conditions(filter: &str) -> Vec<(Entity, String, Comparison, Operand)> {
    let parsed = parse(filter, &RUNS).unwrap_or_else(|error| panic!("{filter}: {error}"));
    parsed
        .into_iter()
        .map(|c| (c.entity, if c.column.is_empty() { c.key } else { c.column.to_owned() }, c.comparison, c.operand))
        .collect()
}

#[test]
fn every_form_is_read() {
    use Comparison::*;
    use Entity::*;
    let text = |text: &str| Operand::Text(text.to_owned());
    for (filter, expected) in [
        ("metrics.loss < 0.1", (Metric, "loss", Less, Operand::Number(0.1))),
        ("metric.a.b/c>=-1e-3", (Metric, "a.b/c", GreaterOrEqual, Operand::Number(-1e-3))),
        ("metrics.`top 1` = 5", (Metric, "top 1", Equal, Operand::Integer(5))),
        ("`metrics`.`m` != 5", (Metric, "m", NotEqual, Operand::Integer(5))),
        ("\"metrics\".m <= 5", (Metric, "m", LessOrEqual, Operand::Integer(5))),
        ("params.\"a b\" = \"x\"", (Param, "a b", Equal, text("x"))),
        ("params.lr = 'it''s'", (Param, "lr", Equal, text("it's"))),
        ("tags.mlflow.user LIKE '%me%'", (Tag, "mlflow.user", Like, text("%me%"))),
        ("tags.t ilike 'x'", (Tag, "t", ILike, text("x"))),
        ("tags.t is not null", (Tag, "t", IsNotNull, Operand::Nothing)),
        ("params.t IS NULL", (Param, "t", IsNull, Operand::Nothing)),
        ("status = 'FINISHED'", (Attribute, "r.status", Equal, text("FINISHED"))),
        ("attributes.`Run name` = 'a'", (Attribute, "r.name", Equal, text("a"))),
        (
            "attributes.start_time > 1664067852747",
            (Attribute, "r.start_time", Greater, Operand::Integer(1664067852747)),
        ),
        ("run_id in ('a', \"b\",)", (Attribute, "r.run_uuid", In, Operand::List(vec!["a".into(), "b".into()]))),
        ("run_id NOT IN('a')", (Attribute, "r.run_uuid", NotIn, Operand::List(vec!["a".into()]))),
        ("dataset.context = 'train'", (Dataset, "context", Equal, text("train"))),
    ] {
        let (entity, key, comparison, operand) = expected;
        assert_eq!(conditions(filter), [(entity, key.to_owned(), comparison, operand)], "{filter}");
    }
    assert_eq!(conditions("").len(), 0);
    assert_eq!(conditions("  metrics.a > 1\n AND metrics.b > 2 and tags.c = 'and'").len(), 3);
}

#[test]
fn what_is_no_filter_is_refused_with_the_code_for_it() {
    for filter in [
        "metrics.loss",
        "metrics.loss <",
        "metrics.loss < 'a'",
        "metrics.loss < abc",
        "metrics.loss < nan",
        "metrics.loss < inf",
        "metrics.loss LIKE 'a'",
        "metrics.loss IN ('a')",
        "metrics.loss IS NULL",
        "metrics.loss == 1",
        "metrics.loss <> 1",
        "metrics. = 1",
        "metrics = 1",
        ".x = 1",
        "params.lr = 1",
        "params.lr > '1'",
        "params.lr = 'a",
        "params.lr = `a`",
        "params.`lr = 'a'",
        "params.lr IN ('a')",
        "tags.t IS",
        "tags.t IS NOT",
        "tags.t NOT LIKE 'a'",
        "start_time > 1.5",
        "start_time > 'a'",
        "run_id IN ()",
        "run_id IN (1)",
        "run_id IN ('a'",
        "run_id IN ('a' 'b')",
        "run_id IN 'a'",
        "run_id = ('a')",
        "dataset.source = 'a'",
        "dataset.name IS NULL",
        "nothing.a = 1",
        "unknown = 'a'",
        "metrics.a > 1 OR metrics.b > 1",
        "metrics.a > 1 metrics.b > 1",
        "metrics.a > 1 AND",
        "AND metrics.a > 1",
        "(metrics.a > 1)",
        "NOT metrics.a > 1",
        "1 = 1",
        "'a' = 'a'",
        "metrics.a > 1; DROP TABLE runs",
        "metrics.a > 1 -- x",
        "params.a = 'x' OR '1'='1'",
        "params.a = 'x'' OR 1=1 --",
        "params.a = 'x\0'",
        "metrics.a ! 1",
    ] {
        let error = parse(filter, &RUNS).expect_err(filter);
        assert_eq!(error.code, crate::ErrorCode::InvalidParameterValue, "{filter}: {error}");
    }
}

#[test]
fn what_is_huge_or_deep_is_refused_at_once() {
    let many = "metrics.a > 1 AND ".repeat(limits::FILTER_CONDITIONS) + "metrics.a > 1";
    let values = format!("run_id IN ({})", "'a',".repeat(limits::LIST_VALUES + 1));
    for filter in [
        "(".repeat(60_000),
        ")".repeat(60_000),
        "x".repeat(1 << 20),
        "NOT ".repeat(10_000),
        many,
        values,
        "'".repeat(50_001),
        "`".repeat(50_001),
    ] {
        let started = std::time::Instant::now();
        parse(&filter, &RUNS).expect_err("refused");
        assert!(started.elapsed().as_millis() < 200);
    }
}

#[test]
fn nothing_from_outside_is_in_the_statement() {
    let hostile = "x'; DROP TABLE runs; --";
    let condition = parse(&format!("params.\"{hostile}\" = \"{hostile}\""), &RUNS).expect("quoted").remove(0);
    assert_eq!(condition.key, hostile);
    let mut sql = Sql::new("SELECT 1 FROM params p WHERE p.key = ");
    sql.bind(&*condition.key).push(" AND ");
    push_comparison(&mut sql, "p.value", &condition, "");
    let (text, values) = sql.parts();
    assert_eq!(text, "SELECT 1 FROM params p WHERE p.key = $1 AND p.value = $2");
    assert_eq!(values.len(), 2);
}

#[test]
fn orders_are_read() {
    let order = |clause: &str| parse_order(&[clause.to_owned()], &RUNS);
    for (clause, entity, key, descending) in [
        ("metrics.loss", Entity::Metric, "loss", false),
        ("metrics.`top 1` desc", Entity::Metric, "top 1", true),
        ("params.\"a b\" ASC", Entity::Param, "a b", false),
        ("start_time DESC", Entity::Attribute, "r.start_time", true),
        ("attributes.status", Entity::Attribute, "r.status", false),
    ] {
        let field = order(clause).unwrap_or_else(|error| panic!("{clause}: {error}")).remove(0);
        let found = if field.column.is_empty() { &*field.key } else { field.column };
        assert_eq!((field.entity, found, field.descending), (entity, key, descending), "{clause}");
    }
    for clause in
        ["", "metrics.a UP", "metrics.a ASC DESC", "unknown", "dataset.name", "metrics.a; DROP TABLE runs", "a.b"]
    {
        order(clause).expect_err(clause);
    }
    let twice = ["metrics.a".to_owned(), "metric.a DESC".to_owned()];
    parse_order(&twice, &RUNS).expect_err("the same field twice");
}

#[test]
fn tokens_belong_to_their_query() {
    let page = page_of(vec![1, 2, 3], 2, 4, 7);
    let token = page.next_page_token.expect("there is more");
    assert_eq!((page.items.len(), offset_of(Some(&token), 7).expect("ours")), (2, 6));
    for (token, mark) in [(&*token, 8), ("evil", 7), ("mvl--1-7", 7), ("mvl-0-7", 7), ("mvl-99999999999999999999-7", 7)]
    {
        offset_of(Some(token), mark).expect_err(token);
    }
    assert_eq!(page_of(vec![1, 2], 2, 4, 7).next_page_token, None);
}
