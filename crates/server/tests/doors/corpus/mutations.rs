//! What can be wrong with a field, by the schema of its type.

use serde_json::{Map, Value};

use crate::schema::is_of;

/// A text that is no number, bool or id, and longer than anything but a message may be.
const LONG_CHARS: usize = 20_000;

/// A value as it is written, for what no JSON library would write.
pub(super) struct Mutation {
    pub(super) name: String,
    /// The whole object as text, with one field changed.
    pub(super) text: String,
    /// The field that a refusal names; none where the text is no JSON at all.
    pub(super) field: Option<String>,
}

/// The values that are wrong in a field of this type. What is of the right JSON type is so only where
/// no field of the wire takes it: an empty text, a negative number.
fn wrong_values(document: &Value, schema: &Value) -> Vec<(String, String)> {
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let long = format!("\"{}\"", "x".repeat(LONG_CHARS));
    let all = [
        ("null", "null"),
        ("true", "true"),
        ("a number", "7"),
        ("a negative number", "-1"),
        ("a float", "1.5"),
        ("a float without a fraction", "1.0"),
        ("2^64", "18446744073709551616"),
        ("a text", "\"seven\""),
        ("an empty text", "\"\""),
        ("a long text", &long),
        ("a control character", "\"\\u0000\""),
        ("an empty list", "[]"),
        ("a list", "[1,\"x\",null]"),
        ("a deep list", &nested),
        ("an object", "{\"x\":{\"y\":[]}}"),
    ];
    let broken = [
        ("1e400", "1e400"),
        ("NaN", "NaN"),
        ("a lone surrogate", "\"\\ud800\""),
        ("two low surrogates", "\"\\udc00\\udc00\""),
        ("a bad escape", "\"\\x41\""),
        ("an open text", "\"open"),
        ("a raw line break", "\"a\nb\""),
        ("a leading zero", "007"),
        ("nothing", ""),
    ];
    let types = types(document, schema);
    let mut wrong: Vec<(String, String)> = all
        .iter()
        .filter(|(name, text)| is_wrong(&types, name, text))
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    wrong.extend(broken.map(|(name, text)| (format!("broken: {name}"), text.to_owned())));
    wrong
}

fn is_wrong(types: &[String], name: &str, text: &str) -> bool {
    let value: Value = serde_json::from_str(text).expect("it is JSON");
    if !types.iter().any(|one| is_of(&Value::from(one.as_str()), &value)) {
        return true;
    }
    let texts_only = types.iter().all(|one| one == "string" || one == "null");
    match name {
        "an empty text" | "a long text" => texts_only,
        "a negative number" | "2^64" => types.iter().any(|one| one == "integer"),
        _ => false,
    }
}

/// The JSON types that a schema takes.
fn types(document: &Value, schema: &Value) -> Vec<String> {
    if let Some(pointer) = schema["$ref"].as_str() {
        let pointer = pointer.trim_start_matches('#');
        let target = document.pointer(pointer).expect("a reference leads somewhere");
        return types(document, target);
    }
    if let Some(parts) = schema["oneOf"].as_array() {
        return parts.iter().flat_map(|part| types(document, part)).collect();
    }
    match &schema["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// Every field of the object wrong in every way, and each required one left out. `skip` says what
/// this type takes after all.
pub(super) fn of_object(
    document: &Value,
    schema: &Value,
    good: &Map<String, Value>,
    skip: impl Fn(&str, &str) -> bool,
) -> Vec<Mutation> {
    let mut mutations = Vec::new();
    for (field, of) in schema["properties"].as_object().into_iter().flatten() {
        for (name, text) in wrong_values(document, of) {
            if skip(field, &name) {
                continue;
            }
            let broken = name.starts_with("broken: ");
            mutations.push(Mutation {
                name: format!("{name} as {field}"),
                text: with(good, field, &text),
                field: (!broken).then(|| field.clone()),
            });
        }
        if good.contains_key(field) {
            let twice = serde_json::to_string(&good[field]).expect("it is JSON");
            let text =
                with(good, field, &twice).replacen('{', &format!("{{\"{field}\":{twice},"), 1);
            let name = format!("{field} twice");
            mutations.push(Mutation { name, text, field: None });
        }
    }
    for field in schema["required"].as_array().into_iter().flatten() {
        let field = field.as_str().unwrap_or_default();
        let mut without = good.clone();
        without.remove(field);
        mutations.push(Mutation {
            name: format!("no {field}"),
            text: Value::Object(without).to_string(),
            field: Some(field.to_owned()),
        });
    }
    mutations
}

/// The object with the field written like that.
fn with(good: &Map<String, Value>, field: &str, text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, value) in good.iter().filter(|(name, _)| *name != field) {
        parts.push(format!("\"{name}\":{value}"));
    }
    parts.push(format!("\"{field}\":{text}"));
    format!("{{{}}}", parts.join(","))
}
