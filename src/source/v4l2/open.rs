//! Opening a camera: what it is, what it offers, what is settled with it.

use std::path::Path;
use std::time::Duration;

use v4l::capability::Flags;

use super::Failure;
use super::Request;
use super::buffer_bytes_max;
use super::buffers::Buffers;
use super::device::Device;
use super::footprint_of;
use super::negotiate::Offer;
use super::negotiate::Size;
use super::negotiate::choose;
use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::limits::CAMERA_BUFFERS;
use crate::limits::CAMERA_BUFFERS_MIN;
use crate::limits::FRAME_HEIGHT_MAX;
use crate::limits::FRAME_SIDE_MIN;
use crate::limits::FRAME_WIDTH_MAX;

/// What a single-planar camera that streams can do.
const CAMERA: Flags = Flags::VIDEO_CAPTURE.union(Flags::STREAMING);

/// Settles layout, size and rate with the camera and starts its stream.
pub(super) fn start(request: &Request) -> Result<(FrameFormat, Buffers), Failure> {
    let interval = check_request(request)?;
    let device = Device::open(&request.device).map_err(Failure::of("opening"))?;
    check_is_camera(&device)?;
    let offer = pick(&device, request, interval)?;
    let (format, picture_bytes) = settle(&device, offer, interval)?;
    let buffers = stream(device, picture_bytes, request)?;
    Ok((format, buffers))
}

/// Whether `path` is a camera that offers a layout that is understood.
pub(super) fn is_camera(path: &Path) -> bool {
    let Ok(device) = Device::open(path) else { return false };
    let streams = device.capability().is_ok_and(|capability| capability.can.contains(CAMERA));
    let understood = |code| PixelFormat::ALL.iter().any(|pixel| *pixel.fourcc() == code);
    streams && device.has_input() && device.layouts().into_iter().any(understood)
}

/// The time between frames that is asked for, if the request makes sense.
fn check_request(request: &Request) -> Result<Duration, Failure> {
    let sides =
        (FRAME_SIDE_MIN..=FRAME_WIDTH_MAX).contains(&request.width) && (FRAME_SIDE_MIN..=FRAME_HEIGHT_MAX).contains(&request.height);
    let interval = Duration::try_from_secs_f32(request.fps.recip())
        .ok()
        .filter(|interval| sides && !interval.is_zero());
    interval.ok_or_else(|| {
        Failure::Unsupported(format!(
            "{}x{} at {} fps was asked for; sizes from {FRAME_SIDE_MIN}x{FRAME_SIDE_MIN} to {FRAME_WIDTH_MAX}x{FRAME_HEIGHT_MAX} and rates above 0 will do",
            request.width, request.height, request.fps
        ))
    })
}

fn check_is_camera(device: &Device) -> Result<(), Failure> {
    let capability = match device.capability() {
        Err(cause) if cause.raw_os_error() == Some(libc::ENOTTY) => {
            return Err(Failure::Unsupported("not a V4L2 device".to_owned()));
        }
        other => other.map_err(Failure::of("asking what it is"))?,
    };
    if capability.can.contains(CAMERA) {
        return Ok(());
    }
    let (card, can) = (capability.card, capability.can);
    Err(Failure::Unsupported(format!(
        "not a camera that streams: {card} offers {can}; {CAMERA} would do"
    )))
}

/// The best that the camera offers within what is asked for.
fn pick(device: &Device, request: &Request, interval: Duration) -> Result<Offer, Failure> {
    let listed: Vec<([u8; 4], Vec<Size>)> = device.layouts().into_iter().map(|code| (code, device.sizes(&code))).collect();
    let wanted = |pixel: &PixelFormat| request.pixel.is_none_or(|only| only == *pixel);
    let offers = PixelFormat::ALL.into_iter().filter(wanted).filter_map(|pixel| {
        let (code, sizes) = listed.iter().find(|(code, _)| code == pixel.fourcc())?;
        let (width, height) = largest_within(sizes, request)?;
        let fastest = device.shortest_interval(code, width, height);
        Some(Offer {
            pixel,
            width,
            height,
            fastest,
        })
    });
    choose(&offers.collect::<Vec<_>>(), interval).ok_or_else(|| Failure::Unsupported(refusal(&listed, request)))
}

/// A driver that lists no sizes is asked for the very size, and makes of it what it can.
fn largest_within(sizes: &[Size], request: &Request) -> Option<(u32, u32)> {
    if sizes.is_empty() {
        return Some((request.width, request.height));
    }
    let fitting = sizes.iter().filter_map(|size| size.within(request.width, request.height));
    fitting
        .filter(|(width, height)| *width.min(height) >= FRAME_SIDE_MIN)
        .max_by_key(|(width, height)| width * height)
}

fn refusal(listed: &[([u8; 4], Vec<Size>)], request: &Request) -> String {
    let offered = listed.iter().map(|(code, sizes)| {
        let sizes: Vec<_> = sizes.iter().map(Size::to_string).collect();
        format!("{} ({})", code.escape_ascii(), sizes.join(", "))
    });
    let offered = offered.collect::<Vec<_>>().join("; ");
    let understood = request.pixel.map_or_else(|| PixelFormat::ALL.to_vec(), |only| vec![only]);
    let understood = understood.iter().map(PixelFormat::to_string).collect::<Vec<_>>().join(", ");
    let (width, height) = (request.width, request.height);
    let nothing = if offered.is_empty() { "nothing" } else { "" };
    format!("it offers {nothing}{offered}; one of {understood} of at most {width}x{height} would do")
}

/// Sets what was picked, and gives what came of it with the bytes of one picture.
fn settle(device: &Device, offer: Offer, interval: Duration) -> Result<(FrameFormat, usize), Failure> {
    let got = device
        .set_format(offer.pixel.fourcc(), offer.width, offer.height)
        .map_err(Failure::of("setting the format"))?;
    let code = got.pixelformat.to_le_bytes();
    let fits = got.width <= offer.width && got.height <= offer.height && got.width.min(got.height) >= FRAME_SIDE_MIN;
    if code != *offer.pixel.fourcc() || !fits {
        let (pixel, width, height, code) = (offer.pixel, offer.width, offer.height, code.escape_ascii());
        let made = format!(
            "asked for {pixel} {width}x{height}, it made that {code} {}x{}",
            got.width, got.height
        );
        return Err(Failure::Unsupported(made));
    }
    let interval = device.set_interval(interval).unwrap_or(interval);
    let mut format = FrameFormat::packed(offer.pixel, got.width, got.height, interval);
    if offer.pixel != PixelFormat::Mjpeg {
        format.stride = got.bytesperline.max(format.stride);
    }
    Ok((format, got.sizeimage as usize))
}

/// Starts the stream with as many buffers as [`footprint_of`] the request allows.
fn stream(device: Device, picture_bytes: usize, request: &Request) -> Result<Buffers, Failure> {
    let allowed = footprint_of(request.width, request.height);
    let fitting = u32::try_from(allowed / picture_bytes.max(1)).unwrap_or(u32::MAX);
    let count = fitting.clamp(CAMERA_BUFFERS_MIN, CAMERA_BUFFERS);
    let buffers = Buffers::start(device, count).map_err(|(doing, cause)| Failure::of(doing)(cause))?;
    if buffers.footprint() <= allowed {
        return Ok(buffers);
    }
    let most = buffer_bytes_max(request.width, request.height);
    Err(Failure::Unsupported(format!(
        "its driver wants {} buffers of {picture_bytes} bytes; {CAMERA_BUFFERS} of {most} are set aside for {}x{}",
        buffers.len(),
        request.width,
        request.height
    )))
}
