//! Cells and the whole detector against a streaming memcpy of the luma plane, interleaved in one run; compressed
//! frames against the library's full decode.

#[path = "../../../tests/motion_scene/jpeg.rs"]
mod jpeg;

use std::hint::black_box;
use std::time::Duration;

use jpeg::Encoding;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::cells::Grid;
use lookout::motion::cells::means_of;
use lookout::motion::settings::Settings;

/// Bytes that the rotating buffers take together at least: more than any cache of the machines that this runs on.
const ROTATION_BYTES: usize = 64 << 20;
/// Rounds of a row of the table; each measures everything once, and the fastest round counts.
const ROUNDS: usize = 30;
/// Frames of each measurement in a round.
const FRAMES: usize = 16;

/// Prints the table.
pub(crate) fn run() {
    println!("detector: microseconds a frame, and ratio to the reference of the same row");
    println!("{:<22}{:>14}{:>16}{:>16}{:>16}", "", "reference", "cells", "quiet", "busy");
    for (width, height) in [(640, 480), (1280, 720), (1920, 1080)] {
        for pixel in [PixelFormat::Grey, PixelFormat::Nv12, PixelFormat::Yuyv] {
            row(&format!("{pixel} {width}x{height}"), raw(pixel, width, height));
        }
        row(&format!("MJPG {width}x{height}"), compressed(width, height));
    }
    println!("reference: memcpy of the luma plane; for MJPG the library's full decode to colour, and cells are its decode to luma");
}

/// What is measured of one format.
struct Bench {
    reference: Box<dyn FnMut(usize)>,
    cells: Box<dyn FnMut(usize)>,
    quiet: Box<dyn FnMut(usize)>,
    busy: Box<dyn FnMut(usize)>,
}

fn row(name: &str, mut bench: Bench) {
    let mut times: [Vec<f64>; 4] = Default::default();
    for round in 0..ROUNDS + 2 {
        let parts = [&mut bench.reference, &mut bench.cells, &mut bench.quiet, &mut bench.busy];
        for (part, times) in parts.into_iter().zip(&mut times) {
            let time = timed(part, round * FRAMES);
            // The first rounds warm caches and the detector up.
            if round >= 2 {
                times.push(time);
            }
        }
    }
    let [reference, rest @ ..] = times.map(least);
    print!("{name:<22}{reference:>14.1}");
    rest.iter()
        .for_each(|time| print!("{:>16}", format!("{time:.1} ({:.2})", time / reference)));
    println!();
}

/// Microseconds a call, over [`FRAMES`] calls numbered from `from`.
fn timed(part: &mut dyn FnMut(usize), from: usize) -> f64 {
    let clock = SystemClock::default();
    let start = clock.now();
    (from..from + FRAMES).for_each(part);
    clock.now().since(start).as_secs_f64() * 1e6 / FRAMES as f64
}

/// The least of the rounds: what else runs on the machine only adds.
fn least(times: Vec<f64>) -> f64 {
    times.into_iter().fold(f64::INFINITY, f64::min)
}

fn raw(pixel: PixelFormat, width: u32, height: u32) -> Bench {
    let format = FrameFormat::packed(pixel, width, height, Duration::from_millis(66));
    let luma = format.luma_bytes();
    let count = (ROTATION_BYTES / format.bytes_min()).max(8);
    let (quiet, busy) = (frames(format, count, false), frames(format, count, true));
    let (source, mut target) = (quiet.clone(), vec![vec![0u8; luma]; (ROTATION_BYTES / luma).max(8)]);
    let (for_cells, grid) = (quiet.clone(), Grid::of(width, height));
    let (mut lanes, mut cells) = (vec![0; grid.columns * grid.side], vec![0; grid.len()]);
    Bench {
        reference: Box::new(move |n| {
            let target_count = target.len();
            let target = &mut target[n % target_count];
            target.copy_from_slice(&source[n % source.len()][..luma]);
            black_box(target);
        }),
        cells: Box::new(move |n| {
            let frame = frame(format, n, &for_cells[n % for_cells.len()]);
            means_of(&frame, &mut lanes, &mut cells);
            black_box(&cells);
        }),
        quiet: observer(format, quiet),
        busy: observer(format, busy),
    }
}

fn compressed(width: u32, height: u32) -> Bench {
    let format = FrameFormat::packed(PixelFormat::Mjpeg, width, height, Duration::from_millis(66));
    let (quiet, busy) = (frames(format, 8, false), frames(format, 8, true));
    let (full, luma) = (quiet.clone(), quiet.clone());
    Bench {
        reference: Box::new(move |n| decode(&full[n % full.len()], false)),
        cells: Box::new(move |n| decode(&luma[n % luma.len()], true)),
        quiet: observer(format, quiet),
        busy: observer(format, busy),
    }
}

/// The first `count` frames of a noisy scene.
pub(crate) fn frames(format: FrameFormat, count: usize, busy: bool) -> Vec<Vec<u8>> {
    let (width, height) = (format.width, format.height);
    let how = Encoding {
        colour: true,
        tables: true,
        step: 12,
    };
    let frame = |number| match format.pixel {
        PixelFormat::Mjpeg => {
            let height16 = height.next_multiple_of(16);
            let luma = picture(width, height16, number, busy);
            with_height(jpeg::encode(&luma, width as usize, height16 as usize, how), height)
        }
        _ => packed(&picture(width, height, number, busy), format),
    };
    (0..count).map(frame).collect()
}

/// The library's decode of a whole picture.
fn decode(data: &[u8], luma: bool) {
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;
    let to = if luma { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::new_fast().jpeg_set_out_colorspace(to);
    black_box(
        JpegDecoder::new_with_options(ZCursor::new(data), options)
            .decode()
            .expect("a whole picture"),
    );
}

/// Says that the picture has `height` rows: a decoder leaves out the rest of the last row of blocks.
fn with_height(mut picture: Vec<u8>, height: u32) -> Vec<u8> {
    let header = picture
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .expect("a frame header");
    picture[header + 5..header + 7].copy_from_slice(&(height as u16).to_be_bytes());
    picture
}

fn observer(format: FrameFormat, frames: Vec<Vec<u8>>) -> Box<dyn FnMut(usize)> {
    let mut detector = Detector::new(&Settings::default(), format.width, format.height);
    Box::new(move |n| {
        let frame = frame(format, n, &frames[n % frames.len()]);
        black_box(detector.observe(&frame).expect("a whole frame"));
    })
}

/// One of them.
pub(crate) fn frame(format: FrameFormat, number: usize, data: &[u8]) -> Frame<'_> {
    Frame {
        format,
        number: number as u64,
        captured: Mono::from_millis(number as u64 * 66),
        data,
    }
}

/// Luma of a noisy scene; when busy, with three things that go across it.
fn picture(width: u32, height: u32, number: usize, busy: bool) -> Vec<u8> {
    let mut state = number as u64 * 0x9e37_79b9 + 1;
    let mut noise = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 62) as u8
    };
    let things = [0.15f32, 0.45, 0.75].map(|y| ((number as f32 * 0.02 + y) % 1.0, y));
    let mut luma = Vec::with_capacity((width * height) as usize);
    for row in 0..height {
        for column in 0..width {
            let (x, y) = (column as f32 / width as f32, row as f32 / height as f32);
            let covered = busy && things.iter().any(|(at_x, at_y)| (x - at_x).abs() < 0.06 && (y - at_y).abs() < 0.12);
            let ground = 90 + ((column / 40 + row / 30) % 7) as u8 * 10;
            luma.push(if covered { 40 } else { ground } + noise());
        }
    }
    luma
}

/// `luma` as a frame of `format`.
fn packed(luma: &[u8], format: FrameFormat) -> Vec<u8> {
    match format.pixel {
        PixelFormat::Yuyv => luma.iter().flat_map(|y| [*y, 128]).collect(),
        _ => {
            let mut data = luma.to_vec();
            data.resize(format.bytes_min(), 128);
            data
        }
    }
}
