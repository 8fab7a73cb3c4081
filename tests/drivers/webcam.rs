//! The USB webcam of `tests/common/usb_webcam.rs` as a thread of this process, which does on command what real ones do wrong.

use std::fs;
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::kernel::eventually;
use crate::kernel::usable;
use crate::usb_webcam;
use crate::usb_webcam::Exposure;
use crate::usb_webcam::Model;
use crate::usb_webcam::VHCI;

/// The host controller's word for a free port 0 of its high-speed hub.
const FREE: &str = "hs  0000 004";
/// Time between frames; in units of 100 ns it is the one that the camera offers.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);
const MODEL: Model = Model {
    product: "éééééééééééééééééééé", // of two bytes each: the kernel's 32-byte name cuts the sixteenth in half
    interval: INTERVAL,
};

/// What the camera sends as a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shot {
    /// A picture of so many bytes.
    Picture(usize),
    /// Bytes that do not begin with SOI.
    Noise,
    /// A picture marked as damaged by the camera.
    Marked,
    /// Nothing at all.
    Nothing,
}

pub(crate) fn missing() -> Option<&'static str> {
    (!usable(VHCI)).then_some("vhci-hcd driver, or no right to use it")
}

/// Nothing but good pictures, all of one length.
pub(crate) const PLAIN: &[Shot] = &[Shot::Picture(40_000)];

/// The webcam; dropping it pulls its plug.
pub(crate) struct Webcam {
    shots: Arc<Mutex<&'static [Shot]>>,
    socket: UnixStream,
    device: Option<JoinHandle<()>>,
}

impl Webcam {
    /// Plugs it in; returns once its node is there.
    pub(crate) fn plug() -> Webcam {
        let socket = usb_webcam::plug().expect("the port is free");
        let shots = Arc::new(Mutex::new(PLAIN));
        let (ours, chosen) = (socket.try_clone().expect("a descriptor"), Arc::clone(&shots));
        let device = thread::spawn(move || {
            let mut taken = 0;
            let next = || {
                let shots = *chosen.lock().expect("not poisoned");
                taken += 1;
                expose(shots[(taken - 1) % shots.len()])
            };
            let _ = usb_webcam::serve(&ours, MODEL, next); // it ends with its plug
        });
        let device = Some(device);
        eventually("the webcam's node", node);
        Webcam { shots, socket, device }
    }

    /// What to send from now on, over and over.
    pub(crate) fn send(&self, shots: &'static [Shot]) {
        *self.shots.lock().expect("not poisoned") = shots;
    }
}

impl Drop for Webcam {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let _ = self.device.take().map(JoinHandle::join);
        let port_is_free = || fs::read_to_string(format!("{VHCI}/status")).is_ok_and(|status| status.contains(FREE));
        let is_gone = || (port_is_free() && node().is_none()).then_some(());
        let _ = catch_unwind(|| eventually("the free port", is_gone)); // perhaps dropped by a failed check
    }
}

fn expose(shot: Shot) -> Option<Exposure> {
    let (start, bytes, damaged) = match shot {
        Shot::Picture(bytes) => ([0xff, 0xd8], bytes, false),
        Shot::Noise => ([0x00, 0x11], 40_000, false),
        Shot::Marked => ([0xff, 0xd8], 40_000, true),
        Shot::Nothing => return None,
    };
    let mut data = vec![0x55; bytes];
    let head = data.len().min(2);
    data[..head].copy_from_slice(&start[..head]);
    Some(Exposure { data, damaged })
}

/// The node that gives pictures.
pub(crate) fn node() -> Option<PathBuf> {
    node_at("0")
}

/// The node that gives metadata instead.
pub(crate) fn metadata_node() -> Option<PathBuf> {
    node_at("1")
}

fn node_at(index: &str) -> Option<PathBuf> {
    let nodes = fs::read_dir("/sys/class/video4linux").ok()?.flatten();
    let is_it = |path: &Path| {
        let driver = fs::canonicalize(path.join("device/driver")).is_ok_and(|driver| driver.ends_with("uvcvideo"));
        driver && fs::read_to_string(path.join("index")).is_ok_and(|found| found.trim() == index)
    };
    let found = nodes.map(|node| node.path()).find(|path| is_it(path))?;
    let node = Path::new("/dev").join(found.file_name()?);
    node.exists().then_some(node)
}
