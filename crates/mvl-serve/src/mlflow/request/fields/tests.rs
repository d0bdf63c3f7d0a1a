use super::*;

fn json(text: &str) -> Fields {
    Fields::of_json(text.as_bytes()).expect("an object")
}

#[test]
fn whole_numbers_may_be_text() {
    let fields = json(r#"{"a": "12", "b": -3, "c": 4.0, "d": "x", "e": 1.5, "f": true}"#);
    assert_eq!(
        [fields.int("a"), fields.int("b"), fields.int("c"), fields.int("none")].map(|int| int.expect("int")),
        [Some(12), Some(-3), Some(4), None]
    );
    for bad in ["d", "e", "f"] {
        fields.int(bad).expect_err(bad);
    }
}

#[test]
fn numbers_may_be_words_of_proto3() {
    let fields = json(r#"{"a": "NaN", "b": "-Infinity", "c": 1, "d": "1e-3", "e": "much"}"#);
    assert!(fields.number("a").expect("a").expect("a").is_nan());
    assert_eq!(fields.number("b").expect("b"), Some(f64::NEG_INFINITY));
    assert_eq!(fields.number("c").expect("c"), Some(1.0));
    assert_eq!(fields.number("d").expect("d"), Some(0.001));
    fields.number("e").expect_err("e");
}

#[test]
fn names_may_be_in_camel_case_but_not_both() {
    assert_eq!(json(r#"{"experimentId": "3"}"#).required("experiment_id").expect("id"), "3");
    let error = Fields::of_json(br#"{"experimentId": "3", "experiment_id": "3"}"#).expect_err("both");
    assert_eq!(error.message, "Request specifies both 'experiment_id' and 'experimentId'; provide only one of them.");
}

#[test]
fn what_cannot_be_read_names_its_first_field() {
    let error = json("{bad").required("name").expect_err("broken").message;
    assert!(error.starts_with("Missing value for required parameter 'name'.") && error.contains("not JSON"), "{error}");
    assert!(json("").text("name").expect("empty").is_none());
    assert_eq!(json(r#""{\"a\": \"b\"}""#).text("a").expect("twice"), Some("b"));
    Fields::of_json(b"[1]").expect_err("a list");
}

#[test]
fn places_inside_lists_are_named() {
    let fields = json(r#"{"tags": [{"key": "a"}, {"value": "b"}]}"#);
    assert!(fields.tags("tags").expect_err("no key").message.contains("'tags[1].key'"));
}

#[test]
fn a_query_has_lists_of_one() {
    let fields = Fields::of_query(&Query::of("a=1&b=x&b=y&c=True&d=%C3%BC+z"));
    assert_eq!(fields.texts("a").expect("a"), ["1"]);
    assert_eq!(fields.texts("b").expect("b"), ["x", "y"]);
    assert_eq!(fields.flag("c").expect("c"), Some(true));
    assert_eq!(fields.text("d").expect("d"), Some("ü z"));
}

#[test]
fn numbers_are_read_to_their_last_digit() {
    // serde_json alone reads the first as …08333.
    for number in [0.09090909090909091, 0.02325581386685371, 1e-300, 5e-324, f64::MAX] {
        let text = format!(r#"{{"value": {number:e}}}"#);
        let fields = Fields::of_json(text.as_bytes()).map_err(|error| error.message).expect("JSON");
        assert_eq!(fields.number("value").map_err(|error| error.message).expect("a number"), Some(number));
    }
}
