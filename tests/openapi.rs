//! The documents of the API: what is served is what the code says, every route is in it, and real answers and messages are as it says.

mod device;

use std::fs;
use std::path::Path;

use device::Device;
use jsonschema::Validator;
use lookout::status::CameraState;
use lookout::web;
use lookout::web::Settings;
use lookout::web::documents;
use lookout::web::documents::Kind;
use serde_json::Value;
use serde_json::json;

/// Messages among which each kind has come.
const MESSAGES_MAX: usize = 200;
/// Set in the environment, the served documents are written anew.
const BLESS: &str = "LOOKOUT_BLESS";

#[test]
fn what_is_served_is_what_the_code_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/docs");
    for (name, derived) in [("openapi.json", documents::openapi()), ("asyncapi.json", documents::asyncapi())] {
        let (file, derived) = (folder.join(name), format!("{derived:#}\n"));
        if std::env::var_os(BLESS).is_some() {
            fs::write(&file, &derived).expect("written");
        }
        let served = fs::read_to_string(&file).expect("the document");
        assert!(
            served == derived,
            "src/web/docs/{name} is old: run `{BLESS}=1 cargo test --test openapi` and build again"
        );
    }
}

#[test]
fn every_route_is_in_a_document_and_nothing_else() {
    let (rest, streams) = (documents::openapi(), documents::asyncapi());
    let mut operations = 0;
    for (method, path, kind) in documents::routes() {
        let told = &rest["paths"][path][method.to_lowercase()];
        assert_eq!(told.is_object(), kind == Kind::Rest, "{method} {path}");
        operations += usize::from(kind == Kind::Rest);
        let door = streams["channels"]
            .as_object()
            .unwrap()
            .values()
            .any(|channel| channel["address"] == path);
        assert_eq!(door, kind == Kind::Stream, "{method} {path}");
    }
    let told = rest["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|methods| methods.as_object().unwrap().len());
    assert_eq!(told.sum::<usize>(), operations);
}

#[test]
fn every_reference_leads_somewhere_and_names_are_unique() {
    for document in [documents::openapi(), documents::asyncapi()] {
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some(), "{reference}");
        }
    }
    let rest = documents::openapi();
    let methods = rest["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|methods| methods.as_object().unwrap().values());
    let mut ids: Vec<_> = methods.map(|told| told["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// What `schema`, a part of `document`, admits.
fn validator(document: &Value, schema: &Value) -> Validator {
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema")
}

fn hold(document: &Value, schema: &Value, found: &Value, what: &str) {
    let faults: Vec<String> = validator(document, schema)
        .iter_errors(found)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{what}: {faults:?}\n{found:#}");
}

/// The schema that the document gives for an answer of `status`; null when it has no body.
fn answer(document: &Value, method: &str, path: &str, status: u16) -> Value {
    let told = &document["paths"][path][method.to_lowercase()]["responses"][status.to_string()];
    assert!(told.is_object(), "{method} {path} does not say that it answers {status}");
    let told = match told["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("it leads somewhere"),
        None => told,
    };
    let content = told["content"].as_object().and_then(|content| content.values().next());
    content.map_or(Value::Null, |content| content["schema"].clone())
}

#[test]
fn real_answers_are_as_the_document_says() {
    let device = Device::with_history(Settings::default(), 5);
    let document = documents::openapi();
    let asked = [
        ("GET", "/api/events", "/api/events?limit=2", "", 200),
        ("GET", "/api/events", "/api/events?limit=0", "", 400),
        ("POST", "/api/events", "/api/events", "", 202),
        ("GET", "/api/events/{id}", "/api/events/3", "", 200),
        ("GET", "/api/events/{id}", "/api/events/99", "", 404),
        ("GET", "/api/events/{id}", "/api/events/x", "", 400),
        ("GET", "/api/armed", "/api/armed", "", 200),
        ("PUT", "/api/armed", "/api/armed", "{\"armed\": false}", 202),
        ("PUT", "/api/armed", "/api/armed", "{}", 400),
        ("GET", "/api/health", "/api/health", "", 200),
        ("GET", "/api/health/live", "/api/health/live", "", 200),
        ("GET", "/api/health/ready", "/api/health/ready", "", 200),
        ("GET", "/api/health/websocket", "/api/health/websocket", "", 200),
        ("GET", "/api/zones", "/api/zones", "", 200),
        ("GET", "/api/tuning", "/api/tuning", "", 200),
        ("GET", "/api/system", "/api/system", "", 200),
        ("GET", "/api/logs", "/api/logs", "", 200),
        ("POST", "/api/test/{kind}", "/api/test/overlay", "", 202),
        ("POST", "/api/test/{kind}", "/api/test/cat", "", 404),
        ("POST", "/api/announcement", "/api/announcement", "{\"message\": \"hello\"}", 202),
        ("POST", "/api/announcement", "/api/announcement", "", 400),
    ];
    for (method, path, target, body, status) in asked {
        let (found, json) = device.request(method, target, body);
        assert_eq!(found, status, "{method} {target}: {json}");
        hold(&document, &answer(&document, method, path, status), &json, target);
    }
    device.status.pipeline().camera = CameraState::Lost;
    for path in ["/api/health", "/api/health/ready"] {
        let (status, json) = device.get(path);
        hold(&document, &answer(&document, "GET", path, status), &json, path);
    }
    // Nobody answers wishes here, so that is what they come to.
    let wishes: Vec<_> = std::iter::from_fn(|| device.records.ask(lookout::records::Edit::Delete(1))).collect();
    for (method, path) in [
        ("DELETE", "/api/events/{id}"),
        ("PUT", "/api/events/{id}/bookmark"),
        ("DELETE", "/api/events/{id}/bookmark"),
    ] {
        let (status, json) = device.request(method, &path.replace("{id}", "3"), "");
        assert_eq!(status, 503);
        hold(&document, &answer(&document, method, path, status), &json, path);
    }
    drop(wishes);
}

#[test]
fn real_messages_are_as_the_document_says() {
    let device = Device::start(Settings::default());
    let document = documents::asyncapi();
    web::runtime().unwrap().block_on(async {
        let mut stream = device.open("/ws/events?since=0").await;
        stream.ask_for(&["overlay", "telemetry"]).await;
        device.publish();
        let ask = |kind: &str| assert_eq!(device.request("POST", &format!("/api/test/{kind}"), "").0, 202);
        ["event", "overlay", "telemetry"].into_iter().for_each(ask);
        let mut wanted = vec![
            "connection_status",
            "ping",
            "recovered",
            "subscription.confirmed",
            "event",
            "event.sample",
            "overlay.sample",
            "telemetry",
            "telemetry.sample",
        ];
        for _ in 0..MESSAGES_MAX {
            let found = stream.message().await;
            let sample = if found["test"] == true { ".sample" } else { "" };
            let kind = format!("{}{sample}", found["type"].as_str().unwrap());
            hold(&document, &document["components"]["messages"][&kind]["payload"], &found, &kind);
            wanted.retain(|name| *name != kind);
            if wanted.is_empty() {
                return;
            }
            // Of overlay and telemetry only the latest is told: a sample may have given way to what came a moment later.
            let missing = |kind: &&str| wanted.contains(&format!("{kind}.sample").as_str());
            ["overlay", "telemetry"].into_iter().filter(missing).for_each(ask);
        }
        panic!("{MESSAGES_MAX} messages without {wanted:?}");
    });
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let device = Device::start(Settings::default());
    for path in ["/docs", "/docs.css", "/docs.js"] {
        let answer = device.exchange(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("default-src 'none'"),
            "{answer}"
        );
        assert!(!answer.contains("://"), "{path} names another place");
        assert!(!answer.contains("style=") && !answer.contains("onclick"), "{path}");
    }
}
