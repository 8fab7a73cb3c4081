//! Sets controls of vivid's camera in the guest of the firmware tests, which has no program for it: `vivid NAME VALUE...`. It needs
//! nothing but the standard library, so that one call of the compiler builds it for the guest.

use std::ffi::c_int;
use std::ffi::c_ulong;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

const DEVICE: &str = "/dev/video0";
/// `V4L2_CTRL_FLAG_NEXT_CTRL`: asks for the control after the one that is named.
const NEXT: u32 = 0x8000_0000;
/// `VIDIOC_QUERYCTRL` and `VIDIOC_S_CTRL`, with the sizes of what they take.
const QUERY: c_ulong = 0xc044_5624;
const SET: c_ulong = 0xc008_561c;
const _: () = assert!(size_of::<Query>() == 0x44 && size_of::<Control>() == 8);

/// `struct v4l2_queryctrl`.
#[derive(Default)]
#[repr(C)]
struct Query {
    id: u32,
    kind: u32,
    name: [u8; 32],
    range: [i32; 4],
    flags: u32,
    reserved: [u32; 2],
}

/// `struct v4l2_control`.
#[repr(C)]
struct Control {
    id: u32,
    value: i32,
}

unsafe extern "C" {
    fn ioctl(file: c_int, request: c_ulong, ...) -> c_int;
}

fn main() -> io::Result<()> {
    let camera = File::open(DEVICE)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let value = pair.get(1).and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| io::Error::other("a control and its value, in turn"))?;
        let mut control = Control {
            id: find(&camera, &pair[0])?,
            value,
        };
        call(&camera, SET, &mut control)?;
    }
    Ok(())
}

/// The control of this name.
fn find(camera: &File, name: &str) -> io::Result<u32> {
    let mut query = Query::default();
    loop {
        query.id |= NEXT;
        call(camera, QUERY, &mut query).map_err(|error| io::Error::other(format!("no control {name}: {error}")))?;
        if query.name.split(|byte| *byte == 0).next() == Some(name.as_bytes()) {
            return Ok(query.id);
        }
    }
}

fn call<T>(camera: &File, request: c_ulong, argument: &mut T) -> io::Result<()> {
    let argument: *mut T = argument;
    // SAFETY: the request reads and writes one T, whose size is part of its number, and the file is open.
    match unsafe { ioctl(camera.as_raw_fd(), request, argument.cast::<c_void>()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
