//! The Yocto layer builds what is in this tree: the crates of Cargo.lock, layers at one commit each, facts from board/ alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const CRATES: &str = "yocto/meta-lookout/recipes-lookout/lookout/lookout-crates.inc";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file under a folder of the project, with its text.
fn files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap().flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), read(&path)));
        }
    }
    found
}

/// Name, version and checksum of each crate that Cargo downloads.
fn locked() -> BTreeSet<[String; 3]> {
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let field = |package: &toml::Value, name: &str| package.get(name).and_then(toml::Value::as_str).map(str::to_owned);
    let packages = lock["package"].as_array().unwrap().iter();
    packages
        .filter_map(|package| Some([field(package, "name")?, field(package, "version")?, field(package, "checksum")?]))
        .collect()
}

#[test]
fn recipe_downloads_the_crates_of_the_lock_file() {
    let list = read(CRATES);
    let mut expected = BTreeSet::new();
    for [name, version, checksum] in locked() {
        expected.insert(format!("crate://crates.io/{name}/{version} \\"));
        expected.insert(format!("SRC_URI[{name}-{version}.sha256sum] = \"{checksum}\""));
    }
    let crates = |line: &&str| line.contains("crate://") || line.starts_with("SRC_URI[");
    let listed: BTreeSet<String> = list.lines().map(str::trim).filter(crates).map(str::to_owned).collect();
    assert!(listed.len() > 200, "the list of crates is not read");
    assert!(listed == expected, "{CRATES} is not Cargo.lock's: run tools/yocto --crates");
}

#[test]
fn every_layer_stands_at_one_commit() {
    let kas = read("yocto/kas.yml");
    let value = |line: &str, key: &str| line.trim().strip_prefix(key).map(|value| value.trim().to_owned());
    let urls = kas.lines().filter(|line| value(line, "url:").is_some()).count();
    let commits: Vec<_> = kas.lines().filter_map(|line| value(line, "commit:")).collect();
    let whole = |commit: &String| commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit());
    assert!(
        urls >= 4 && commits.len() == urls && commits.iter().all(whole),
        "{urls} layers at {commits:?}"
    );
}

#[test]
fn facts_are_read_and_not_written_again() {
    let facts = read("board/facts");
    let values = facts.lines().filter_map(|line| line.split_once("=\""));
    // Short numbers mean other things elsewhere.
    let telling: Vec<_> = values
        .map(|(name, value)| (name, value.trim_end_matches('"')))
        .filter(|(_, value)| value.len() > 4)
        .collect();
    assert!(telling.len() > 3, "the facts are not read");
    for (path, text) in files("yocto") {
        for (name, value) in &telling {
            assert!(!text.contains(value), "{path} writes {value}: that is {name} of board/facts");
        }
    }
}

#[test]
fn what_the_layer_asks_of_the_facts_is_there() {
    let board = ["board/facts", "board/virt/facts"].map(read).concat();
    let uses = [
        (
            "files/wic/lookout.wks.in",
            "ENV_OFFSET_A ENV_OFFSET_B FIRST_MIB BOOT_MIB ROOT_MIB DATA_MIB DISK_SIGNATURE",
        ),
        ("recipes-bsp/lookout-boot/lookout-boot_git.bb", "BOOT_ATTEMPTS ENV_BYTES"),
        ("recipes-lookout/bundles/lookout-bundle_git.bb", "COMPATIBLE"),
        ("recipes-lookout/images/lookout-image.bb", "ROOT_MIB"),
        ("recipes-lookout/lookout-system/lookout-system_git.bb", "SERVICE_UID"),
    ];
    for (path, names) in uses {
        let text = read(&format!("yocto/meta-lookout/{path}"));
        for name in names.split(' ') {
            assert!(text.contains(name), "{path} makes no use of {name}");
            assert!(
                board.lines().any(|line| line.starts_with(&format!("{name}=\""))),
                "{name} is no fact of board/"
            );
        }
    }
}
