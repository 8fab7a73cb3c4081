//! What the board and its kernel say of themselves: temperature, throttling, radio, disk. What there is not is `None`.

use std::ffi::CString;
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use crate::wire::live::DiskUse;
use crate::wire::live::Throttling;

/// Longest of these small files that is read, in bytes. Longer: as if it were not there.
const FILE_BYTES_MAX: usize = 4096;

/// Where to look.
#[derive(Clone, Debug)]
pub struct Board {
    /// Root of the file system that holds `sys` and `proc`.
    pub root: PathBuf,
    /// A folder on the disk that is asked about.
    pub disk: PathBuf,
}

impl Board {
    /// This machine, with events kept in `disk`.
    pub fn here(disk: &Path) -> Board {
        Board {
            root: PathBuf::from("/"),
            disk: disk.to_owned(),
        }
    }

    /// What the firmware calls this board, as in "Raspberry Pi 4 Model B Rev 1.4".
    pub fn model(&self) -> Option<String> {
        let text = self.read("proc/device-tree/model")?;
        let model = text.trim_end_matches('\0').trim();
        (!model.is_empty()).then(|| model.to_owned())
    }

    /// Of the processor, in degrees Celsius: what the kernel calls the first thermal zone.
    pub fn temperature_c(&self) -> Option<f32> {
        let millidegrees: i32 = self.read("sys/class/thermal/thermal_zone0/temp")?.trim().parse().ok()?;
        Some(millidegrees as f32 / 1000.0)
    }

    /// Whether the firmware of a Raspberry Pi holds the processor back; bits as `vcgencmd get_throttled` has them.
    pub fn throttling(&self) -> Option<Throttling> {
        let text = self.read("sys/devices/platform/soc/soc:firmware/get_throttled")?;
        let bits = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()?;
        Some(Throttling {
            undervoltage: bits & 1 != 0,
            capped: bits & 2 != 0,
            throttled: bits & 4 != 0,
            hot: bits & 8 != 0,
            happened: bits >> 16 & 15 != 0,
        })
    }

    /// Signal of the first radio, in dBm: the fourth column of `/proc/net/wireless`, after two lines of headings.
    pub fn wifi_dbm(&self) -> Option<i32> {
        let text = self.read("proc/net/wireless")?;
        let level = text.lines().nth(2)?.split_whitespace().nth(3)?;
        level.trim_end_matches('.').parse().ok().filter(|dbm| (-127..0).contains(dbm))
    }

    /// Version of the system's image: `IMAGE_VERSION` of `os-release(5)`.
    pub fn image_version(&self) -> Option<String> {
        let text = self.read("etc/os-release")?;
        let line = text.lines().find_map(|line| line.strip_prefix("IMAGE_VERSION="))?;
        let version = line.trim().trim_matches(['"', '\'']);
        (!version.is_empty()).then(|| version.to_owned())
    }

    /// Four characters that tell this board from others: the end of its serial number, else of its first network card's address.
    pub fn short_serial(&self) -> Option<String> {
        let serial = self.read("proc/device-tree/serial-number").or_else(|| self.card_address())?;
        let mut digits: Vec<char> = serial.chars().filter(char::is_ascii_alphanumeric).collect();
        let tail = digits.split_off(digits.len().checked_sub(4)?);
        Some(tail.into_iter().collect::<String>().to_ascii_lowercase())
    }

    fn card_address(&self) -> Option<String> {
        let entries = fs::read_dir(self.root.join("sys/class/net")).ok()?;
        let mut cards: Vec<String> = entries
            .flatten()
            .map(|card| card.file_name().to_string_lossy().into_owned())
            .collect();
        cards.sort();
        let address = |card: &String| self.read(&format!("sys/class/net/{card}/address"));
        let real = |address: &String| address.bytes().any(|byte| !matches!(byte, b'0' | b':' | b'\n'));
        cards.iter().filter_map(address).find(real)
    }

    /// Room on the disk.
    pub fn disk(&self) -> Option<DiskUse> {
        let path = CString::new(self.disk.as_os_str().as_bytes()).ok()?;
        let mut answer = MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: the path is a C string, and the answer is written to memory of its own size.
        let done = unsafe { libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) } == 0;
        // SAFETY: a call that succeeded has filled it in.
        let answer = done.then(|| unsafe { answer.assume_init() })?;
        #[allow(clippy::unnecessary_cast)] // other widths on other machines
        let (block, all, free, ours) = (
            answer.f_frsize as u64,
            answer.f_blocks as u64,
            answer.f_bfree as u64,
            answer.f_bavail as u64,
        );
        Some(DiskUse {
            free_bytes: ours * block,
            used_bytes: all.saturating_sub(free) * block,
        })
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path))
            .ok()
            .filter(|text| text.len() <= FILE_BYTES_MAX)
    }
}
