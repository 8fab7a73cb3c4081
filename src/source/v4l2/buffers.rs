//! Kernel buffers mapped into the process, and the stream that fills them. Which frame wins is decided in `v4l2.rs`.

use std::io;
use std::ptr;
use std::ptr::NonNull;
use std::slice;
use std::time::Duration;

use v4l::buffer::Flags;
use v4l::v4l_sys::v4l2_buffer;

use super::device::Device;
use super::device::Readiness;
use crate::clock::Mono;

/// A running stream. Dropping it stops the stream, unmaps and frees the buffers and closes the device, whatever the
/// device then says: one that is unplugged fails every call.
pub(super) struct Buffers {
    device: Device,
    maps: Vec<Map>,
}

/// A buffer that the driver has filled and that is the program's until it is [given back](Buffers::give_back).
pub(super) struct Filled {
    index: u32,
    /// Bytes of the picture; at most the buffer's length.
    pub(super) bytes: usize,
    /// The driver says that the picture is damaged.
    pub(super) damaged: bool,
    /// The driver's number of the picture; wraps around.
    pub(super) sequence: u32,
    /// When it was taken, if the driver stamps with the monotonic clock.
    pub(super) stamp: Option<Mono>,
}

impl Buffers {
    /// Maps about `count` buffers, gives them all to the driver and starts the stream. An error says at which step.
    pub(super) fn start(device: Device, count: u32) -> Result<Buffers, (&'static str, io::Error)> {
        let doing = |step| move |cause| (step, cause);
        let made = device.request_buffers(count).map_err(doing("asking for buffers"))?;
        let mut buffers = Buffers { device, maps: Vec::new() };
        buffers.maps.reserve_exact(made as usize);
        for index in 0..made {
            let map = Map::new(&buffers.device, index).map_err(doing("mapping a buffer"))?;
            buffers.maps.push(map);
            buffers.device.queue(index).map_err(doing("queueing a buffer"))?;
        }
        buffers.device.start().map_err(doing("starting the stream"))?;
        Ok(buffers)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.maps.len()
    }

    /// Bytes mapped.
    pub(super) fn footprint(&self) -> usize {
        self.maps.iter().map(|map| map.bytes).sum()
    }

    /// Waits for at most `wait` until a buffer is filled.
    pub(super) fn poll(&self, wait: Duration) -> io::Result<Readiness> {
        self.device.poll(wait)
    }

    /// Takes the oldest filled buffer; `None` when there is none.
    pub(super) fn take(&self) -> io::Result<Option<Filled>> {
        let Some(buffer) = self.device.dequeue()? else { return Ok(None) };
        let map = self.maps.get(buffer.index as usize);
        let map = map.ok_or_else(|| io::Error::from_raw_os_error(libc::EIO))?; // not one of ours
        Ok(Some(Filled {
            index: buffer.index,
            bytes: map.bytes.min(buffer.bytesused as usize),
            damaged: buffer.flags & Flags::ERROR.bits() != 0,
            sequence: buffer.sequence,
            stamp: stamp(&buffer),
        }))
    }

    /// Gives a buffer back to the driver, to be filled anew.
    pub(super) fn give_back(&self, filled: Filled) -> io::Result<()> {
        self.device.queue(filled.index)
    }

    /// The picture in `filled`.
    pub(super) fn picture(&self, filled: &Filled) -> &[u8] {
        self.maps
            .get(filled.index as usize)
            .map_or(&[], |map| &map.as_slice()[..filled.bytes])
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // Unplugged devices refuse both calls with ENODEV; closing the file frees whatever they would have freed.
        let _ = self.device.stop();
        self.maps.clear();
        let _ = self.device.request_buffers(0);
    }
}

/// One buffer in the process's address space.
struct Map {
    at: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and only `Map` has its address.
unsafe impl Send for Map {}

impl Map {
    fn new(device: &Device, index: u32) -> io::Result<Map> {
        let (offset, bytes) = device.query_buffer(index)?;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let at = unsafe { v4l::v4l2::mmap(ptr::null_mut(), bytes, libc::PROT_READ, libc::MAP_SHARED, device.fd(), offset)? };
        let at = NonNull::new(at.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Map { at, bytes })
    }

    /// What is in it. Call only while the program has the buffer: a queued one changes under the reader.
    fn as_slice(&self) -> &[u8] {
        // SAFETY: mapped readable for `bytes` until `self` is dropped; `Filled` exists only while the driver leaves it alone.
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.bytes) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and no slice outlives `self`.
        let unmapped = unsafe { v4l::v4l2::munmap(self.at.as_ptr().cast(), self.bytes) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

fn stamp(buffer: &v4l2_buffer) -> Option<Mono> {
    let monotonic = buffer.flags & Flags::TIMESTAMP_MASK.bits() == Flags::TIMESTAMP_MONOTONIC.bits();
    let seconds = u64::try_from(buffer.timestamp.tv_sec).ok().filter(|_| monotonic)?;
    let micros = u64::try_from(buffer.timestamp.tv_usec).ok()?;
    Some(Mono::from_nanos(seconds.saturating_mul(1_000_000_000) + micros * 1_000))
}
