//! A USB webcam that is a thread of this process: one MJPEG format over a bulk endpoint (USB Video Class 1.0), plugged
//! into the kernel's virtual host controller (vhci-hcd), which speaks USB/IP over a socket. The kernel's own uvcvideo
//! drives it, so that what real webcams do wrong can be done on command.

use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;

use crate::kernel::eventually;
use crate::kernel::usable;

const VHCI: &str = "/sys/devices/platform/vhci_hcd.0";
/// Time between frames; in units of 100 ns it is the one that the camera offers.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);
/// Twenty letters of two bytes each: the kernel's 32-byte name cuts the sixteenth in half.
const PRODUCT: &str = "éééééééééééééééééééé";
/// Bytes of one bulk transfer, all of which a frame's parts fill but the last.
const PAYLOAD_BYTES: usize = 16 * 1024;

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
        let (kernels, ours) = UnixStream::pair().expect("a pair of sockets");
        let shots = Arc::new(Mutex::new(PLAIN));
        let device = Device::new(ours.try_clone().expect("a descriptor"), Arc::clone(&shots));
        let device = Some(thread::spawn(move || device.serve()));
        let (port, device_id, speed_high) = (0, 0x0001_0002, 3);
        let attach = format!("{port} {} {device_id} {speed_high}", kernels.as_raw_fd());
        fs::write(format!("{VHCI}/attach"), attach).expect("the port is free");
        eventually("the webcam's node", node);
        let socket = ours;
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
        let free = "hs  0000 004"; // port 0 of the high-speed hub, state "free"
        let port_is_free = || fs::read_to_string(format!("{VHCI}/status")).is_ok_and(|status| status.contains(free));
        let is_gone = || (port_is_free() && node().is_none()).then_some(());
        let _ = catch_unwind(|| eventually("the free port", is_gone)); // perhaps dropped by a failed check
    }
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

/// A transfer that the kernel asked for and that waits for a frame.
struct Transfer {
    sequence: u32,
    room: usize,
}

struct Device {
    socket: UnixStream,
    clock: SystemClock,
    shots: Arc<Mutex<&'static [Shot]>>,
    /// Transfers for the video endpoint, oldest first.
    waiting: VecDeque<Transfer>,
    /// Parts of the frame that is being sent.
    parts: VecDeque<Vec<u8>>,
    frame: u8,
    due: Mono,
    /// Shots taken so far.
    taken: usize,
}

impl Device {
    fn new(socket: UnixStream, shots: Arc<Mutex<&'static [Shot]>>) -> Device {
        let clock = SystemClock::default();
        Device {
            socket,
            shots,
            waiting: VecDeque::new(),
            parts: VecDeque::new(),
            frame: 0,
            due: clock.now(),
            taken: 0,
            clock,
        }
    }

    /// Answers the kernel until the plug is pulled.
    fn serve(mut self) {
        loop {
            if self.readable() {
                let mut header = [0; 48];
                if self.socket.read_exact(&mut header).is_err() || self.answer(&header).is_err() {
                    return;
                }
            } else if self.film().is_err() {
                return;
            }
        }
    }

    /// Waits for the kernel, at most until the next frame is due.
    fn readable(&self) -> bool {
        let wait = if self.waiting.is_empty() {
            INTERVAL
        } else {
            self.due.since(self.clock.now())
        };
        let (fd, events, revents) = (self.socket.as_raw_fd(), libc::POLLIN, 0);
        let mut poll = libc::pollfd { fd, events, revents };
        // SAFETY: the pointer is to one pollfd.
        unsafe { libc::poll(&mut poll, 1, wait.as_millis() as i32) > 0 }
    }

    fn answer(&mut self, header: &[u8; 48]) -> std::io::Result<()> {
        let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let (command, sequence, inwards, endpoint) = (word(0), word(4), word(12) == 1, word(16));
        let (submit, unlink) = (1, 2);
        if command == unlink {
            return self.unlink(sequence, word(20));
        }
        assert_eq!(command, submit);
        let room = word(24) as usize;
        if endpoint != 0 {
            self.waiting.push_back(Transfer { sequence, room });
            return Ok(());
        }
        if inwards {
            let mut data = control(&header[40..48]);
            data.truncate(room);
            return self.complete(sequence, &data, data.len());
        }
        self.socket.read_exact(&mut vec![0; room])?; // whatever it sets, it gets what there is
        self.complete(sequence, &[], room)
    }

    fn complete(&mut self, sequence: u32, data: &[u8], done: usize) -> std::io::Result<()> {
        let mut reply = vec![0; 48];
        reply[3] = 3; // RET_SUBMIT
        reply[4..8].copy_from_slice(&sequence.to_be_bytes());
        reply[24..28].copy_from_slice(&(done as u32).to_be_bytes());
        reply.extend(data);
        self.socket.write_all(&reply)
    }

    fn unlink(&mut self, sequence: u32, victim: u32) -> std::io::Result<()> {
        let before = self.waiting.len();
        self.waiting.retain(|transfer| transfer.sequence != victim);
        self.parts.clear();
        let status = if self.waiting.len() < before { -libc::ECONNRESET } else { 0 };
        let mut reply = vec![0; 48];
        reply[3] = 4; // RET_UNLINK
        reply[4..8].copy_from_slice(&sequence.to_be_bytes());
        reply[20..24].copy_from_slice(&status.to_be_bytes());
        self.socket.write_all(&reply)
    }

    /// Sends what is due, as far as the kernel has asked for it.
    fn film(&mut self) -> std::io::Result<()> {
        if self.waiting.is_empty() || self.clock.now() < self.due {
            return Ok(());
        }
        if self.parts.is_empty() {
            self.due = self.clock.now() + INTERVAL;
            self.expose();
        }
        while !self.parts.is_empty() && !self.waiting.is_empty() {
            let (Some(part), Some(transfer)) = (self.parts.pop_front(), self.waiting.pop_front()) else {
                break;
            };
            assert!(part.len() <= transfer.room);
            self.complete(transfer.sequence, &part, part.len())?;
        }
        Ok(())
    }

    /// Takes the next shot and cuts it into payloads, each with its header.
    fn expose(&mut self) {
        let shots = *self.shots.lock().expect("not poisoned");
        let shot = shots[self.taken % shots.len()];
        self.taken += 1;
        let (start, bytes, error) = match shot {
            Shot::Picture(bytes) => ([0xff, 0xd8], bytes, 0),
            Shot::Noise => ([0x00, 0x11], 40_000, 0),
            Shot::Marked => ([0xff, 0xd8], 40_000, 0x40),
            Shot::Nothing => return,
        };
        let mut data = vec![0x55; bytes];
        let head = data.len().min(2);
        data[..head].copy_from_slice(&start[..head]);
        self.frame ^= 1;
        self.parts = data
            .chunks(PAYLOAD_BYTES - 2)
            .map(|part| [&[2, 0x80 | error | self.frame], part].concat())
            .collect();
        if let Some(last) = self.parts.back_mut() {
            last[1] |= 2; // end of frame
        }
    }
}

/// The answer to a request on the control endpoint.
fn control(setup: &[u8]) -> Vec<u8> {
    let (kind, request, value) = (setup[0], setup[1], u16::from_le_bytes([setup[2], setup[3]]));
    match (kind, request, value >> 8) {
        (0x80, 6, 1) => DEVICE.to_vec(),
        (0x80, 6, 2) => configuration(),
        (0x80, 6, 3) if value & 0xff == 0 => vec![4, 3, 9, 4], // English
        (0x80, 6, 3) => {
            let text: Vec<u8> = PRODUCT.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [&[text.len() as u8 + 2, 3], &text[..]].concat()
        }
        (0xa1, _, 1 | 2) => probe(), // the one mode that there is, current, least, most and default
        _ => vec![0, 0],
    }
}

const DEVICE: [u8; 18] = [18, 1, 0, 2, 0xef, 2, 1, 64, 0x6b, 0x1d, 0x02, 0x01, 0, 1, 0, 1, 0, 1];

/// Most bytes of a picture, as this camera has it: somewhat more than raw, as some do.
const PICTURE_BYTES: u32 = 640 * 480 * 2 + 589;
const INTERVAL_100NS: u32 = INTERVAL.as_nanos() as u32 / 100;

/// Video probe and commit controls of UVC 1.0.
fn probe() -> Vec<u8> {
    let mut probe = vec![1, 0, 1, 1];
    probe.extend(INTERVAL_100NS.to_le_bytes());
    probe.extend([0; 10]);
    probe.extend(PICTURE_BYTES.to_le_bytes());
    probe.extend((PAYLOAD_BYTES as u32).to_le_bytes());
    probe
}

/// One function: a camera terminal, a streaming terminal, and a streaming interface with one format and one size.
fn configuration() -> Vec<u8> {
    let control: [&[u8]; 3] = [
        &[13, 0x24, 1, 0, 1, 40, 0, 0, 0x6c, 0xdc, 2, 1, 1],
        &[18, 0x24, 2, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0],
        &[9, 0x24, 3, 2, 1, 1, 0, 1, 0],
    ];
    let [width, height] = [640_u16, 480].map(u16::to_le_bytes);
    let mut size = vec![30, 0x24, 7, 1, 0, width[0], width[1], height[0], height[1]];
    size.extend(
        [1_000_000, 100_000_000, PICTURE_BYTES, INTERVAL_100NS]
            .map(u32::to_le_bytes)
            .concat(),
    );
    size.push(1);
    size.extend(INTERVAL_100NS.to_le_bytes());
    let streaming: [&[u8]; 3] = [
        &[14, 0x24, 1, 1, 55, 0, 0x81, 0, 2, 0, 0, 0, 1, 0],
        &[11, 0x24, 6, 1, 1, 1, 1, 0, 0, 0, 0],
        &size,
    ];
    let parts: [&[u8]; 6] = [
        &[8, 11, 0, 2, 14, 3, 0, 0],
        &[9, 4, 0, 0, 0, 14, 1, 0, 0],
        &control.concat(),
        &[9, 4, 1, 0, 1, 14, 2, 0, 0],
        &streaming.concat(),
        &[7, 5, 0x81, 2, 0, 2, 0],
    ];
    let body = parts.concat();
    let [low, high] = (body.len() as u16 + 9).to_le_bytes();
    [&[9, 2, low, high, 2, 1, 0, 0x80, 50], &body[..]].concat()
}
