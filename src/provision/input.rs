//! What may stand in `lookout.toml` of the boot partition, checked key by key. What is done with it is in `plan.rs`.
//!
//! A secret that was taken is replaced by the word [`TAKEN`], which is too short to be one: the file stays readable, and can be
//! read again.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::limits::FIRST_BOOT_BYTES_MAX;
use crate::limits::PASSWORD_BYTES_MAX;
use crate::limits::PASSWORD_BYTES_MIN;
use crate::network::wifi;
use crate::trigger::sensor;

/// What stands in place of a secret that was taken.
pub const TAKEN: &str = "taken";

const NAME_CHARS_MAX: usize = 63;
const SERVER_BYTES_MAX: usize = 253;
const KEY_BYTES_MAX: usize = 4096;

/// The file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    hostname: Option<String>,
    password: Option<Spanned<String>>,
    ssh_key: Option<String>,
    time_server: Option<String>,
    tls: Option<String>,
    wifi: Option<RawWifi>,
    setup: Option<RawSetup>,
    pir: Option<RawPir>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWifi {
    ssid: String,
    psk: Spanned<String>,
    country: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSetup {
    passphrase: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPir {
    line: Option<u8>,
    source: Option<String>,
}

/// A secret of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// It is there.
    New(String),
    /// An earlier run took it.
    Taken,
}

/// How to reach a network without a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wifi {
    /// Its name.
    pub ssid: String,
    /// Its password; empty for an open one.
    pub psk: Secret,
    /// Two letters, for what the law allows there.
    pub country: String,
}

/// What the file asks for, each value of its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The device's name.
    pub hostname: Option<String>,
    /// Its first password.
    pub password: Option<Secret>,
    /// Who may log in at a shell.
    pub ssh_key: Option<String>,
    /// Who tells the time.
    pub time_server: Option<String>,
    /// What is spoken below HTTP.
    pub tls: Option<String>,
    /// The network.
    pub wifi: Option<Wifi>,
    /// Passphrase of the access point that is opened where no network is known; where it is not given, the password is.
    pub setup: Option<Secret>,
    /// The PIR sensor, as the configuration names it.
    pub pir: Option<String>,
    /// The file.
    text: String,
    /// Where secrets stand in it.
    secrets: Vec<Range<usize>>,
}

/// Reads the file; what is wrong with it, in words, one for each fault.
pub fn parse(bytes: &[u8]) -> Result<Wanted, Vec<String>> {
    if bytes.len() as u64 > FIRST_BOOT_BYTES_MAX {
        return Err(vec![format!("the file has more than {FIRST_BOOT_BYTES_MAX} bytes")]);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| vec!["the file is not text (UTF-8)".to_owned()])?;
    let text = text.trim_start_matches('\u{feff}'); // which Windows' editors put there
    let raw: Raw = toml::from_str(text).map_err(|error| vec![syntax(text, &error)])?;
    let wanted = wanted(raw, text);
    let complaints = complaints(&wanted);
    if complaints.is_empty() { Ok(wanted) } else { Err(complaints) }
}

impl Wanted {
    /// The passphrase of the access point of set-up, if there is to be one and it is new: whoever names a network needs none.
    pub fn setup_passphrase(&self) -> Option<&str> {
        let secret = self.setup.as_ref().or(self.password.as_ref().filter(|_| self.wifi.is_none()));
        match secret {
            Some(Secret::New(passphrase)) => Some(passphrase),
            _ => None,
        }
    }

    /// The file with every secret replaced; none when there is none in it.
    pub fn without_secrets(&self) -> Option<String> {
        let mut places = self.secrets.clone();
        places.sort_by_key(|place| std::cmp::Reverse(place.start));
        let mut text = self.text.clone();
        for place in &places {
            text.replace_range(place.clone(), &format!("\"{TAKEN}\""));
        }
        (!places.is_empty()).then_some(text)
    }
}

/// A fault of TOML, without the line itself, which may hold a secret.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}

fn wanted(raw: Raw, text: &str) -> Wanted {
    let mut secrets = Vec::new();
    let mut secret = |given: Spanned<String>, open: bool| {
        let place = given.span();
        match given.into_inner() {
            taken if taken == TAKEN => Secret::Taken,
            none if open && none.is_empty() => Secret::New(none),
            new => {
                secrets.push(place);
                Secret::New(new)
            }
        }
    };
    let password = raw.password.map(|password| secret(password, false));
    let wifi = raw.wifi.map(|wifi| Wifi {
        ssid: wifi.ssid,
        psk: secret(wifi.psk, true),
        country: wifi.country,
    });
    let setup = raw.setup.map(|setup| secret(setup.passphrase, false));
    Wanted {
        hostname: raw.hostname.map(|name| name.to_ascii_lowercase()),
        password,
        ssh_key: raw.ssh_key.map(|key| key.trim().to_owned()),
        time_server: raw.time_server,
        tls: raw.tls,
        wifi,
        setup,
        pir: raw.pir.and_then(|pir| pir.source.or(pir.line.map(|line| format!("rppal:{line}")))),
        text: text.to_owned(),
        secrets,
    }
}

fn complaints(wanted: &Wanted) -> Vec<String> {
    let passwords = PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX;
    let new = |secret: &Secret, good: &dyn Fn(&str) -> bool| match secret {
        Secret::New(text) => good(text),
        Secret::Taken => true,
    };
    let password = |text: &str| passwords.contains(&text.len()) && !text.contains(['\n', '\r']);
    let checks = [
        (
            wanted.hostname.as_deref().is_none_or(is_name),
            "hostname is 1 to 63 letters, digits and dashes, with no dash at its ends",
        ),
        (
            wanted.password.as_ref().is_none_or(|given| new(given, &password)),
            "password is 8 to 128 characters on one line",
        ),
        (
            wanted.ssh_key.as_deref().is_none_or(is_ssh_key),
            "ssh_key is one line as in a .pub file: \"ssh-ed25519 AAAA... name\"",
        ),
        (
            wanted.time_server.as_deref().is_none_or(is_server),
            "time_server is a name or an address, as in \"pool.ntp.org\"",
        ),
        (
            wanted.tls.as_deref().is_none_or(|tls| ["off", "self_signed"].contains(&tls)),
            "tls is \"off\" or \"self_signed\"",
        ),
        (
            wanted.wifi.as_ref().is_none_or(|wifi| wifi::is_ssid(&wifi.ssid)),
            "wifi.ssid is 1 to 32 bytes of text",
        ),
        (
            wanted
                .wifi
                .as_ref()
                .is_none_or(|wifi| new(&wifi.psk, &|psk| psk.is_empty() || wifi::is_secret(psk))),
            "wifi.psk is 8 to 63 characters, 64 hexadecimal digits, or \"\" for an open network",
        ),
        (
            wanted.wifi.as_ref().is_none_or(|wifi| wifi::is_country(&wifi.country)),
            "wifi.country is two capital letters, as in \"DE\"",
        ),
        (
            wanted.setup.as_ref().is_none_or(|setup| new(setup, &wifi::is_passphrase)),
            "setup.passphrase is 8 to 63 characters of plain ASCII",
        ),
        (
            wanted.setup.is_none() || wanted.password.is_some(),
            "setup.passphrase needs a password beside it: without one the device answers itself alone",
        ),
        (
            wanted.wifi.is_some()
                || wanted.setup.is_some()
                || wanted.password.as_ref().is_none_or(|given| new(given, &wifi::is_passphrase)),
            "the access point of set-up cannot have this password (it takes 8 to 63 characters of plain ASCII): \
             write another one as setup.passphrase, or the network as wifi",
        ),
        (
            wanted.pir.as_ref().is_none_or(|pir| pir.parse::<sensor::Spec>().is_ok()),
            "pir.line is 0 to 27; or pir.source is \"auto\", \"none\", \"rppal:BCM\" or \"chip:LABEL/LINE\"",
        ),
    ];
    checks
        .into_iter()
        .filter(|(good, _)| !good)
        .map(|(_, words)| words.to_owned())
        .collect()
}

/// RFC 1123, section 2.1: one label.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-') && !name.ends_with('-')
}

fn is_ssh_key(key: &str) -> bool {
    let mut words = key.split(' ');
    let kind = words.next().unwrap_or_default();
    let known = [
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
    ];
    let base64 = |text: &str| text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    known.contains(&kind) && words.next().is_some_and(base64) && key.len() <= KEY_BYTES_MAX && !key.contains(char::is_control)
}

fn is_server(server: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    (1..=SERVER_BYTES_MAX).contains(&server.len()) && server.bytes().all(plain)
}
