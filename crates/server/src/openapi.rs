//! `/openapi.json`: the REST door described, made from the table of routes and the types of the
//! wire, so that it cannot say anything else.

use std::collections::BTreeMap;

use axum::response::Response;
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::frame::Hello;
use serde_json::{Map, Value, json};

use crate::http::answer::json_bytes;
use crate::http::routes::shape;
pub use crate::http::routes::{Field, Gate, Holds, ROUTES, Route, Shape};

pub(crate) async fn get() -> Response {
    json_bytes(document().to_string().into_bytes())
}

/// The document (OpenAPI 3.1).
#[must_use]
pub fn document() -> Value {
    let mut schemas = BTreeMap::new();
    collect(&mut schemas, shape::<Problem>());
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation;
    }
    paths.insert("/v1/stream".to_owned(), json!({ "post": stream(&mut schemas) }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chinwag",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The REST door. The WebSocket is described in /asyncapi.json.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

fn operation(route: &Route, schemas: &mut BTreeMap<String, Value>) -> Value {
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route),
        "parameters": parameters(route),
        "responses": responses(route, schemas),
    });
    if route.gate == Gate::Token {
        operation["security"] = json!([{ "token": [] }]);
    }
    if let Some(request) = route.request {
        operation["requestBody"] = json!({
            "content": { "application/json": { "schema": reference(schemas, request) } },
        });
    }
    operation
}

/// The one answer that does not end: it is no row of the table, since the connection leaves the router.
fn stream(schemas: &mut BTreeMap<String, Value>) -> Value {
    let hello = reference(schemas, shape::<Hello>());
    json!({
        "summary": "The frames of the WebSocket as an event stream, where WebSockets are broken on the way.",
        "operationId": "post_stream",
        "requestBody": { "content": { "application/json": { "schema": hello } } },
        "responses": {
            "200": {
                "description": "Each event is a frame as /asyncapi.json describes it; a last one, `close`, says why it ends.",
                "content": { "text/event-stream": { "schema": { "type": "string" } } },
            },
            "default": refusal(),
        },
    })
}

/// `GET /v1/rooms/{room}/members` as `get_rooms_room_members`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '.']).filter(|word| !matches!(*word, "" | "v1"));
    let words: Vec<&str> = words.collect();
    format!("{}_{}", route.method.to_ascii_lowercase(), words.join("_"))
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let kind = if name == "seq" { "integer" } else { "string" };
        Some(json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } }))
    });
    let in_query = route.query.iter().map(|(name, holds, meaning)| {
        json!({ "name": name, "in": "query", "description": meaning, "schema": schema(*holds) })
    });
    in_path.chain(in_query).collect()
}

fn schema(holds: Holds) -> Value {
    match holds {
        Holds::Text => json!({ "type": "string" }),
        Holds::Seq | Holds::Ms => json!({ "type": "integer", "minimum": 0 }),
        Holds::UpTo(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Holds::Flag => json!({ "type": "boolean" }),
    }
}

fn responses(route: &Route, schemas: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    for (status, shape) in route.answers {
        let mut response = json!({ "description": "done" });
        if let Some(shape) = shape {
            let schema = reference(schemas, *shape);
            response["content"] = json!({ "application/json": { "schema": schema } });
        }
        responses.insert(status.to_string(), response);
    }
    responses.insert("default".to_owned(), refusal());
    Value::Object(responses)
}

fn refusal() -> Value {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
    json!({
        "description": format!("refused, with one of the codes {}", codes.join(", ")),
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
        },
    })
}

/// Puts a type and those in it among the schemas, and refers to it.
pub(crate) fn reference(schemas: &mut BTreeMap<String, Value>, shape: Shape) -> Value {
    collect(schemas, shape);
    json!({ "$ref": format!("#/components/schemas/{}", (shape.name)()) })
}

fn collect(schemas: &mut BTreeMap<String, Value>, shape: Shape) {
    let mut nested = Vec::new();
    (shape.nested)(&mut nested);
    nested.push(((shape.name)().into_owned(), (shape.schema)()));
    for (name, schema) in nested {
        let schema = serde_json::to_value(schema).expect("a schema is JSON");
        schemas.insert(name, schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` in a document.
    pub(crate) fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for document in [document(), crate::asyncapi::document()] {
            let mut found = Vec::new();
            references(&document, &mut found);
            assert!(!found.is_empty());
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("a reference within");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
        }
    }

    #[test]
    fn every_route_is_described_once_under_a_name_of_its_own() {
        let mut names: Vec<String> = ROUTES.iter().map(operation_id).collect();
        names.sort();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }
}
