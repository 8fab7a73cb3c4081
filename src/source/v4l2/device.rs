//! The kernel's side of a camera: V4L2 calls as typed functions. What is asked for and why stands in `negotiate.rs`
//! and `buffers.rs`.
//!
//! Structures, numbers and system calls are the `v4l` crate's; its own `Device` and `Stream` are not used. They panic
//! where a driver says something new (a name cut within a character, an unknown colour space, a failing STREAMOFF in
//! `Drop`), and `Stream` gives a buffer back before the next is known to be any good.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::fd::RawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr;
use std::time::Duration;

use v4l::buffer::Type;
use v4l::capability::Flags;
use v4l::memory::Memory;
use v4l::v4l_sys as sys;
use v4l::v4l2::vidioc;

use super::negotiate::Size;
use crate::limits::CAMERA_ENUM_MAX;

/// A V4L2 call and the structure that it takes.
struct Call<T> {
    number: vidioc::_IOC_TYPE,
    takes: PhantomData<T>,
}

impl<T> Call<T> {
    /// The call of this number. The number holds the size of its structure, so a wrong pair does not compile.
    const fn new(number: vidioc::_IOC_TYPE) -> Call<T> {
        assert!((number >> 16) as usize & 0x3fff == mem::size_of::<T>());
        let takes = PhantomData;
        Call { number, takes }
    }
}

const QUERYCAP: Call<sys::v4l2_capability> = Call::new(vidioc::VIDIOC_QUERYCAP);
const ENUMINPUT: Call<sys::v4l2_input> = Call::new(vidioc::VIDIOC_ENUMINPUT);
const ENUM_FMT: Call<sys::v4l2_fmtdesc> = Call::new(vidioc::VIDIOC_ENUM_FMT);
const ENUM_FRAMESIZES: Call<sys::v4l2_frmsizeenum> = Call::new(vidioc::VIDIOC_ENUM_FRAMESIZES);
const ENUM_FRAMEINTERVALS: Call<sys::v4l2_frmivalenum> = Call::new(vidioc::VIDIOC_ENUM_FRAMEINTERVALS);
const S_FMT: Call<sys::v4l2_format> = Call::new(vidioc::VIDIOC_S_FMT);
const S_PARM: Call<sys::v4l2_streamparm> = Call::new(vidioc::VIDIOC_S_PARM);
const REQBUFS: Call<sys::v4l2_requestbuffers> = Call::new(vidioc::VIDIOC_REQBUFS);
const QUERYBUF: Call<sys::v4l2_buffer> = Call::new(vidioc::VIDIOC_QUERYBUF);
const QBUF: Call<sys::v4l2_buffer> = Call::new(vidioc::VIDIOC_QBUF);
const DQBUF: Call<sys::v4l2_buffer> = Call::new(vidioc::VIDIOC_DQBUF);
const STREAMON: Call<libc::c_int> = Call::new(vidioc::VIDIOC_STREAMON);
const STREAMOFF: Call<libc::c_int> = Call::new(vidioc::VIDIOC_STREAMOFF);

/// An open device node.
pub(super) struct Device(File);

/// What a device says of itself.
pub(super) struct Capability {
    /// Name of the product, damaged characters replaced.
    pub(super) card: String,
    /// What this node (not the whole device) can do.
    pub(super) can: Flags,
}

/// What poll(2) says.
pub(super) enum Readiness {
    /// Nothing yet.
    Waiting,
    /// A buffer can be dequeued.
    Ready,
    /// The device is gone, or its stream has failed for good.
    Failed,
}

impl Device {
    /// Opens the node at `path`, never waiting for it.
    pub(super) fn open(path: &Path) -> io::Result<Device> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .map(Device)
    }

    /// What it is; fails with ENOTTY when it is no V4L2 device.
    pub(super) fn capability(&self) -> io::Result<Capability> {
        let mut answer = zeroed(&QUERYCAP);
        self.call(&QUERYCAP, &mut answer)?;
        let whole = Flags::from(answer.capabilities);
        let node = Flags::from(answer.device_caps);
        let name_bytes = answer.card.iter().position(|b| *b == 0).unwrap_or(answer.card.len());
        Ok(Capability {
            card: String::from_utf8_lossy(&answer.card[..name_bytes]).into_owned(),
            can: if whole.contains(Flags::DEVICE_CAPS) { node } else { whole },
        })
    }

    /// Whether it has something to take pictures from: converters and codecs capture too, but have no inputs.
    pub(super) fn has_input(&self) -> bool {
        self.call(&ENUMINPUT, &mut zeroed(&ENUMINPUT)).is_ok()
    }

    /// Four-character codes of the layouts offered.
    pub(super) fn layouts(&self) -> Vec<[u8; 4]> {
        let ask = |index| {
            let mut entry = zeroed(&ENUM_FMT);
            (entry.index, entry.type_) = (index, Type::VideoCapture as u32);
            self.call(&ENUM_FMT, &mut entry).ok().map(|()| entry.pixelformat.to_le_bytes())
        };
        (0..CAMERA_ENUM_MAX).map_while(ask).collect()
    }

    /// Picture sizes offered in layout `code`; none when the driver does not list them.
    pub(super) fn sizes(&self, code: &[u8; 4]) -> Vec<Size> {
        let ask = |index| {
            let mut entry = zeroed(&ENUM_FRAMESIZES);
            (entry.index, entry.pixel_format) = (index, u32::from_le_bytes(*code));
            self.call(&ENUM_FRAMESIZES, &mut entry).ok().map(|()| size_of_entry(&entry))
        };
        (0..CAMERA_ENUM_MAX).map_while(ask).collect()
    }

    /// Shortest time between frames in layout `code` at this size; `None` when the driver does not list them.
    pub(super) fn shortest_interval(&self, code: &[u8; 4], width: u32, height: u32) -> Option<Duration> {
        let ask = |index| {
            let mut entry = zeroed(&ENUM_FRAMEINTERVALS);
            (entry.index, entry.pixel_format) = (index, u32::from_le_bytes(*code));
            (entry.width, entry.height) = (width, height);
            self.call(&ENUM_FRAMEINTERVALS, &mut entry).ok().map(|()| shortest_of_entry(&entry))
        };
        (0..CAMERA_ENUM_MAX).map_while(ask).flatten().min()
    }

    /// Sets layout and size; the answer is what the driver made of it.
    pub(super) fn set_format(&self, code: &[u8; 4], width: u32, height: u32) -> io::Result<sys::v4l2_pix_format> {
        let mut argument = zeroed(&S_FMT);
        argument.type_ = Type::VideoCapture as u32;
        argument.fmt.pix = sys::v4l2_pix_format {
            width,
            height,
            pixelformat: u32::from_le_bytes(*code),
            field: sys::v4l2_field_V4L2_FIELD_ANY,
            // SAFETY: `argument` is all zeros but for its type, and the structure is integers only.
            ..unsafe { argument.fmt.pix }
        };
        self.call(&S_FMT, &mut argument)?;
        // SAFETY: for this type of buffer the driver fills `pix`.
        Ok(unsafe { argument.fmt.pix })
    }

    /// Sets the time between frames; the answer is what the driver made of it, if it can be set at all.
    pub(super) fn set_interval(&self, interval: Duration) -> Option<Duration> {
        let mut argument = zeroed(&S_PARM);
        argument.type_ = Type::VideoCapture as u32;
        // In thousandths of a frame per second: a 30th of a second has to be that exactly, or a driver takes the next rate.
        let millihertz = (1e3 / interval.as_secs_f64()).round() as u32;
        argument.parm.capture.timeperframe = sys::v4l2_fract {
            numerator: 1_000,
            denominator: millihertz.max(1),
        };
        self.call(&S_PARM, &mut argument).ok()?;
        // SAFETY: for this type of buffer the driver fills `capture`.
        duration(unsafe { argument.parm.capture.timeperframe })
    }

    /// Has the driver make `count` buffers; it may make more or fewer. 0 frees them.
    pub(super) fn request_buffers(&self, count: u32) -> io::Result<u32> {
        let mut argument = zeroed(&REQBUFS);
        (argument.count, argument.type_, argument.memory) = (count, Type::VideoCapture as u32, Memory::Mmap as u32);
        self.call(&REQBUFS, &mut argument)?;
        Ok(argument.count)
    }

    /// Where buffer `index` is to be mapped from, and how long it is.
    pub(super) fn query_buffer(&self, index: u32) -> io::Result<(libc::off_t, usize)> {
        let mut buffer = buffer(index);
        self.call(&QUERYBUF, &mut buffer)?;
        // SAFETY: for memory-mapped buffers the driver fills `offset`.
        let offset = unsafe { buffer.m.offset };
        Ok((offset as libc::off_t, buffer.length as usize))
    }

    /// Gives buffer `index` to the driver to be filled.
    pub(super) fn queue(&self, index: u32) -> io::Result<()> {
        self.call(&QBUF, &mut buffer(index))
    }

    /// Takes the oldest filled buffer; `None` when there is none.
    pub(super) fn dequeue(&self) -> io::Result<Option<sys::v4l2_buffer>> {
        let mut buffer = buffer(0);
        match self.call(&DQBUF, &mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            other => other.map(|()| Some(buffer)),
        }
    }

    /// Starts the stream.
    pub(super) fn start(&self) -> io::Result<()> {
        self.call(&STREAMON, &mut (Type::VideoCapture as libc::c_int))
    }

    /// Stops the stream; all buffers are the program's again.
    pub(super) fn stop(&self) -> io::Result<()> {
        self.call(&STREAMOFF, &mut (Type::VideoCapture as libc::c_int))
    }

    /// Waits for a filled buffer for at most `wait`, which a signal may cut short.
    pub(super) fn poll(&self, wait: Duration) -> io::Result<Readiness> {
        let mut poll = libc::pollfd {
            fd: self.fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let millis = wait.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(libc::c_int::MAX);
        // SAFETY: the pointer is to one pollfd.
        if unsafe { libc::poll(&mut poll, 1, millis) } < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted {
                Ok(Readiness::Waiting)
            } else {
                Err(error)
            };
        }
        Ok(match poll.revents {
            0 => Readiness::Waiting,
            events if events & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0 => Readiness::Failed,
            _ => Readiness::Ready,
        })
    }

    /// The file descriptor, for mapping.
    pub(super) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn call<T>(&self, call: &Call<T>, argument: &mut T) -> io::Result<()> {
        // SAFETY: `argument` is the structure that the call takes, and none of the calls above keeps a pointer to it.
        unsafe { v4l::v4l2::ioctl(self.fd(), call.number, ptr::from_mut(argument).cast()) }
    }
}

/// An empty argument of `call`.
fn zeroed<T>(_: &Call<T>) -> T {
    // SAFETY: the structures of the calls above are integers, arrays and unions of them, and pointers: all may be zero.
    unsafe { mem::zeroed() }
}

fn buffer(index: u32) -> sys::v4l2_buffer {
    let mut buffer = zeroed(&QBUF);
    (buffer.index, buffer.type_, buffer.memory) = (index, Type::VideoCapture as u32, Memory::Mmap as u32);
    buffer
}

fn size_of_entry(entry: &sys::v4l2_frmsizeenum) -> Size {
    if entry.type_ == sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
        // SAFETY: the type says that it is this one.
        let size = unsafe { entry.__bindgen_anon_1.discrete };
        return Size::Exactly(size.width, size.height);
    }
    // SAFETY: both other types have this one.
    let range = unsafe { entry.__bindgen_anon_1.stepwise };
    Size::Range {
        width: (range.min_width, range.max_width, range.step_width),
        height: (range.min_height, range.max_height, range.step_height),
    }
}

fn shortest_of_entry(entry: &sys::v4l2_frmivalenum) -> Option<Duration> {
    let listed = &entry.__bindgen_anon_1;
    duration(match entry.type_ {
        // SAFETY: the type says that it is this one.
        sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE => unsafe { listed.discrete },
        // SAFETY: both other types have this one.
        _ => unsafe { listed.stepwise }.min,
    })
}

/// A time per frame; `None` for one that is zero or divided by zero, as drivers that know none say.
fn duration(seconds: sys::v4l2_fract) -> Option<Duration> {
    let nanos = (u64::from(seconds.numerator) * 1_000_000_000).checked_div(u64::from(seconds.denominator))?;
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}
