//! The OpenAPI 3.1 document: the table of routes, with what each operation takes and gives.

use schemars::SchemaGenerator;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::definitions;
use super::generator;
use super::operations::Content;
use super::operations::Operation;
use super::operations::operation;
use crate::web::problem::ProblemJson;
use crate::web::routes::ROUTES;

/// Problems that every operation may have: malformed, another origin, too slow, too long, too many, our fault, not now.
const PROBLEMS: [u16; 9] = [400, 401, 403, 408, 413, 429, 431, 500, 503];

/// The OpenAPI document.
pub fn openapi() -> Value {
    let mut schemas = generator();
    let problem = schemas.subschema_for::<ProblemJson<'_>>().to_value();
    let mut paths = Map::new();
    for route in ROUTES {
        if let Some(operation) = operation(route.endpoint, &mut schemas) {
            let methods = paths.entry(route.path).or_insert_with(|| json!({}));
            methods[route.method.as_str().to_lowercase()] = described(operation);
        }
    }
    document(Value::Object(paths), problem, &mut schemas)
}

fn document(paths: Value, problem: Value, schemas: &mut SchemaGenerator) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lookout",
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": definitions(schemas),
            "responses": { "Problem": {
                "description": "Why it is not done (RFC 9457).",
                "content": { "application/problem+json": { "schema": problem } },
            } },
        },
    })
}

fn described(operation: Operation) -> Value {
    let mut answers = Map::new();
    let problems = PROBLEMS.iter().chain(operation.problems);
    answers.extend(problems.map(|status| (status.to_string(), json!({ "$ref": "#/components/responses/Problem" }))));
    for (status, content) in std::iter::once(operation.done).chain(operation.others) {
        answers.insert(status.to_string(), answer(status, content));
    }
    let mut described = json!({
        "tags": [operation.tag],
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": operation.parameters,
        "responses": answers,
    });
    if let Some(schema) = operation.body {
        described["requestBody"] =
            json!({ "required": !operation.body_optional, "content": { operation.body_kind: { "schema": schema } } });
        if operation.bundle {
            described["requestBody"]["content"]["application/octet-stream"] = json!({});
        }
    }
    described
}

fn answer(status: u16, content: Content) -> Value {
    let description = match status {
        202 => "Understood; it will be done.",
        204 => "Done.",
        206 => "The part that was asked for.",
        304 => "It is as it was.",
        503 => "Not well.",
        _ => "What was asked for.",
    };
    match content {
        Content::Empty => json!({ "description": description }),
        Content::Json(schema) => json!({ "description": description, "content": { "application/json": { "schema": schema } } }),
        Content::Bytes(kind) => json!({ "description": description, "content": { kind: {} } }),
        Content::Text(kind) => json!({ "description": description, "content": { kind: { "schema": { "type": "string" } } } }),
    }
}
