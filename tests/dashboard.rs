//! The dashboard as it is served: what is packed is what was written, small, kept by version, and confined.

mod device;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use device::Device;
use flate2::read::GzDecoder;
use lookout::web::Settings;
use ring::digest::SHA256;
use ring::digest::digest;

/// Everything that the page may load, compressed.
const PAGE_BYTES_MAX: usize = 60 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/dashboard")
}

/// Names of the files that were written, in the order of their bytes.
fn written() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the dashboard").flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).expect("gzip");
    bytes
}

fn version() -> String {
    let text = fs::read_to_string(folder().join("packed/version")).expect("a version");
    text.trim().to_owned()
}

/// Header (in lower case) and body of an answer.
fn get(device: &Device, path: &str, fields: &str) -> (String, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let answer = device.exchange_bytes(request.as_bytes());
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a header") + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    (head, answer[end..].to_vec())
}

#[test]
fn what_is_packed_is_what_was_written_and_small() {
    let mut total = 0;
    for name in written() {
        let packed = fs::read(folder().join(format!("packed/{name}.gz"))).unwrap_or_default();
        let same = !packed.is_empty() && unpacked(&packed) == fs::read(folder().join(&name)).expect("a file");
        assert!(same, "packed/{name}.gz is old: run tools/dashboard and build again");
        total += packed.len();
    }
    assert!(total <= PAGE_BYTES_MAX, "{total} bytes packed, {PAGE_BYTES_MAX} are the most");
}

#[test]
fn the_version_is_of_what_was_written() {
    let named = |end: &'static str| written().into_iter().filter(move |name| name.ends_with(end));
    let contents = named(".css")
        .chain(named(".js"))
        .map(|name| fs::read(folder().join(name)).expect("a file"));
    let hash = digest(&SHA256, &contents.collect::<Vec<_>>().concat());
    let hash: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(version(), hash, "run tools/dashboard and build again");
    let page = fs::read_to_string(folder().join("index.html")).expect("the page");
    let versions = page.split("/ui/").skip(1).map(|rest| rest.split('/').next());
    assert!(
        versions.into_iter().all(|named| named == Some(&hash)),
        "run tools/dashboard and build again"
    );
}

#[test]
fn every_file_is_served_packed_and_kept_for_good() {
    let device = Device::start(Settings::default());
    let of_page = |name: &String| name.ends_with(".js") || name.ends_with(".css");
    for name in written().iter().filter(|name| of_page(name)) {
        let path = format!("/ui/{}/{name}", version());
        let (head, body) = get(&device, &path, "Accept-Encoding: br, gzip;q=0.8\r\n");
        assert!(
            head.starts_with("http/1.1 200 ") && head.contains("\r\ncontent-encoding: gzip\r\n"),
            "{path}: {head}"
        );
        assert!(
            head.contains("\r\nvary: accept-encoding\r\n") && head.contains(", immutable\r\n"),
            "{head}"
        );
        let (plain_head, plain) = get(&device, &path, "");
        assert!(
            plain_head.starts_with("http/1.1 200 ") && !plain_head.contains("content-encoding"),
            "{plain_head}"
        );
        assert!(unpacked(&body) == plain && !plain.is_empty(), "{path}");
        let (refused, _) = get(&device, &path, "Accept-Encoding: gzip;q=0\r\n");
        assert!(!refused.contains("content-encoding"), "{refused}");
    }
    for path in [
        "/ui/0123456789abcdef/app.js",
        "/ui/app.js",
        "/ui/",
        &format!("/ui/{}/x.js", version()),
    ] {
        assert!(get(&device, path, "").0.starts_with("http/1.1 404 "), "{path}");
    }
    let (library, _) = get(&device, "/lookout-client.js", "");
    assert!(library.contains("\r\ncache-control: no-cache\r\n"), "{library}");
}

#[test]
fn the_page_is_confined_and_data_is_never_markup() {
    for name in written().iter().filter(|name| name.ends_with(".js")) {
        let script = fs::read_to_string(folder().join(name)).expect("a script");
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
        ] {
            assert!(!script.contains(word), "{name} has {word}");
        }
        let foreign = script
            .split("\"http")
            .skip(1)
            .filter(|rest| !rest.starts_with("://lookout.local") && !rest.starts_with("://www.w3.org"));
        assert_eq!(
            foreign.filter(|rest| rest.starts_with("://") || rest.starts_with("s://")).count(),
            0,
            "{name} names a host"
        );
    }
    let device = Device::start(Settings::default());
    let (head, page) = get(&device, "/", "");
    let page = String::from_utf8(page).expect("text");
    assert!(
        head.contains("\r\ncontent-security-policy: default-src 'none'; script-src 'self';"),
        "{head}"
    );
    assert!(!page.contains("://") && !page.contains("style=") && !page.contains("onclick") && !page.contains("<script>"));
}
