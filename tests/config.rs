//! The configuration: refused in words that help, layered, never a panic. The files in `config/` have `config_files.rs`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use lookout::config::Config;
use lookout::config::Overrides;
use lookout::limits::CONFIG_BYTES_MAX;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("lookout.toml")).map_err(|error| error.to_string())
}

/// Nesting as deep as a file may be long, in each way that TOML has.
#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let times = CONFIG_BYTES_MAX as usize / 4;
    let arrays = format!("x = {}", "[".repeat(times));
    let closed = format!("x = {}{}", "[".repeat(times), "]".repeat(times));
    let tables = format!("x = {}", "{a=".repeat(times));
    let dotted = format!("{}a = 1", "a.".repeat(times));
    let header = format!("[{}a]", "a.".repeat(times));
    for text in [arrays, closed, tables, dotted, header] {
        refused(&text, &["lookout.toml:1: "]);
    }
}

/// Asserts that `text` is refused with a message that holds every one of `parts`.
#[track_caller]
fn refused(text: &str, parts: &[&str]) {
    let message = parse(text).expect_err("must be refused");
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
}

#[test]
fn a_value_out_of_range_is_named_with_its_line_and_what_is_allowed() {
    refused(
        "\n\n[motion]\nsensitivity = 11\n",
        &["lookout.toml:4: motion.sensitivity = 11: allowed is 1 to 10"],
    );
    refused("[motion]\nsensitivity = -1\n", &["lookout.toml:2: motion.sensitivity = -1"]);
    refused(
        "[motion]\nobject_size_min = nan\n",
        &["motion.object_size_min = nan: allowed is 0.005 to 0.5"],
    );
    refused("[camera]\nwidth = 4000\n", &["camera.width = 4000: allowed is 64 to 2592"]);
    refused("[camera]\nwidth = 99999999999999999999\n", &["allowed is 64 to 2592"]);
    refused(
        "[memory]\nbudget = \"16MB\"\n",
        &["memory.budget = \"16MB\": allowed is \"4MiB\" to \"1GiB\""],
    );
    refused(
        "[memory]\nbudget = \"99999999999999999GiB\"\n",
        &["allowed is \"4MiB\" to \"1GiB\""],
    );
    refused("[web]\nidle_ms = 999\n", &["web.idle_ms = 999: allowed is 1000 to 300000"]);
    refused("[event]\nfusion = \"any\"\n", &["event.fusion = \"any\"", "\"pir_arms_video\""]);
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_like_one_out_of_range() {
    refused(
        "[motion]\nsensitivity = \"5\"\n",
        &["lookout.toml:2: motion.sensitivity = \"5\": allowed is 1 to 10"],
    );
    refused("[event]\narmed = 1\n", &["event.armed = 1: allowed is true or false"]);
    refused("[event]\ngap_ms = 1.5\n", &["event.gap_ms = 1.5: allowed is 100 to 60000"]);
    refused("motion = 3\n", &["lookout.toml:1: motion = 3: allowed is a table of keys"]);
    refused("[motion.zones]\nname = \"door\"\n", &["motion.zones", "allowed is 0 to 16 tables"]);
    refused(
        "[web]\nlisten = \"localhost\"\n",
        &["web.listen = \"localhost\": allowed is an address and a port"],
    );
    refused(
        "[camera]\nsource = \"rtsp://x\"\n",
        &["camera.source = \"rtsp://x\"", "\"v4l2:DEVICE\""],
    );
    refused("[pir]\nsource = \"rppal:99\"\n", &["pir.source = \"rppal:99\"", "0 to 27"]);
}

#[test]
fn an_unknown_key_is_named_with_what_is_near_it() {
    refused(
        "[camera]\n\ncamera = 1\n",
        &["lookout.toml:3: unknown key camera.camera; allowed: id, source, width, height"],
    );
    refused(
        "[camera]\nwidht = 640\n",
        &["lookout.toml:2: unknown key camera.widht (camera.width?); allowed: id"],
    );
    refused(
        "[motoin]\n",
        &["lookout.toml:1: unknown key motoin (motion?); allowed: camera, pir"],
    );
    refused(
        "[[motion.zones]]\ncolour = 1\n",
        &["unknown key motion.zones[0].colour", "allowed: name, polygon, sensitivity"],
    );
}

#[test]
fn text_that_is_not_toml_is_refused_at_its_line_and_column() {
    refused("[camera]\nwidth = = 3\n", &["lookout.toml:2: column 9: "]);
    refused("[camera\n", &["lookout.toml:1: column 8: "]);
    refused("[camera]\nwidth = 640\nwidth = 320\n", &["lookout.toml:3: column 1: duplicate key"]);
}

#[test]
fn zones_and_masks_are_whole_and_have_an_area() {
    let door = "[[motion.zones]]\nname = \"door\"\npolygon = [[0, 0], [1, 0], [1, 1]]\n";
    assert_eq!(parse(door).expect("valid").motion.zones[0].polygon.len(), 3);
    refused(
        "[[motion.zones]]\nname = \"door\"\n",
        &["lookout.toml:1: motion.zones[0].polygon is missing"],
    );
    refused(
        &format!("{door}{door}"),
        &["lookout.toml:5: motion.zones[1].name = door: allowed is a name of its own"],
    );
    refused(
        "[[motion.masks]]\npolygon = [[0, 0], [1, 0]]\n",
        &["motion.masks[0].polygon", "3 to 32 corners"],
    );
    refused(
        "[[motion.masks]]\npolygon = [[0, 0], [1, 0], [1, 2]]\n",
        &["motion.masks[0].polygon", "each 0 to 1"],
    );
    refused(
        "[[motion.masks]]\npolygon = [[0, 0], [1, 1], [0.5, 0.5]]\n",
        &["lookout.toml:2: motion.masks[0].polygon", "an area"],
    );
    refused(
        &"[[motion.masks]]\npolygon = [[0, 0], [1, 0], [1, 1]]\n".repeat(17),
        &["motion.masks[16]", "0 to 16 tables"],
    );
}

#[test]
fn cameras_and_sensors_are_shown_as_they_are_written() {
    let shown = |table: &str, spec: &str| {
        let config = parse(&format!("[{table}]\nsource = {spec:?}\n")).expect("allowed");
        let key = format!("{table}.source");
        config.keys().into_iter().find(|found| found.key == key).map(|found| found.value)
    };
    for spec in ["auto", "scene", "scene:seed=7", "v4l2:/dev/video2", "replay:a clip: 2.y4m"] {
        assert_eq!(shown("camera", spec), Some(format!("{spec:?}")));
    }
    for spec in ["auto", "none", "rppal:27", "chip:gpio-sim/PIR", "chip:/dev/gpiochip0/4"] {
        assert_eq!(shown("pir", spec), Some(format!("{spec:?}")));
    }
    for (table, spec) in [
        ("camera", "v4l2:"),
        ("camera", "usb"),
        ("camera", "auto:1"),
        ("pir", "chip:x"),
        ("pir", "chip:/1"),
        ("pir", "rppal:28"),
    ] {
        refused(
            &format!("[{table}]\nsource = {spec:?}\n"),
            &[&format!("{table}.source = {spec:?}: allowed is \"auto\"")],
        );
    }
}

#[test]
fn keys_agree_with_each_other() {
    refused(
        "[motion]\nconfirm_frames = 5\n",
        &["lookout.toml:2: motion.confirm_frames = 5: allowed is at most motion.confirm_window, 3"],
    );
    refused(
        "[motion]\nconfirm_window = 1\n",
        &["lookout.toml:2: motion.confirm_frames = 2: allowed is at most motion.confirm_window, 1"],
    );
    refused(
        "[event]\ngap_ms = 60000\nlength_max_s = 5\n",
        &["lookout.toml:2: event.gap_ms = 60000: allowed is less than"],
    );
    refused("[camera]\nwidth = 641\n", &["camera.width = 641: allowed is an even number"]);
}

#[test]
fn an_open_port_is_asked_for_in_so_many_words() {
    refused(
        "[web]\nlisten = \"0.0.0.0:8000\"\n",
        &["lookout.toml:2: web.listen = 0.0.0.0:8000", "auth = \"none\" under [web]"],
    );
    for (listen, auth) in [
        ("127.0.0.9:1", "loopback"),
        ("[::1]:0", "loopback"),
        ("[::]:80", "none"),
        ("0.0.0.0:80", "password"),
        ("10.0.0.1:80", "none"),
    ] {
        let config = parse(&format!("[web]\nlisten = {listen:?}\nauth = {auth:?}\n")).expect("allowed");
        assert_eq!(config.web.listen.to_string(), listen);
    }
}

#[test]
fn a_later_layer_wins_and_is_named_when_it_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("lookout.toml");
    fs::write(
        &file,
        "[web]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n[camera]\nid = \"from file\"\n",
    )
    .expect("written");
    let environment = |name: &str, value: &str| {
        let (name, value) = (name.to_owned(), OsString::from(value));
        Overrides::from_environment(move |asked| (asked == name).then(|| value.clone()))
    };
    let arguments = Overrides {
        config: Some(file),
        ..Overrides::default()
    };
    let listen = |arguments: &Overrides, environment: &Overrides| Config::load(arguments, environment).expect("valid").web.listen.port();

    assert_eq!(listen(&Overrides::default(), &Overrides::default()), 8000);
    assert_eq!(listen(&arguments, &Overrides::default()), 1);
    assert_eq!(listen(&arguments, &environment("LOOKOUT_LISTEN", "127.0.0.1:2")), 2);
    assert_eq!(listen(&arguments, &environment("LOOKOUT_LISTEN", "")), 1);
    let both = Overrides {
        listen: Some("127.0.0.1:3".into()),
        ..arguments.clone()
    };
    assert_eq!(listen(&both, &environment("LOOKOUT_LISTEN", "127.0.0.1:2")), 3);
    assert_eq!(Config::load(&both, &Overrides::default()).expect("valid").camera.id, "from file");

    let said = |arguments: &Overrides, environment: &Overrides| Config::load(arguments, environment).expect_err("refused").to_string();
    let wrong = said(&arguments, &environment("LOOKOUT_BUDGET", "lots"));
    assert_eq!(
        wrong,
        "environment LOOKOUT_BUDGET: memory.budget = lots: allowed is \"4MiB\" to \"1GiB\""
    );
    let open = Overrides {
        listen: Some("0.0.0.0:80".into()),
        ..Overrides::default()
    };
    assert!(said(&open, &Overrides::default()).starts_with("--listen: web.listen = 0.0.0.0:80: "));
}

#[test]
fn every_override_reaches_its_key() {
    let given = Overrides::from_environment(|name| {
        let value = match name {
            "LOOKOUT_LISTEN" => "127.0.0.1:9",
            "LOOKOUT_DATA_DIR" => "/tmp/elsewhere",
            "LOOKOUT_SOURCE" => "scene:seed=3",
            "LOOKOUT_PIR" => "chip:gpio-sim/PIR",
            "LOOKOUT_CLAIM_PASSWORD_FILE" => "/boot/claim.txt",
            "LOOKOUT_BUDGET" => "32MiB",
            "LOOKOUT_LOG" => "trace",
            _ => return None,
        };
        Some(value.into())
    });
    for (arguments, environment) in [(&given, &Overrides::default()), (&Overrides::default(), &given)] {
        let config = Config::load(arguments, environment).expect("valid");
        let changed: Vec<_> = config
            .keys()
            .into_iter()
            .zip(Config::default().keys())
            .filter(|(now, then)| now != then)
            .collect();
        let shown: Vec<_> = changed.iter().map(|(now, _)| format!("{} = {}", now.key, now.value)).collect();
        assert_eq!(
            shown,
            [
                "camera.source = \"scene:seed=3\"",
                "pir.source = \"chip:gpio-sim/PIR\"",
                "store.dir = \"/tmp/elsewhere\"",
                "web.listen = \"127.0.0.1:9\"",
                "web.claim_password_file = \"/boot/claim.txt\"",
                "memory.budget = \"32MiB\"",
                "log.level = \"trace\"",
            ]
        );
    }
}

#[test]
fn a_file_that_cannot_be_a_configuration_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let check = |name: &str, content: Option<&[u8]>, parts: &[&str]| {
        let file = folder.path().join(name);
        if let Some(content) = content {
            fs::write(&file, content).expect("written");
        }
        let arguments = Overrides {
            config: Some(file),
            ..Overrides::default()
        };
        let message = Config::load(&arguments, &Overrides::default()).expect_err("refused").to_string();
        for part in parts.iter().chain(&[name]) {
            assert!(message.contains(part), "{message:?} lacks {part:?}");
        }
    };
    check("missing.toml", None, &["cannot be read: No such file"]);
    check("", None, &["cannot be read: Is a directory"]);
    check("latin1.toml", Some(b"[log]\nlevel = \"caf\xe9\"\n"), &["latin1.toml:2: not UTF-8"]);
    check(
        "long.toml",
        Some(&vec![b'#'; CONFIG_BYTES_MAX as usize + 1]),
        &["longer than 65536 bytes"],
    );
    check("endless.toml", Some(&vec![b'['; 60_000]), &["endless.toml:1: column "]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn whatever_is_accepted_is_shown_as_it_was_written(
        sensitivity in 1_u8..=10, similarity in 0_u16..=1000, budget in 4_u64..=1024, days in 1_u64..=3650, name in "[a-z\"\\\\ é]{1,8}x"
    ) {
        let shown = |key: &str, value: &str| {
            let (table, name) = key.split_once('.').expect("a key in a table");
            let config = parse(&format!("[{table}]\n{name} = {value}\n")).expect("allowed");
            let found = config.keys().into_iter().find(|found| found.key == key).expect("a key");
            parse(&format!("[{table}]\n{name} = {}\n", found.value)) == Ok(config)
        };
        for (key, value) in [
            ("motion.sensitivity", sensitivity.to_string()),
            ("event.similarity", (f64::from(similarity) / 1000.0).to_string()),
            ("memory.budget", format!("\"{budget}MiB\"")),
            ("store.age_max_days", days.to_string()),
            ("camera.id", format!("{name:?}")),
        ] {
            prop_assert!(shown(key, &value), "{} = {}", key, value);
        }
    }
}
