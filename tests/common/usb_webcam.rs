//! A USB webcam that is a program: one MJPEG format over a bulk endpoint (USB Video Class 1.0), plugged into the kernel's virtual host
//! controller (vhci-hcd), which speaks USB/IP over a socket. The kernel's own uvcvideo drives it, so that what real webcams do can be
//! done on command. It needs nothing but the standard library: a program of one file brings it into a guest.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread;
use std::time::Duration;

/// The virtual host controller.
pub(crate) const VHCI: &str = "/sys/devices/platform/vhci_hcd.0";
/// Bytes of one bulk transfer, all of which a frame's parts fill but the last.
const PAYLOAD_BYTES: usize = 16 * 1024;
/// Most bytes of a picture, as this camera has it: somewhat more than raw, as some do.
const PICTURE_BYTES: u32 = 640 * 480 * 2 + 589;
const WIDTH: u16 = 640;
const HEIGHT: u16 = 480;
/// errno(3) of a transfer that was taken back.
const ECONNRESET: i32 = 104;

/// What the webcam says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) product: &'static str,
    /// Time between frames, the one that it offers.
    pub(crate) interval: Duration,
}

/// What the webcam sends as a frame.
#[derive(Clone, Debug)]
pub(crate) struct Exposure {
    pub(crate) data: Vec<u8>,
    /// The camera itself says that it is.
    pub(crate) damaged: bool,
}

/// Plugs a webcam in, as soon as someone answers for it at the socket that is given back.
pub(crate) fn plug() -> io::Result<UnixStream> {
    let (kernels, ours) = UnixStream::pair()?;
    let (port, device_id, speed_high) = (0, 0x0001_0002, 3);
    let attach = format!("{port} {} {device_id} {speed_high}", kernels.as_raw_fd());
    fs::write(format!("{VHCI}/attach"), attach)?;
    Ok(ours)
}

/// Is the webcam until its plug is pulled; asks `expose` for each frame, which may be none.
pub(crate) fn serve(socket: &UnixStream, model: Model, expose: impl FnMut() -> Option<Exposure> + Send) -> io::Result<()> {
    let bus = Bus {
        state: Mutex::new(State {
            socket: socket.try_clone()?,
            waiting: VecDeque::new(),
            taken_back: false,
            gone: false,
        }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        scope.spawn(|| film(&bus, model.interval, expose));
        let end = answer_all(&bus, socket, model);
        bus.change(|state| state.gone = true);
        end
    })
}

/// A transfer that the kernel asked for and that waits for a part of a frame.
struct Transfer {
    sequence: u32,
    room: usize,
}

struct State {
    socket: UnixStream,
    /// Transfers for the video endpoint, oldest first.
    waiting: VecDeque<Transfer>,
    /// The kernel took one of them back: what is left of the frame is for nobody.
    taken_back: bool,
    /// The plug was pulled.
    gone: bool,
}

/// What the thread that answers and the one that films share. Who holds it writes whole replies, in the order in which they are true.
struct Bus {
    state: Mutex<State>,
    changed: Condvar,
}

impl Bus {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.notify_all();
        changed
    }

    /// Back when a transfer waits; false: the plug was pulled.
    fn wait(&self) -> bool {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.gone;
        let state = self.changed.wait_while(self.state(), idle).expect("not poisoned");
        !state.gone
    }

    /// Sends the parts of a frame, as the kernel asks for them.
    fn send(&self, parts: &[Vec<u8>]) -> io::Result<()> {
        self.state().taken_back = false;
        for part in parts {
            let idle = |state: &mut State| state.waiting.is_empty() && !state.gone && !state.taken_back;
            let mut state = self.changed.wait_while(self.state(), idle).expect("not poisoned");
            if state.gone || state.taken_back {
                return Ok(());
            }
            if let Some(transfer) = state.waiting.pop_front() {
                assert!(part.len() <= transfer.room);
                state.complete(transfer.sequence, part, part.len())?;
            }
        }
        Ok(())
    }
}

impl State {
    fn complete(&mut self, sequence: u32, data: &[u8], done: usize) -> io::Result<()> {
        let mut reply = vec![0; 48];
        reply[3] = 3; // RET_SUBMIT
        reply[4..8].copy_from_slice(&sequence.to_be_bytes());
        reply[24..28].copy_from_slice(&(done as u32).to_be_bytes());
        reply.extend(data);
        self.socket.write_all(&reply)
    }

    /// Takes a transfer back, unless it was completed before.
    fn unlink(&mut self, sequence: u32, victim: u32) -> io::Result<()> {
        let before = self.waiting.len();
        self.waiting.retain(|transfer| transfer.sequence != victim);
        self.taken_back = true;
        let status = if self.waiting.len() < before { -ECONNRESET } else { 0 };
        let mut reply = vec![0; 48];
        reply[3] = 4; // RET_UNLINK
        reply[4..8].copy_from_slice(&sequence.to_be_bytes());
        reply[20..24].copy_from_slice(&status.to_be_bytes());
        self.socket.write_all(&reply)
    }
}

/// Answers the kernel until the plug is pulled.
fn answer_all(bus: &Bus, mut socket: &UnixStream, model: Model) -> io::Result<()> {
    let mut header = [0; 48];
    while socket.read_exact(&mut header).is_ok() {
        answer(bus, socket, model, &header)?;
    }
    Ok(())
}

fn answer(bus: &Bus, mut socket: &UnixStream, model: Model, header: &[u8; 48]) -> io::Result<()> {
    let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let (command, sequence, inwards, endpoint) = (word(0), word(4), word(12) == 1, word(16));
    let (submit, unlink) = (1, 2);
    if command == unlink {
        return bus.change(|state| state.unlink(sequence, word(20)));
    }
    assert_eq!(command, submit);
    let room = word(24) as usize;
    if endpoint != 0 {
        bus.change(|state| state.waiting.push_back(Transfer { sequence, room }));
        return Ok(());
    }
    if inwards {
        let mut data = control(&header[40..48], model);
        data.truncate(room);
        return bus.state().complete(sequence, &data, data.len());
    }
    socket.read_exact(&mut vec![0; room])?; // whatever it sets, it gets what there is
    bus.state().complete(sequence, &[], room)
}

/// Takes frames while someone wants them.
fn film(bus: &Bus, interval: Duration, mut expose: impl FnMut() -> Option<Exposure>) {
    let mut parity = 0;
    while bus.wait() {
        thread::sleep(interval); // simulates the exposure
        let Some(exposure) = expose() else { continue };
        parity ^= 1;
        if bus.send(&payloads(&exposure, parity)).is_err() {
            return;
        }
    }
}

/// Cuts a frame into payloads, each with its header.
fn payloads(exposure: &Exposure, parity: u8) -> Vec<Vec<u8>> {
    let (error, last) = (if exposure.damaged { 0x40 } else { 0 }, 2);
    let parts = exposure.data.chunks(PAYLOAD_BYTES - 2);
    let mut parts: Vec<Vec<u8>> = parts.map(|part| [&[2, 0x80 | error | parity], part].concat()).collect();
    if let Some(part) = parts.last_mut() {
        part[1] |= last;
    }
    parts
}

/// The answer to a request on the control endpoint.
fn control(setup: &[u8], model: Model) -> Vec<u8> {
    let (kind, request, value) = (setup[0], setup[1], u16::from_le_bytes([setup[2], setup[3]]));
    match (kind, request, value >> 8) {
        (0x80, 6, 1) => DEVICE.to_vec(),
        (0x80, 6, 2) => configuration(model),
        (0x80, 6, 3) if value & 0xff == 0 => vec![4, 3, 9, 4], // English
        (0x80, 6, 3) => {
            let text: Vec<u8> = model.product.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [&[text.len() as u8 + 2, 3], &text[..]].concat()
        }
        (0xa1, _, 1 | 2) => probe(model), // the one mode that there is, current, least, most and default
        _ => vec![0, 0],
    }
}

const DEVICE: [u8; 18] = [18, 1, 0, 2, 0xef, 2, 1, 64, 0x6b, 0x1d, 0x02, 0x01, 0, 1, 0, 1, 0, 1];

/// The interval in units of 100 ns.
fn interval(model: Model) -> u32 {
    model.interval.as_nanos() as u32 / 100
}

/// Video probe and commit controls of UVC 1.0.
fn probe(model: Model) -> Vec<u8> {
    let mut probe = vec![1, 0, 1, 1];
    probe.extend(interval(model).to_le_bytes());
    probe.extend([0; 10]);
    probe.extend(PICTURE_BYTES.to_le_bytes());
    probe.extend((PAYLOAD_BYTES as u32).to_le_bytes());
    probe
}

/// One function: a camera terminal, a streaming terminal, and a streaming interface with one format and one size.
fn configuration(model: Model) -> Vec<u8> {
    let control: [&[u8]; 3] = [
        &[13, 0x24, 1, 0, 1, 40, 0, 0, 0x6c, 0xdc, 2, 1, 1],
        &[18, 0x24, 2, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0],
        &[9, 0x24, 3, 2, 1, 1, 0, 1, 0],
    ];
    let [width, height] = [WIDTH, HEIGHT].map(u16::to_le_bytes);
    let mut size = vec![30, 0x24, 7, 1, 0, width[0], width[1], height[0], height[1]];
    let rates = [1_000_000, 100_000_000, PICTURE_BYTES, interval(model)];
    size.extend(rates.map(u32::to_le_bytes).concat());
    size.push(1);
    size.extend(interval(model).to_le_bytes());
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
