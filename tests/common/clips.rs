//! Clips made on the spot, of every kind that is played: small moving pictures with a texture of their own each.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jpeg_encoder::ColorType;
use jpeg_encoder::Encoder;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::source;
use lookout::source::pace::Pace;
use lookout::source::recording;
use lookout::trigger::Edge;

/// Sides of the pictures, in pixels.
pub const WIDTH: u32 = 80;
pub const HEIGHT: u32 = 64;

/// Luma of picture `n`: a gradient with a bright square that moves on.
pub fn luma(n: usize) -> Vec<u8> {
    let square = |x: u32, y: u32| (x + 80 - 3 * n as u32 % 80) % 80 < 16 && (20..36).contains(&y);
    let pixel = |i: u32| {
        let (x, y) = (i % WIDTH, i / WIDTH);
        if square(x, y) { 220 } else { (40 + x + y / 2) as u8 }
    };
    (0..WIDTH * HEIGHT).map(pixel).collect()
}

/// YUV4MPEG2 of `count` pictures, with header words `extra` (`F10:1 C420jpeg`) and `chroma` bytes after each luma plane.
pub fn y4m(count: usize, extra: &str, chroma: usize) -> Vec<u8> {
    let mut bytes = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} {extra}\n").into_bytes();
    for n in 0..count {
        bytes.extend_from_slice(b"FRAME\n");
        bytes.extend_from_slice(&luma(n));
        bytes.resize(bytes.len() + chroma, 128);
    }
    bytes
}

/// Bytes of both chroma planes, 4:2:0.
pub const CHROMA_420: usize = (WIDTH * HEIGHT / 2) as usize;

/// Picture `n` as JPEG, with an EXIF-like segment that holds a whole picture of its own (a thumbnail).
pub fn jpeg(n: usize) -> Vec<u8> {
    let thumbnail = encode(&[200; 64], 8, 8, &[]);
    encode(&luma(n), WIDTH as u16, HEIGHT as u16, &thumbnail)
}

/// Luma of any size as JPEG.
pub fn jpeg_of(luma: &[u8], width: u16, height: u16) -> Vec<u8> {
    encode(luma, width, height, &[])
}

fn encode(luma: &[u8], width: u16, height: u16, segment: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    if !segment.is_empty() {
        encoder.add_app_segment(1, segment.to_vec()).expect("a segment that fits");
    }
    encoder.encode(luma, width, height, ColorType::Luma).expect("a picture");
    bytes
}

/// `count` JPEG pictures one after another, with padding between, as some cameras have it.
pub fn mjpeg(count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| [jpeg(n), vec![0; n % 3]].concat()).collect()
}

/// AVI with `count` MJPEG pictures at 10 a second, a sound chunk beside each, in as many `RIFF` parts as asked for
/// (OpenDML), with lengths of zero where a writer to a pipe leaves them.
pub fn avi(count: usize, parts: usize, lengths: bool) -> Vec<u8> {
    let size = |bytes: &[u8]| if lengths { bytes.len() as u32 } else { 0 };
    let list = |kind: &[u8; 4], name: &[u8; 4], body: &[u8]| [&name[..], &(size(body) + 4).to_le_bytes(), kind, body].concat();
    let mut out = Vec::new();
    for part in 0..parts {
        let chunks = (part * count / parts..(part + 1) * count / parts).flat_map(|n| [chunk(b"01wb", &[0; 3]), chunk(b"00dc", &jpeg(n))]);
        let movi = list(b"movi", b"LIST", &chunks.collect::<Vec<_>>().concat());
        let index = chunk(b"idx1", &[0; 16]);
        out.extend(match part {
            0 => list(b"AVI ", b"RIFF", &[avi_headers(), movi, index].concat()),
            _ => list(b"AVIX", b"RIFF", &movi),
        });
    }
    out
}

fn avi_headers() -> Vec<u8> {
    let mut stream = [0; 56];
    stream[..8].copy_from_slice(b"vidsMJPG");
    stream[20..24].copy_from_slice(&1_u32.to_le_bytes());
    stream[24..28].copy_from_slice(&10_u32.to_le_bytes());
    let mut format = [0; 40];
    format[4..8].copy_from_slice(&WIDTH.to_le_bytes());
    format[8..12].copy_from_slice(&HEIGHT.to_le_bytes());
    format[16..20].copy_from_slice(b"MJPG");
    let strl = [b"strl".to_vec(), chunk(b"strh", &stream), chunk(b"strf", &format)].concat();
    let hdrl = [b"hdrl".to_vec(), chunk(b"avih", &[0; 56]), chunk(b"LIST", &strl)].concat();
    chunk(b"LIST", &hdrl)
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let padding = vec![0; body.len() % 2];
    [&name[..], &(body.len() as u32).to_le_bytes(), body, &padding].concat()
}

/// A folder of `count` pictures under `dir`, JPEG or PGM, whose names are not in the order of their making.
pub fn folder(dir: &Path, count: usize, pgm: bool) -> PathBuf {
    let folder = dir.join(if pgm { "pgm" } else { "jpg" });
    std::fs::create_dir(&folder).expect("a new folder");
    std::fs::write(folder.join("readme.txt"), "not a picture").expect("written");
    for n in (0..count).rev() {
        let (name, bytes) = match pgm {
            true => (format!("{n:03}.pgm"), pgm_bytes(n)),
            false => (format!("{n:03}.JPG"), jpeg(n)),
        };
        std::fs::write(folder.join(name), bytes).expect("written");
    }
    folder
}

/// Picture `n` as PGM, with a comment in its header.
pub fn pgm_bytes(n: usize) -> Vec<u8> {
    [format!("P5\n# picture {n}\n{WIDTH} {HEIGHT}\n255\n").into_bytes(), luma(n)].concat()
}

/// Writes `bytes` as `name` under `dir`.
pub fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

/// What was recorded: each frame's time and bytes, and the edges.
pub type Recorded = (Vec<(Mono, Vec<u8>)>, Vec<Edge>);

/// Records the first frames of a scene.
pub fn record_scene(dir: &Path, spec: &str, frames: u64) -> (PathBuf, Recorded) {
    let clock = super::sim_clock();
    let mut opened = source::open(&super::settings(spec), Pace::Fast, Arc::new(clock.clone())).expect("a scene");
    let mut edges = opened.edges.expect("a PIR sensor");
    let path = dir.join("scene.lkr");
    let header = recording::Header::new(opened.frames.format(), "garden", clock.wall());
    let mut writer = recording::Writer::create(&path, &header, clock.now()).expect("a new file");
    let mut seen: Recorded = (Vec::new(), Vec::new());
    for _ in 0..frames {
        let frame = opened.frames.next(Duration::ZERO).expect("no end").expect("a frame");
        while let Some(edge) = edges.poll().expect("edges") {
            writer.edge(&edge).expect("written");
            seen.1.push(edge);
        }
        writer.frame(&frame).expect("written");
        seen.0.push((frame.captured, frame.data.to_vec()));
    }
    assert_eq!(writer.bytes(), std::fs::metadata(&path).expect("there").len());
    (path, seen)
}
