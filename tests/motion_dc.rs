//! Cells from DC coefficients against the library's decode: every layout that cameras send, damaged pictures, and what
//! falls back to the library.

mod motion_scene;

use jpeg_encoder::ColorType;
use jpeg_encoder::Encoder;
use jpeg_encoder::SamplingFactor;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::cells::Grid;
use lookout::motion::settings::Settings;
use motion_scene::Look;
use motion_scene::Random;
use motion_scene::Scene;
use motion_scene::frame;
use motion_scene::held::HELD;
use proptest::prelude::*;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// How a picture is encoded.
#[derive(Clone, Copy, Debug)]
struct How {
    sampling: Option<SamplingFactor>,
    quality: u8,
    restart: u16,
    optimised: bool,
    progressive: bool,
}

/// `luma` with some colour, or gray where there is no sampling.
fn encode(luma: &[u8], width: usize, height: usize, how: How) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, how.quality);
    // The encoder counts symbols for its own tables as if there were no restarts, and panics on one that it did not count.
    encoder.set_restart_interval(if how.optimised { 0 } else { how.restart });
    encoder.set_optimized_huffman_tables(how.optimised);
    encoder.set_progressive(how.progressive);
    let (width16, height16) = (width as u16, height as u16);
    match how.sampling {
        Some(sampling) => {
            encoder.set_sampling_factor(sampling);
            let coloured = luma.iter().enumerate();
            let pixels: Vec<u8> = coloured.flat_map(|(n, y)| [*y, (n / 3) as u8, (n / 7) as u8]).collect();
            encoder.encode(&pixels, width16, height16, ColorType::Ycbcr)
        }
        None => encoder.encode(luma, width16, height16, ColorType::Luma),
    }
    .expect("encoded");
    out
}

/// Means of blocks by the library's decode, in sixteenths of a level.
fn by_library(data: &[u8], width: usize, grid: Grid) -> Vec<u16> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let luma = JpegDecoder::new_with_options(ZCursor::new(data), options)
        .decode()
        .expect("decoded");
    let mean = |cell: usize| {
        let (left, top) = (cell % grid.columns * 8, cell / grid.columns * 8);
        let rows = (top..top + 8).map(|y| &luma[y * width + left..][..8]);
        rows.flatten().map(|pixel| u32::from(*pixel)).sum::<u32>() / 4
    };
    (0..grid.len()).map(|cell| mean(cell) as u16).collect()
}

fn by_detector(data: &[u8], width: usize, height: usize) -> Vec<u16> {
    let mut detector = Detector::new(&Settings::default(), width as u32, height as u32);
    detector.observe(&frame(PixelFormat::Mjpeg, width, height, 0, data)).expect("whole");
    detector.cells().values.to_vec()
}

/// Luma without black, white or steps inside a block, so that no pixel is clipped by its block's ringing.
fn luma_of(width: usize, height: usize, seed: u64) -> Vec<u8> {
    let mut scene = Scene::new(width, height, seed);
    scene
        .render(&Look {
            gain: 0.9,
            noise: 4.0,
            ..Look::default()
        })
        .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn means_are_those_of_the_library(
        width in 64usize..150, height in 400usize..430, seed: u64, quality in 25u8..100, restart in prop_oneof![Just(0u16), 1u16..40], optimised: bool,
        sampling in prop_oneof![
            Just(None), Just(Some(SamplingFactor::F_1_1)), Just(Some(SamplingFactor::F_2_1)), Just(Some(SamplingFactor::F_1_2)), Just(Some(SamplingFactor::F_2_2)),
        ],
    ) {
        // The encoder makes several scans of coloured pictures with tables of their own.
        let optimised = optimised && sampling.is_none();
        let how = How { sampling, quality, restart, optimised, progressive: false };
        let data = encode(&luma_of(width, height, seed), width, height, how);
        let grid = Grid::of(width as u32, height as u32);
        let (ours, theirs) = (by_detector(&data, width, height), by_library(&data, width, grid));
        let worst = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        prop_assert!(worst <= Some(16), "{worst:?} sixteenths of a level, {how:?}");
    }
}

#[test]
fn the_same_tables_or_others_from_picture_to_picture_make_no_difference() {
    let (width, height) = (96, 400);
    let mut detector = Detector::new(&Settings::default(), width as u32, height as u32);
    for n in 0..12 {
        let (sampling, optimised) = [(Some(SamplingFactor::F_2_2), false), (None, true), (None, false)][n as usize % 3];
        let how = How {
            sampling,
            quality: 80,
            restart: 0,
            optimised,
            progressive: false,
        };
        let data = encode(&luma_of(width, height, n / 2), width, height, how);
        detector
            .observe(&frame(PixelFormat::Mjpeg, width, height, n, &data))
            .expect("whole");
        let fresh = by_detector(&data, width, height);
        assert_eq!(detector.cells().values, fresh, "picture {n}");
    }
}

#[test]
fn a_progressive_picture_is_refused_and_a_damaged_one_is_an_error_or_a_picture() {
    let (width, height) = (96, 400);
    let how = How {
        sampling: Some(SamplingFactor::F_2_2),
        quality: 80,
        restart: 5,
        optimised: false,
        progressive: true,
    };
    let mut detector = Detector::new(&Settings::default(), width as u32, height as u32);
    let mut give = |number, data: &[u8]| detector.observe(&frame(PixelFormat::Mjpeg, width, height, number, data)).is_ok();
    let luma = luma_of(width, height, 1);
    assert!(!give(0, &encode(&luma, width, height, how)));
    let whole = encode(&luma, width, height, How { progressive: false, ..how });
    assert!(give(1, &whole));
    let mut random = Random(5);
    for number in 2..1500 {
        let mut damaged = whole.clone();
        for _ in 0..1 + random.next() % 4 {
            let reach = if number % 2 == 0 { 700 } else { damaged.len() };
            let at = random.next() as usize % reach;
            damaged[at] = random.next() as u8;
        }
        give(number, &damaged);
    }
}

#[test]
fn what_cameras_send_is_read_without_the_library() {
    let (width, height) = (640, 480);
    for sampling in [
        None,
        Some(SamplingFactor::F_1_1),
        Some(SamplingFactor::F_2_1),
        Some(SamplingFactor::F_2_2),
    ] {
        let how = How {
            sampling,
            quality: 85,
            restart: 7,
            optimised: false,
            progressive: false,
        };
        let data = encode(&luma_of(width, height, 3), width, height, how);
        let mut detector = Detector::new(&Settings::default(), width as u32, height as u32);
        let before = HELD.get().count;
        detector
            .observe(&frame(PixelFormat::Mjpeg, width, height, 0, &data))
            .expect("whole");
        assert_eq!(HELD.get().count, before, "the library allocates: {how:?}");
    }
}
