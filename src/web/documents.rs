//! The documents of the API, derived from the route table and the types that answer: OpenAPI for REST, AsyncAPI for the streams.
//!
//! The device serves what was derived when the program was made (`docs/*.json`), so that showing it costs no memory; a test holds
//! those files against this, and writes them anew when told to.

mod asyncapi;
mod openapi;
mod operations;

pub use asyncapi::asyncapi;
pub use openapi::openapi;

use schemars::JsonSchema;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::routes::Endpoint;
use super::routes::ROUTES;

/// What a route is to the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// REST: in the OpenAPI document.
    Rest,
    /// A door for WebSockets: in the AsyncAPI document.
    Stream,
    /// A file of the dashboard: in neither.
    File,
}

/// Every route: method, path, kind.
pub fn routes() -> Vec<(String, &'static str, Kind)> {
    let kind = |endpoint| match endpoint {
        Endpoint::Stream(_) => Kind::Stream,
        Endpoint::Asset(_) | Endpoint::Ui => Kind::File,
        _ => Kind::Rest,
    };
    let route = ROUTES
        .iter()
        .map(|route| (route.method.to_string(), route.path, kind(route.endpoint)));
    route.collect()
}

/// Makes schemas whose parts stand in `components`.
fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator()
}

/// The schema of a body that is taken: with what may be left out, and whole, since what is given under the same name may differ.
fn taken<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let whole = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    whole.into_generator().into_root_schema_for::<T>().to_value()
}

/// What every schema refers to.
fn definitions(generator: &mut SchemaGenerator) -> Value {
    Value::Object(generator.take_definitions(true))
}
