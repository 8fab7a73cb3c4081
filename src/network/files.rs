//! What iwd keeps of networks, in files of its own form, and how a network that is only tried is told from one that is kept: iwd is
//! to join it when it is told and not by itself. So a power cut at any moment leaves a network that was tested, or none.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use data_encoding::HEXLOWER;

use super::Wish;
use super::wifi;
use crate::identity::file;
use crate::limits::WIFI_FILE_BYTES_MAX;

/// What marks a network that is only tried; iwd keeps it when it writes the file anew.
const TRIED: &str = "AutoConnect=false";
/// Kinds of networks, as the names of iwd's files end.
const KINDS: [&str; 3] = ["psk", "open", "8021x"];

/// iwd's folder.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

/// How it was before a network was tried.
#[derive(Debug)]
pub struct Before {
    file: PathBuf,
    content: Option<Vec<u8>>,
}

impl Files {
    /// Those in `folder`.
    pub fn new(folder: &Path) -> Files {
        Files { folder: folder.to_owned() }
    }

    /// Name of a network that is kept; the first of several.
    pub fn known(&self) -> Option<String> {
        let files = self.networks().into_iter();
        files.filter(|file| !is_tried(file)).filter_map(|file| ssid(&file)).min()
    }

    /// Name of the access point that there is a key for.
    pub fn access_point(&self) -> Option<String> {
        listed(&self.folder.join("ap"), &["ap"]).iter().filter_map(|file| ssid(file)).min()
    }

    /// Removes every network that was tried and not kept.
    pub fn sweep(&self) -> io::Result<()> {
        let networks = self.networks();
        networks.iter().filter(|file| is_tried(file)).try_for_each(fs::remove_file)
    }

    /// Lets iwd join this network when it is told to, and gives what undoes that.
    pub fn try_out(&self, wish: &Wish) -> io::Result<Before> {
        let file = self.folder.join(name(&wish.ssid, &wish.passphrase));
        let kept = !is_tried(&file);
        let content = kept.then(|| fs::read(&file).ok()).flatten();
        file::replace(&file, content_of(&wish.passphrase, true).as_bytes())?;
        Ok(Before { file, content })
    }

    /// From now on iwd joins it by itself. After a power cut it does, or has forgotten it.
    pub fn keep(&self, wish: &Wish) -> io::Result<()> {
        let file = self.folder.join(name(&wish.ssid, &wish.passphrase));
        file::replace(&file, content_of(&wish.passphrase, false).as_bytes())
    }

    /// Sets the country, of which iwd takes note when it starts; whether it was another one.
    pub fn set_country(&self, country: &str) -> io::Result<bool> {
        let (file, wanted) = (self.folder.join("main.conf"), country_content(country));
        let is_new = read(&file) != wanted;
        if is_new {
            file::replace(&file, wanted.as_bytes())?;
        }
        Ok(is_new)
    }

    fn networks(&self) -> Vec<PathBuf> {
        listed(&self.folder, &KINDS)
    }
}

impl Before {
    /// Makes it so again.
    pub fn restore(self) -> io::Result<()> {
        match self.content {
            Some(content) => file::replace(&self.file, &content),
            None => fs::remove_file(&self.file),
        }
    }
}

/// Where iwd looks for a network, as iwd.network(5) names it. An empty passphrase is that of an open network.
pub fn name(ssid: &str, passphrase: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-".contains(&byte);
    let name = match ssid.bytes().all(plain) {
        true => ssid.to_owned(),
        false => format!("={}", HEXLOWER.encode(ssid.as_bytes())),
    };
    format!("{name}.{}", if passphrase.is_empty() { "open" } else { "psk" })
}

/// What iwd is told of a network that is kept.
pub fn content(passphrase: &str) -> String {
    content_of(passphrase, false)
}

/// What iwd is told of the country that it is in.
pub fn country_content(country: &str) -> String {
    format!("[General]\nCountry={country}\n")
}

/// Where iwd looks for an access point of this name, which is plain, within its folder; and what it is told of it: its key, which
/// is not the passphrase.
pub fn access_point(ssid: &str, passphrase: &str) -> (String, String) {
    let content = format!("[Security]\nPreSharedKey={}\n", wifi::key(ssid, passphrase));
    (format!("ap/{ssid}.ap"), content)
}

fn content_of(passphrase: &str, tried: bool) -> String {
    let security = match passphrase {
        "" if tried => String::new(),
        "" => "[Settings]\nAutoConnect=true\n".to_owned(),
        key if wifi::is_key(key) => format!("[Security]\nPreSharedKey={}\n", key.to_ascii_lowercase()),
        phrase => format!("[Security]\nPassphrase={}\n", escaped(phrase)),
    };
    if tried {
        format!("{security}[Settings]\n{TRIED}\n")
    } else {
        security
    }
}

/// As iwd's settings escape text: a backslash, and a blank at the beginning.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\");
    let blanks = text.len() - text.trim_start_matches(' ').len();
    "\\s".repeat(blanks) + &text[blanks..]
}

fn is_tried(file: &Path) -> bool {
    read(file).lines().any(|line| line.trim() == TRIED)
}

/// What stands in a file, as far as it is text.
fn read(file: &Path) -> String {
    let bytes = file::read_public(file, WIFI_FILE_BYTES_MAX).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn listed(folder: &Path, kinds: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let of_kind = |file: &PathBuf| file.extension().is_some_and(|kind| kinds.iter().any(|known| *known == kind));
    entries.flatten().map(|entry| entry.path()).filter(of_kind).collect()
}

/// The name that a file is called by.
fn ssid(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    match stem.strip_prefix('=') {
        Some(digits) => String::from_utf8(HEXLOWER.decode(digits.as_bytes()).ok()?).ok(),
        None => Some(stem.to_owned()),
    }
}
