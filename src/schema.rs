//! JSON schemas of types that write themselves otherwise than they are laid out, for the documents of the API.

use std::borrow::Cow;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;

use crate::clock::BootId;
use crate::clock::Timestamp;
use crate::motion::Rect;
use crate::motion::Score;

macro_rules! schemas {
    ($($shown:ty: $name:literal = $schema:tt)*) => { $(
        impl JsonSchema for $shown {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

schemas! {
    Timestamp: "Timestamp" = {
        "description": "Time as RFC 3339 writes it, in UTC with milliseconds.",
        "type": "string",
        "format": "date-time",
        "examples": ["2026-01-31T12:00:00.000Z"]
    }
    BootId: "BootId" = {
        "description": "Boot of the machine.",
        "type": "string",
        "format": "uuid"
    }
    Score: "Score" = {
        "description": "Strength of motion; 0.5 is motion that is just enough.",
        "type": "number",
        "minimum": 0,
        "maximum": 1
    }
    Rect: "Rect" = {
        "description": "A rectangle in parts of the picture, origin top left.",
        "type": "object",
        "properties": {
            "x": { "type": "number", "minimum": 0, "maximum": 1 },
            "y": { "type": "number", "minimum": 0, "maximum": 1 },
            "width": { "type": "number", "minimum": 0, "maximum": 1 },
            "height": { "type": "number", "minimum": 0, "maximum": 1 }
        },
        "required": ["x", "y", "width", "height"]
    }
}
