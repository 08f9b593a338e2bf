//! As much of JSON Schema as the wire's documents use; a keyword that is not known fails.

use serde_json::Value;

/// What is wrong with `value`, each with its place. `document` resolves references.
pub(crate) fn errors(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    at(document, schema, value, "")
}

fn at(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let Some(keywords) = schema.as_object() else {
        let nothing = schema == &Value::Bool(false);
        return nothing.then(|| format!("{place}: nothing may be here")).into_iter().collect();
    };
    let of = |(keyword, rule): (&String, &Value)| match keyword.as_str() {
        "properties" => properties(document, rule, value, place),
        "items" => items(document, schema, value, place),
        "allOf" => list(rule).iter().flat_map(|part| at(document, part, value, place)).collect(),
        "$ref" => at(document, target(document, rule), value, place),
        _ => itself(document, keyword, rule, value)
            .map(|what| format!("{place}: {what}"))
            .into_iter()
            .collect(),
    };
    keywords.iter().flat_map(of).collect()
}

fn target<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
    let target = pointer.and_then(|pointer| document.pointer(pointer));
    target.expect("a reference leads somewhere")
}

fn properties(document: &Value, rule: &Value, value: &Value, place: &str) -> Vec<String> {
    let fields = rule.as_object().into_iter().flatten();
    fields
        .filter_map(|(name, part)| Some((name, part, value.get(name)?)))
        .flat_map(|(name, part, field)| at(document, part, field, &format!("{place}/{name}")))
        .collect()
}

fn items(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let first = list(&schema["prefixItems"]);
    let part = |number: usize| first.get(number).unwrap_or(&schema["items"]);
    let all = value.as_array().into_iter().flatten().enumerate();
    all.flat_map(|(number, item)| at(document, part(number), item, &format!("{place}/{number}")))
        .collect()
}

/// What a keyword says of the value itself.
fn itself(document: &Value, keyword: &str, rule: &Value, value: &Value) -> Option<String> {
    match keyword {
        "description" | "format" | "title" | "prefixItems" => None,
        "type" => (!is_of(rule, value)).then(|| format!("{value:.60} is not {rule}")),
        "enum" => (!list(rule).contains(value)).then(|| format!("{value} is none of {rule}")),
        "minimum" => {
            let below = value.as_f64().is_some_and(|number| Some(number) < rule.as_f64());
            below.then(|| format!("{value} is below {rule}"))
        }
        "maximum" => {
            let above = value.as_f64().is_some_and(|number| Some(number) > rule.as_f64());
            above.then(|| format!("{value} is above {rule}"))
        }
        "required" => {
            let missing = |name: &&Value| value.get(name.as_str().unwrap_or_default()).is_none();
            let missing = list(rule).iter().find(missing).filter(|_| value.is_object());
            missing.map(|name| format!("{name} is missing"))
        }
        "oneOf" | "anyOf" => {
            let fits = |part: &&Value| errors(document, part, value).is_empty();
            let good = list(rule).iter().filter(fits).count();
            let enough = good == 1 || (keyword == "anyOf" && good > 0);
            (!enough).then(|| format!("{good} of {} fit {value:.200}", list(rule).len()))
        }
        other => Some(format!("the keyword {other} is not known here")),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether the value is of the type, or of one of the types.
pub(crate) fn is_of(types: &Value, value: &Value) -> bool {
    if let Some(types) = types.as_array() {
        return types.iter().any(|one| is_of(one, value));
    }
    match types.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => false,
    }
}

#[test]
fn it_finds_what_is_wrong() {
    use serde_json::json;
    let document = json!({"defs": {"id": {"type": "string"}}});
    let schema = json!({
        "type": "object",
        "required": ["id", "n"],
        "properties": {
            "id": {"$ref": "#/defs/id"},
            "n": {"type": ["integer", "null"], "minimum": 0, "maximum": 9},
            "of": {"oneOf": [{"type": "null"}, {"enum": ["a", "b"]}]},
            "list": {"type": "array", "prefixItems": [{"type": "string"}], "items": false},
        },
    });
    let good = json!({"id": "x", "n": null, "of": "a", "list": ["y"], "more": 1});
    assert!(errors(&document, &schema, &good).is_empty());
    for bad in [
        json!({"n": 1}),
        json!({"id": 1, "n": 1}),
        json!({"id": "x", "n": -1}),
        json!({"id": "x", "n": 10}),
        json!({"id": "x", "n": 1.5}),
        json!({"id": "x", "n": 1, "of": "c"}),
        json!({"id": "x", "n": 1, "list": ["y", "z"]}),
        json!([]),
    ] {
        assert!(!errors(&document, &schema, &bad).is_empty(), "{bad}");
    }
    assert!(!errors(&document, &json!({"pattern": "x"}), &json!("x")).is_empty());
}
