//! The simulated devices as a test handles them: vivid's fault injection and unplugging, gpio-sim's chips and levels,
//! and what the process holds of the kernel.

use std::fs;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::SystemClock;
use v4l::v4l_sys::V4L2_CTRL_FLAG_NEXT_CTRL;
use v4l::v4l_sys::v4l2_control;
use v4l::v4l_sys::v4l2_query_ext_ctrl;
use v4l::v4l2::vidioc;

const VIVID: &str = "/sys/bus/platform/drivers/vivid";
const SIM: &str = "/sys/kernel/config/gpio-sim";

/// Polls `condition` until it gives something, for at most ten seconds.
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock::default();
    let deadline = clock.now() + Duration::from_secs(10);
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(clock.now() < deadline, "not within ten seconds: {what}");
        clock.sleep_until(clock.now() + Duration::from_millis(2));
    }
}

/// Whether the driver at `path` of sysfs or configfs can be played with, which only root may.
pub(crate) fn usable(path: &str) -> bool {
    Path::new(path).exists() && fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

pub(crate) fn vivid_missing() -> Option<&'static str> {
    (!usable(VIVID)).then_some("vivid driver, or no right to use it")
}

pub(crate) fn sim_missing() -> Option<&'static str> {
    (!usable(SIM)).then_some("gpio-sim driver, or no right to use it")
}

/// The node of vivid's camera, or of its output.
pub(crate) fn vivid_node(kind: &str) -> Option<PathBuf> {
    let nodes = fs::read_dir("/sys/class/video4linux").ok()?.flatten();
    let is_it = |name: String| name.starts_with("vivid") && name.trim_end().ends_with(kind);
    let found = nodes.filter(|node| fs::read_to_string(node.path().join("name")).is_ok_and(is_it));
    let node = Path::new("/dev").join(found.map(|node| node.file_name()).min()?);
    node.exists().then_some(node)
}

/// Node of vivid's camera, which is there.
pub(crate) fn camera() -> PathBuf {
    vivid_node("vid-cap").expect("vivid has a capture node")
}

/// Takes the driver from the device, as pulling the plug does.
pub(crate) fn unplug() {
    fs::write(format!("{VIVID}/unbind"), "vivid.0").expect("vivid.0 is plugged in");
}

/// Gives it back; returns once the node is there.
pub(crate) fn plug() -> PathBuf {
    fs::write(format!("{VIVID}/bind"), "vivid.0").expect("vivid.0 is not plugged in");
    eventually("the camera's node", || vivid_node("vid-cap"))
}

/// Sets one of vivid's controls, by name. (The `v4l` crate's own list of controls panics at vivid's.)
pub(crate) fn set(control: &str, value: i32) {
    let device = File::options().read(true).write(true).open(camera()).expect("the camera opens");
    let id = controls(&device).find(|(name, _)| name == control).map(|(_, id)| id);
    let id = id.unwrap_or_else(|| panic!("no control {control:?} among {:?}", controls(&device).collect::<Vec<_>>()));
    call(&device, vidioc::VIDIOC_S_CTRL, &mut v4l2_control { id, value }).unwrap_or_else(|error| panic!("{control}: {error}"));
}

/// Names and numbers of a device's controls.
fn controls(device: &File) -> impl Iterator<Item = (String, u32)> {
    let mut last = 0;
    std::iter::from_fn(move || {
        // SAFETY: integers and arrays of them, which may be zero.
        let mut control: v4l2_query_ext_ctrl = unsafe { std::mem::zeroed() };
        control.id = last | V4L2_CTRL_FLAG_NEXT_CTRL;
        call(device, vidioc::VIDIOC_QUERY_EXT_CTRL, &mut control).ok()?;
        last = control.id;
        let name = control.name.iter().take_while(|c| **c != 0).map(|c| char::from(*c as u8)).collect();
        Some((name, control.id))
    })
}

fn call<T>(device: &File, number: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
    // SAFETY: both callers pass the structure that the call takes.
    unsafe { v4l::v4l2::ioctl(device.as_raw_fd(), number, std::ptr::from_mut(argument).cast()) }
}

/// A GPIO chip of four lines that exists only in software; dropping it unplugs it.
pub(crate) struct Chip {
    name: &'static str,
    lines: PathBuf,
}

impl Chip {
    /// Plugs in a chip labelled `name`, whose line 2 is named PIR.
    pub(crate) fn plug(name: &'static str) -> Chip {
        let config = Path::new(SIM).join(name);
        let bank = config.join("bank0");
        fs::create_dir_all(bank.join("line2")).expect("gpio-sim is configurable");
        let set = |file: &str, value: &str| fs::write(config.join(file), value).unwrap_or_else(|error| panic!("{file}: {error}"));
        set("bank0/num_lines", "4");
        set("bank0/label", name);
        set("bank0/line2/name", "PIR");
        set("live", "1");
        let read = |file: &str| fs::read_to_string(config.join(file)).expect("it is live").trim().to_owned();
        let lines = Path::new("/sys/devices/platform")
            .join(read("dev_name"))
            .join(read("bank0/chip_name"));
        let chip = Chip { name, lines };
        eventually("the chip's node", || chip.node().exists().then_some(()));
        chip
    }

    /// Its character device.
    pub(crate) fn node(&self) -> PathBuf {
        Path::new("/dev").join(self.lines.file_name().expect("it has a name"))
    }

    /// Pulls line 2 up or down, as a sensor does.
    pub(crate) fn pull(&self, up: bool) {
        let level = if up { "pull-up" } else { "pull-down" };
        fs::write(self.lines.join("sim_gpio2/pull"), level).expect("the chip is live");
    }
}

impl Drop for Chip {
    fn drop(&mut self) {
        let config = Path::new(SIM).join(self.name);
        let _ = fs::write(config.join("live"), "0");
        for folder in ["bank0/line2", "bank0", ""] {
            let _ = fs::remove_dir(config.join(folder));
        }
    }
}

/// What this process holds of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    descriptors: usize,
    mappings: usize,
    virtual_kib: u64,
}

impl Holdings {
    pub(crate) fn now() -> Holdings {
        let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
        let size = status
            .lines()
            .find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB")?.parse().ok());
        Holdings {
            descriptors: fs::read_dir("/proc/self/fd").expect("/proc is mounted").count(),
            mappings: fs::read_to_string("/proc/self/maps").expect("/proc is mounted").lines().count(),
            virtual_kib: size.expect("a size in kB"),
        }
    }

    /// Runs `cycle` until what it needs once is there, then on; asserts that nothing is added any more.
    pub(crate) fn stay_the_same(cycles: usize, mut cycle: impl FnMut()) {
        (0..3).for_each(|_| cycle());
        let before = Holdings::now();
        (0..cycles).for_each(|_| cycle());
        assert_eq!(Holdings::now(), before, "after {cycles} cycles");
    }
}
