//! The files in `config/`: every key documented, truly, and no change of them makes the service panic.

use std::path::Path;

use lookout::config::Config;
use proptest::prelude::*;

const DOCUMENTED: &str = include_str!("../config/lookout.toml");
const DEMO: &str = include_str!("../config/demo.toml");

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("lookout.toml")).map_err(|error| error.to_string())
}

/// The documented file with every setting in force; explanations stay comments.
fn uncommented() -> String {
    let setting = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
            .map(str::to_owned)
    };
    DOCUMENTED
        .lines()
        .map(|line| setting(line).unwrap_or_else(|| line.to_owned()) + "\n")
        .collect()
}

/// The documented file's examples, which are indented by three blanks.
fn examples() -> String {
    let example = |line: &'static str| {
        line.strip_prefix("#   ")
            .filter(|rest| rest.starts_with("[[") || rest.contains(" = "))
    };
    DOCUMENTED.lines().filter_map(example).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_documented_file_changes_nothing() {
    assert_eq!(parse(DOCUMENTED), Ok(Config::default()));
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    assert_eq!(parse(&uncommented()), Ok(Config::default()));
}

/// A setting of the documented file: its key, its value, and the paragraph that it stands in.
type Documented = (String, String, String);

fn documented() -> Vec<Documented> {
    let text = uncommented();
    let mut table = String::new();
    let mut settings = Vec::new();
    for paragraph in text.split("\n\n") {
        for line in paragraph.lines() {
            if let Some(name) = line.strip_prefix('[') {
                table = name.trim_end_matches(']').to_owned();
            } else if let Some((name, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
                settings.push((format!("{table}.{name}"), value.to_owned(), paragraph.to_owned()));
            }
        }
    }
    settings
}

#[test]
fn every_key_is_documented_with_its_default_its_cost_and_what_is_allowed() {
    let keys = Config::default().keys();
    let (lists, values): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.value.is_empty());
    let documented = documented();
    let names: Vec<_> = documented.iter().map(|(key, ..)| key).collect();
    assert_eq!(names, values.iter().map(|key| &key.key).collect::<Vec<_>>());
    for (key, (name, value, paragraph)) in values.iter().zip(&documented) {
        assert_eq!(&key.value, value, "{name}");
        assert!(paragraph.contains("Cost: "), "{name} has no cost");
        assert!(
            paragraph.contains(&format!("Allowed: {}", key.allowed)),
            "{name}: allowed is {}",
            key.allowed
        );
    }
    for key in lists {
        let told = DOCUMENTED.contains(&format!("[[{}]]", key.key)) && DOCUMENTED.contains(&key.allowed);
        assert!(told, "{}", key.key);
    }
}

#[test]
fn the_examples_parse() {
    let config = parse(&examples()).expect("examples are valid");
    assert_eq!((config.motion.zones.len(), config.motion.masks.len()), (1, 1));
    assert_eq!(config.motion.zones[0].sensitivity, Some(7));
}

#[test]
fn the_demonstration_parses() {
    let config = parse(DEMO).expect("the demonstration is valid");
    assert_eq!(config.camera.source.spec.to_string(), "scene:seed=7");
    assert_eq!(config.motion.zones.len(), 2);
}

/// A piece that mutations put into a file: TOML's own signs, keys, extremes.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "[",
            "]",
            "[[",
            "=",
            ".",
            "\"",
            "'''",
            "\n",
            "#",
            "{",
            "}",
            "-",
            "1e999",
            "0x",
            "nan",
            "[motion]",
            "polygon = "
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
    ]
}

proptest! {
    #[test]
    fn no_change_of_a_valid_file_makes_it_panic(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), piece()), 1..6)
    ) {
        let mut chars: Vec<char> = format!("{}{}", uncommented(), examples()).chars().collect();
        for (begin, length, piece) in at {
            let begin = begin.index(chars.len() + 1);
            let end = begin + length.index((chars.len() - begin).min(20) + 1);
            chars.splice(begin..end, piece.chars());
        }
        let text: String = chars.into_iter().collect();
        if let Err(message) = parse(&text) {
            prop_assert!(message.starts_with("lookout.toml:"), "{}", message);
        }
    }
}
