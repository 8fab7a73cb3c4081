//! Which files the data partition is to have, given what is wanted: for the service, for iwd, for timesyncd, for dropbear.

use std::path::Path;
use std::path::PathBuf;

use toml::Table;
use toml::Value;

use super::Places;
use super::disk::Access;
use super::disk::Disk;
use super::input::Secret;
use super::input::Wanted;
use super::input::Wifi;
use super::input::is_name;
use crate::board::Board;
use crate::config::Config;
use crate::limits::CONFIG_BYTES_MAX;
use crate::network::files as iwd;

/// Folder of the service on the data partition.
pub(super) const SERVICE: &str = "lookout";
/// The service's configuration, in its folder.
const CONFIG: &str = "lookout.toml";
/// The first password, in the service's folder, which takes it from there.
const CLAIM: &str = "claim-password";
/// Longest name of the device that is read, in bytes, with its line's end.
const NAME_BYTES_MAX: u64 = 80;
/// Folder of iwd on the data partition.
const IWD: &str = "iwd";
/// What the service is called where nothing tells it from others.
const NAMELESS: &str = "lookout";
/// What the service keeps once it has a password.
const IDENTITY: &str = "identity.json";

/// A file that there is to be.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    pub(super) access: Access,
}

/// The files; or what cannot be had, in words.
pub(super) fn of(wanted: &Wanted, places: &Places, board: &Board, disk: &dyn Disk) -> Result<Vec<Planned>, Vec<String>> {
    let data = &places.data;
    let file = |path: PathBuf, content: String, access| Planned {
        path,
        content: content.into_bytes(),
        access,
    };
    let mut files = Vec::new();
    files.extend(host_name(wanted, data, board, disk).map(|name| file(data.join("hostname"), name + "\n", Access::Public)));
    if let Some(Secret::New(password)) = &wanted.password {
        files.push(file(data.join(SERVICE).join(CLAIM), format!("{password}\n"), Access::Service));
    }
    if let Some(wifi) = &wanted.wifi {
        let country = iwd::country_content(&wifi.country);
        files.push(file(data.join(IWD).join("main.conf"), country, Access::Secret));
        let (path, content) = network(data, wifi);
        files.extend(content.map(|content| file(path, content, Access::Secret)));
    }
    if let Some(passphrase) = wanted.setup_passphrase() {
        let (path, content) = iwd::access_point(&name(wanted, data, board, disk), passphrase);
        files.push(file(data.join(IWD).join(path), content, Access::Secret));
    }
    if let Some(server) = &wanted.time_server {
        files.push(file(data.join("timesyncd.conf"), format!("[Time]\nNTP={server}\n"), Access::Public));
    }
    if let Some(key) = &wanted.ssh_key {
        files.push(file(data.join("ssh/authorized_keys"), format!("{key}\n"), Access::Secret));
    }
    let missing = missing(wanted, data, disk);
    let config = configuration(wanted, places, disk).map_err(|why| [missing.clone(), vec![why]].concat())?;
    files.extend(config.map(|text| file(data.join(SERVICE).join(CONFIG), text, Access::Service)));
    if missing.is_empty() { Ok(files) } else { Err(missing) }
}

/// The name that is wanted, or else, where there is none yet, that of this board.
fn host_name(wanted: &Wanted, data: &Path, board: &Board, disk: &dyn Disk) -> Option<String> {
    let none_yet = || !exists(disk, &data.join("hostname"));
    let own = || {
        board
            .short_serial()
            .filter(|_| none_yet())
            .map(|serial| format!("lookout-{serial}"))
    };
    wanted.hostname.clone().or_else(own)
}

/// What the device is called from now on, as far as it is known here.
fn name(wanted: &Wanted, data: &Path, board: &Board, disk: &dyn Disk) -> String {
    let kept = || {
        let bytes = disk.read(&data.join("hostname"), NAME_BYTES_MAX).ok()??;
        Some(String::from_utf8(bytes).ok()?.trim().to_owned())
    };
    let known = host_name(wanted, data, board, disk).or_else(kept);
    known.filter(|name| is_name(name)).unwrap_or_else(|| NAMELESS.to_owned())
}

/// Secrets that are said to have been taken, and are not there.
fn missing(wanted: &Wanted, data: &Path, disk: &dyn Disk) -> Vec<String> {
    let again = |key: &str| format!("{key} was taken before, and the device has it no more: write it again");
    let service = data.join(SERVICE);
    let claimed = || exists(disk, &service.join(IDENTITY)) || exists(disk, &service.join(CLAIM));
    let known = |wifi: &Wifi| exists(disk, &network(data, wifi).0);
    let password = wanted.password == Some(Secret::Taken) && !claimed();
    let psk = wanted.wifi.as_ref().is_some_and(|wifi| wifi.psk == Secret::Taken && !known(wifi));
    [(password, "password"), (psk, "wifi.psk")]
        .into_iter()
        .filter(|(missing, _)| *missing)
        .map(|(_, key)| again(key))
        .collect()
}

fn exists(disk: &dyn Disk, file: &Path) -> bool {
    disk.read(file, 0).is_ok_and(|found| found.is_some())
}

/// The service's configuration with what is wanted in it; none when it says so already. What else stands in it stays.
fn configuration(wanted: &Wanted, places: &Places, disk: &dyn Disk) -> Result<Option<String>, String> {
    let folder = places.data.join(SERVICE);
    let kept = folder.join(CONFIG);
    let read = |file: &Path| {
        let bytes = disk
            .read(file, CONFIG_BYTES_MAX)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        Ok::<_, String>(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let there = read(&kept)?;
    let text = match &there {
        Some(text) => text.clone(),
        None => read(&places.base)?.unwrap_or_default(),
    };
    let before: Table = text
        .parse()
        .map_err(|error| format!("the configuration that is kept is no TOML: {error}"))?;
    let mut table = before.clone();
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    set(&mut table, "store", "dir", Some(path(folder.clone())));
    set(&mut table, "pir", "source", wanted.pir.clone());
    set(&mut table, "web", "tls", wanted.tls.clone());
    let claimed = wanted.password.as_ref();
    set(&mut table, "web", "claim_password_file", claimed.map(|_| path(folder.join(CLAIM))));
    set(&mut table, "web", "auth", claimed.map(|_| "password".to_owned()));
    if claimed.is_some() {
        let (listen, redirect) = match speaks_tls(&table) {
            true => (places.listen_tls.clone(), places.listen.clone()),
            false => (places.listen.clone(), String::new()),
        };
        set(&mut table, "web", "listen", Some(listen));
        set(&mut table, "web", "redirect", Some(redirect));
    }
    if there.is_some() && table == before {
        return Ok(None);
    }
    let text = toml::to_string(&table).map_err(|error| error.to_string())?;
    Config::parse(&text, &kept).map_err(|error| format!("with this, the configuration would not hold: {error}"))?;
    Ok(Some(text))
}

/// Whether the service will, by what is wanted or was kept.
fn speaks_tls(table: &Table) -> bool {
    let mode = table.get("web").and_then(|web| web.get("tls")).and_then(Value::as_str);
    mode.is_some_and(|mode| mode != "off")
}

fn set(table: &mut Table, section: &str, key: &str, value: Option<String>) {
    let Some(value) = value else { return };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), Value::String(value));
    }
}

/// Where iwd looks for a network, and what it is told of it, unless it was told before.
fn network(data: &Path, wifi: &Wifi) -> (PathBuf, Option<String>) {
    let psk = match &wifi.psk {
        Secret::New(psk) => Some(psk.as_str()),
        Secret::Taken => None,
    };
    let file = iwd::name(&wifi.ssid, psk.unwrap_or("taken"));
    (data.join(IWD).join(file), psk.map(iwd::content))
}
