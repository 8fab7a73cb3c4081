//! The house rules as a test: floors, file and function lengths, one clock, no leftovers. Each rule is a function on a
//! file's text, and is shown to fail on a text that breaks it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What is wrong in the file `path` with this `text`: line numbers from 1, and why.
type Rule = fn(path: &str, text: &str) -> Vec<(usize, String)>;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// Hosts that build files and scripts may name: those that everybody reaches.
const HOSTS: [&str; 8] = [
    "github.com",
    "crates.io",
    "rustup.rs",
    "static.rust-lang.org",
    "deb.debian.org",
    "snapshot.debian.org",
    "127.0.0.1",
    "localhost",
];

const RUST_RULES: [Rule; 8] = [
    header,
    file_length,
    function_length,
    one_clock,
    no_leftovers,
    no_sleep,
    one_use_a_line,
    floors,
];
const EVERY_FILE_RULES: [Rule; 4] = [no_machine_paths, public_hosts, public_registry, explained_dependencies];

#[test]
fn every_file_keeps_the_rules() {
    let mut found = Vec::new();
    for (path, text) in project_files() {
        let rust: &[Rule] = if path.ends_with(".rs") { &RUST_RULES } else { &[] };
        for rule in rust.iter().chain(&EVERY_FILE_RULES) {
            found.extend(rule(&path, &text).into_iter().map(|(line, why)| format!("{path}:{line}: {why}")));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let floors = floor_table();
    for (path, _) in project_files() {
        if let Some(module) = module_of(&path) {
            assert!(
                floor_of(&floors, &module).is_some(),
                "{path}: {module} is not in the floor table of src/README.md"
            );
        }
    }
}

#[test]
fn every_rule_can_fail() {
    let long_file = "//! x\n".repeat(FILE_LINES_MAX + 1);
    let long_function = format!(
        "    fn f(\n        a: u8,\n    ) {{\n{}    }}\n",
        "        x();\n".repeat(FUNCTION_LINES_MAX)
    );
    let breaks: [(Rule, &str, &str, usize); 18] = [
        (header, "src/a.rs", "use std::fmt;\n", 1),
        (file_length, "src/a.rs", &long_file, 401),
        (function_length, "src/a.rs", &long_function, 1),
        (one_clock, "src/hub.rs", concat!("\nlet t = std::time::Instant", "::now();\n"), 2),
        (one_clock, "tests/a.rs", concat!("SystemTime", "::now()\n"), 1),
        (no_leftovers, "src/a.rs", concat!("fn f() {\n    to", "do!()\n}\n"), 2),
        (no_leftovers, "tests/a.rs", concat!("#[ig", "nore]\n"), 1),
        (no_sleep, "tests/a.rs", concat!("fn f() {\n    std::thread", "::sleep(t);\n}\n"), 2),
        (one_use_a_line, "src/a.rs", "use std::{fmt, io};\n", 1),
        (floors, "src/clock.rs", "use crate::frame::Frame;\n", 1),
        (floors, "src/event.rs", "\nlet x = crate::web::Settings::default();\n", 2),
        (floors, "src/frame.rs", "use crate::trigger::Edge;\n", 1),
        (floors, "src/trigger.rs", "use crate::source::scene::Scene;\n", 1),
        (no_machine_paths, "README.md", concat!("see /ho", "me/someone/x\n"), 1),
        (public_hosts, "tools/run", "curl https://mirror.example/x\n", 1),
        (
            public_registry,
            "Cargo.lock",
            "source = \"registry+https://mirror.example/index\"\n",
            1,
        ),
        (explained_dependencies, "Cargo.toml", "[dependencies]\nlibc = \"0.2\"\n", 2),
        (explained_dependencies, "Cargo.toml", "[dependencies.libc]\nversion = \"0.2\"\n", 1),
    ];
    for (n, (rule, path, text, line)) in breaks.into_iter().enumerate() {
        let lines: Vec<_> = rule(path, text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [line], "case {n}: {path}");
    }
}

#[test]
fn no_rule_fails_without_reason() {
    let polls = concat!("fn until() {\n    while !done() {\n        std::thread", "::sleep(t);\n    }\n}\n");
    let function = format!(
        "fn f() {{\n{}}}\ntrait T {{\n    fn g(\n        &self,\n    ) -> u8;\n}}\n",
        "    x();\n".repeat(FUNCTION_LINES_MAX - 2)
    );
    let keeps: [(Rule, &str, &str); 10] = [
        (header, "src/a.rs", "//! What it is.\n"),
        (function_length, "src/a.rs", &function),
        (one_clock, "src/clock.rs", concat!("std::time::Instant", "::now()\n")),
        (no_sleep, "tests/a.rs", polls),
        (
            no_sleep,
            "tests/a.rs",
            concat!("std::thread", "::sleep(delay); // simulates a slow disk\n"),
        ),
        (one_use_a_line, "src/a.rs", "use std::fmt;\npub use std::io;\n"),
        (
            floors,
            "src/event/engine.rs",
            "use crate::event::model::Event;\nuse crate::motion::Score;\n",
        ),
        (floors, "src/trigger/chardev.rs", "use crate::trigger::Edge;\n"),
        (
            explained_dependencies,
            "Cargo.toml",
            "[dependencies]\nlibc = \"0.2\" # why\n[profile.dev]\nopt-level = 1\n",
        ),
        (public_hosts, "src/a.rs", "// https://www.rfc-editor.org/rfc/rfc9457\n"),
    ];
    for (n, (rule, path, text)) in keeps.into_iter().enumerate() {
        assert_eq!(rule(path, text), [], "case {n}: {path}");
    }
}

// ---- rules ----

fn header(_: &str, text: &str) -> Vec<(usize, String)> {
    let fault = (1, "the first line says in `//!` what belongs here".to_owned());
    if text.starts_with("//! ") { Vec::new() } else { vec![fault] }
}

fn file_length(_: &str, text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().count();
    let fault = (
        FILE_LINES_MAX + 1,
        format!("{lines} lines; split it where its header says two things, {FILE_LINES_MAX} are the most"),
    );
    if lines > FILE_LINES_MAX { vec![fault] } else { Vec::new() }
}

fn function_length(_: &str, text: &str) -> Vec<(usize, String)> {
    let long = |(begin, end): &(usize, usize)| end - begin + 1 > FUNCTION_LINES_MAX;
    let fault = |(begin, end)| {
        (
            begin,
            format!("a function of {} lines; {FUNCTION_LINES_MAX} are the most", end - begin + 1),
        )
    };
    functions(text).into_iter().filter(long).map(fault).collect()
}

fn one_clock(path: &str, text: &str) -> Vec<(usize, String)> {
    let clocks = [concat!("Instant", "::now"), concat!("SystemTime", "::now")];
    let why = |line: &str| (path != "src/clock.rs" && contains_any(line, &clocks)).then(|| "take a clock::Clock".to_owned());
    code_lines(text, why)
}

fn no_leftovers(_: &str, text: &str) -> Vec<(usize, String)> {
    let leftovers = [
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("db", "g!("),
        concat!("#[ig", "nore"),
    ];
    code_lines(text, |line| {
        contains_any(line, &leftovers).then(|| "unfinished, or left over".to_owned())
    })
}

/// A test waits for a condition: it sleeps only between two looks at it, or to simulate what is slow, and then says so.
fn no_sleep(path: &str, text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let loops = |line: &&str| contains_any(line, &["while ", "loop {", "for "]);
    let polls = |number: usize| {
        let around = |&(begin, end): &(usize, usize)| (begin..=end).contains(&number);
        functions(text)
            .iter()
            .filter(|function| around(function))
            .any(|(begin, _)| lines[*begin - 1..number].iter().any(loops))
    };
    let sleeps =
        |line: &str| contains_any(line, &[concat!("thread", "::sleep("), concat!("time", "::sleep(")]) && !line.contains("// simulates");
    let mut found = code_lines(text, |line| {
        (path.starts_with("tests/") && sleeps(line)).then(|| "poll a condition with a deadline, or say `// simulates ...` here".to_owned())
    });
    found.retain(|(number, _)| !polls(*number));
    found
}

fn one_use_a_line(_: &str, text: &str) -> Vec<(usize, String)> {
    let several = |line: &str| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.starts_with("use ") && (line.contains('{') || !line.ends_with(';'))
    };
    code_lines(text, |line| several(line).then(|| "one `use` per line".to_owned()))
}

/// A module uses only modules on lower floors, or its own.
fn floors(path: &str, text: &str) -> Vec<(usize, String)> {
    let Some(own) = module_of(path) else { return Vec::new() };
    let floors = floor_table();
    let floor = floor_of(&floors, &own);
    let upward = |used: &String| floor_of(&floors, used) >= floor && top(used) != top(&own);
    code_lines(text, |line| {
        let used = used_modules(line).find(upward)?;
        Some(format!("{own} uses {used}, which is not below it"))
    })
}

fn no_machine_paths(_: &str, text: &str) -> Vec<(usize, String)> {
    let paths = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    // A crate may be called what a folder is.
    let one = |line: &str| contains_any(line, &paths) && !line.contains("crate://crates.io/");
    all_lines(text, |line| one(line).then(|| "a path of one machine".to_owned()))
}

fn public_hosts(path: &str, text: &str) -> Vec<(usize, String)> {
    let builds = ["tools/", ".ci/", "Cargo.", "Cross.toml"]
        .iter()
        .any(|place| path.starts_with(place));
    let host = |url: &str| {
        url.split(['/', ':', '"', ' ', ')', '`', '\''])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let known = |host: &String| host.is_empty() || host.starts_with(['$', '{']) || HOSTS.contains(&host.as_str());
    all_lines(text, |line| {
        let unknown = line.split("://").skip(1).map(host).find(|host| !known(host))?;
        builds.then(|| format!("{unknown} is not a host that everybody reaches"))
    })
}

fn public_registry(path: &str, text: &str) -> Vec<(usize, String)> {
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let other = |line: &str| path.ends_with("Cargo.lock") && line.starts_with("source = ") && line != public;
    all_lines(text, |line| other(line).then(|| "a source other than crates.io".to_owned()))
}

fn explained_dependencies(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.ends_with("Cargo.toml") {
        return Vec::new();
    }
    let mut dependencies = false;
    all_lines(text, |line| {
        if line.starts_with('[') {
            dependencies = line.ends_with("dependencies]");
            return line.contains("dependencies.").then(|| "one line a dependency".to_owned());
        }
        let unexplained = dependencies && line.contains('=') && !line.contains(" # ");
        unexplained.then(|| "say in a comment why this dependency is here".to_owned())
    })
}

// ---- floors ----

/// Floors of modules, from the table of `src/README.md`; `name/` is what the folder holds where that has its own.
fn floor_table() -> BTreeMap<String, u32> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/README.md")).expect("src/README.md");
    let mut floors = BTreeMap::new();
    for row in readme.lines().filter_map(|line| line.strip_prefix("| ")) {
        let Some((Ok(floor), modules)) = row.split_once(" | ").map(|(floor, modules)| (floor.parse(), modules)) else {
            continue;
        };
        let quoted = modules.split('`').skip(1).step_by(2);
        let names = quoted.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || "_/".contains(c)));
        floors.extend(names.map(|name| (name.to_owned(), floor)));
    }
    assert!(floors.len() > 15, "the floor table is not found in src/README.md");
    floors
}

/// The module of a file, as `name` or `name/part`; `None` for the indices (`lib.rs`, `core.rs`, `main.rs`) and outside `src`.
fn module_of(path: &str) -> Option<String> {
    let module = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    (!["lib", "core", "main"].contains(&module)).then(|| module.to_owned())
}

/// The floor of `name` or `name/part`: that of the folder's content where the table has one.
fn floor_of(floors: &BTreeMap<String, u32>, module: &str) -> Option<u32> {
    let folder = module.contains('/').then(|| floors.get(&format!("{}/", top(module)))).flatten();
    folder.or_else(|| floors.get(top(module))).copied()
}

fn top(module: &str) -> &str {
    module.split('/').next().unwrap_or(module)
}

/// Modules that a line names by their path in the crate.
fn used_modules(line: &str) -> impl Iterator<Item = String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    line.split("crate::").skip(1).map(move |path| {
        let mut names = path.split("::").map(|part| part.split(|c| !is_name(c)).next().unwrap_or_default());
        let (module, part) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        if part.is_empty() {
            module.to_owned()
        } else {
            format!("{module}/{part}")
        }
    })
}

// ---- text ----

fn contains_any(line: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| line.contains(part))
}

/// What `why` says of each line.
fn all_lines(text: &str, mut why: impl FnMut(&str) -> Option<String>) -> Vec<(usize, String)> {
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| Some((index + 1, why(line)?)))
        .collect()
}

/// What `why` says of each line that is not a comment.
fn code_lines(text: &str, mut why: impl FnMut(&str) -> Option<String>) -> Vec<(usize, String)> {
    all_lines(text, |line| if line.trim_start().starts_with("//") { None } else { why(line) })
}

/// First and last lines of functions with a body of their own lines, in text as rustfmt lays it out.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let begins = |line: &str| {
        let head = line.trim_start().split('(').next().unwrap_or_default();
        !line.trim_start().starts_with("//") && head.split(' ').any(|word| word == "fn") && !line.ends_with([';', '}'])
    };
    let end = |begin: usize| {
        let outer = lines[begin..].iter().enumerate().skip(1);
        let mut level = outer.filter(|(_, line)| !line.is_empty() && indent(line) == indent(lines[begin]));
        let (after, last) = level.find(|(_, line)| line.trim_start().starts_with('}') || line.ends_with(';'))?;
        last.trim_start().starts_with('}').then_some((begin + 1, begin + after + 1))
    };
    (0..lines.len()).filter(|begin| begins(lines[*begin])).filter_map(end).collect()
}

/// Every text file of the project, with its path from the project's folder.
fn project_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    assert!(files.len() > 30, "the project's files are not found");
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of the project").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a kind of file");
        if kind.is_dir() && !["target", ".git", ".cache", "data"].contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() && name != ".git" {
            files.extend(fs::read_to_string(entry.path()).map(|text| (path, text)));
        }
    }
}
