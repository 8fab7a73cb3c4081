//! The detector on compressed frames: the decisions of raw ones, whatever is damaged, in memory that is stated.

mod motion_scene;

use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::FrameFault;
use lookout::motion::MotionState;
use lookout::motion::jpeg;
use lookout::motion::jpeg::JpegFault;
use lookout::motion::settings::Settings;
use motion_scene::Look;
use motion_scene::Random;
use motion_scene::Scene;
use motion_scene::frame;
use motion_scene::held::HELD;
use motion_scene::held::Held;
use motion_scene::jpeg::Encoding;
use motion_scene::jpeg::encode;
use motion_scene::moving;
use motion_scene::verdict::SMALL;
use motion_scene::verdict::walk;

/// A scene of `frames` compressed frames with a walker.
fn compressed(frames: u64, how: Encoding) -> Vec<Vec<u8>> {
    let mut scene = Scene::new(SMALL.0, SMALL.1, 8);
    (0..frames)
        .map(|n| {
            encode(
                scene.render(&Look {
                    things: walk(n, 14, 0.5, -45.0),
                    ..Look::default()
                }),
                SMALL.0,
                SMALL.1,
                how,
            )
        })
        .collect()
}

const CAMERA: Encoding = Encoding {
    colour: true,
    tables: false,
    step: 8,
};

#[test]
fn light_that_drifts_over_the_steps_of_a_coarse_picture_is_quiet() {
    let coarse = Encoding {
        colour: false,
        tables: true,
        step: 27, // quality 30
    };
    for (size, drift) in [(SMALL, 0.05), ((640, 480), 0.05), ((640, 480), -0.08)] {
        let mut scene = Scene::new(size.0, size.1, 8);
        let mut detector = Detector::new(&Settings::default(), size.0 as u32, size.1 as u32);
        let moves = |n: &u64| {
            let look = Look {
                wall: Some(110.0),
                lamp: 0.25, // unevenly lit, so that parts of it change at a time
                offset: drift * *n as f32,
                noise: 1.0,
                ..Look::default()
            };
            let data = encode(scene.render(&look), size.0, size.1, coarse);
            let frame = frame(PixelFormat::Mjpeg, size.0, size.1, *n, &data);
            detector.observe(&frame).expect("whole").state == MotionState::Moving
        };
        let moved: Vec<u64> = (0..160).filter(moves).collect();
        assert_eq!(moved, [0u64; 0], "{size:?}, {drift} levels a frame");
    }
}

#[test]
fn compressed_frames_give_the_decisions_of_raw_ones_with_or_without_tables() {
    let mut scene = Scene::new(SMALL.0, SMALL.1, 8);
    let mut run = |how: Option<Encoding>| {
        scene = Scene::new(SMALL.0, SMALL.1, 8);
        let mut detector = Detector::new(&Settings::default(), 320, 240);
        let mut said = Vec::new();
        for n in 0..50 {
            let pixels = scene.render(&Look {
                things: walk(n, 14, 0.5, -45.0),
                ..Look::default()
            });
            let (pixel, data) = match how {
                None => (PixelFormat::Grey, pixels.to_vec()),
                Some(how) => (PixelFormat::Mjpeg, encode(pixels, SMALL.0, SMALL.1, how)),
            };
            said.push(detector.observe(&frame(pixel, SMALL.0, SMALL.1, n, &data)).expect("whole").clone());
        }
        moving(&said)
    };
    let raw = run(None);
    assert!(!raw.is_empty());
    for (colour, tables) in [(true, true), (true, false), (false, true), (false, false)] {
        let seen = run(Some(Encoding { colour, tables, step: 2 }));
        let differing = (0..50).filter(|n| raw.contains(n) != seen.contains(n)).count();
        assert!(differing <= 2, "{raw:?} {seen:?}");
    }
}

#[test]
fn a_damaged_compressed_frame_is_an_error_or_a_picture_and_harms_nothing() {
    let frames = compressed(6, CAMERA);
    let whole = &frames[3];
    let mut detector = Detector::new(&Settings::default(), 320, 240);
    let mut give = |number: u64, data: &[u8]| {
        detector
            .observe(&frame(PixelFormat::Mjpeg, SMALL.0, SMALL.1, number, data))
            .cloned()
    };
    for cut in (0..whole.len() - 2).step_by(7) {
        assert!(give(cut as u64, &whole[..cut]).is_err(), "cut after {cut} bytes");
    }
    let mut random = Random(1);
    for number in 0..1500 {
        let mut damaged = whole.clone();
        for _ in 0..1 + random.next() % 4 {
            let reach = if number % 2 == 0 { 700 } else { damaged.len() };
            let at = random.next() as usize % reach;
            damaged[at] = random.next() as u8;
        }
        let _ = give(10_000 + number, &damaged);
    }
    // What was refused left no trace.
    let (mut harmed, mut spared) = (
        Detector::new(&Settings::default(), 320, 240),
        Detector::new(&Settings::default(), 320, 240),
    );
    for (n, data) in compressed(40, CAMERA).iter().enumerate() {
        let refused = harmed.observe(&frame(PixelFormat::Mjpeg, SMALL.0, SMALL.1, n as u64, &data[..data.len() / 2]));
        assert!(matches!(
            refused,
            Err(FrameFault::Jpeg {
                cause: JpegFault::CutOff { .. },
                ..
            })
        ));
        let whole = frame(PixelFormat::Mjpeg, SMALL.0, SMALL.1, n as u64, data);
        assert_eq!(harmed.observe(&whole).expect("whole"), spared.observe(&whole).expect("whole"));
    }
}

#[test]
fn decoding_takes_no_more_memory_than_it_says() {
    for (width, height) in [(320, 240), (640, 480), (1280, 720)] {
        let picture = Scene::new(width, height, 8).render(&Look::default()).to_vec();
        let data = encode(&picture, width, height, CAMERA);
        let mut detector = Detector::new(&Settings::default(), width as u32, height as u32);
        let before = HELD.get();
        HELD.set(Held {
            peak: before.bytes,
            ..before
        });
        detector
            .observe(&frame(PixelFormat::Mjpeg, width, height, 0, &data))
            .expect("whole");
        let peak = (HELD.get().peak - before.bytes) as usize;
        assert!(
            peak <= jpeg::transient(width as u32),
            "decoding took {peak} bytes at {width}x{height}"
        );
        assert_eq!(HELD.get().bytes, before.bytes, "and gives all of it back");
    }
}

#[test]
fn compressed_frames_of_another_size_or_kind_are_refused_before_they_cost_memory() {
    let mut whole = compressed(1, CAMERA).remove(0);
    let mut detector = Detector::new(&Settings::default(), 320, 240);
    let header = whole.windows(2).position(|marker| marker == [0xff, 0xc0]).expect("a frame header");
    whole[header + 5..header + 9].copy_from_slice(&[0x40, 0, 0x40, 0]);
    let large = detector.observe(&frame(PixelFormat::Mjpeg, 320, 240, 1, &whole));
    assert!(matches!(
        large,
        Err(FrameFault::Jpeg {
            cause: JpegFault::Size {
                width: 0x4000,
                height: 0x4000
            },
            ..
        })
    ));
    whole[header + 1] = 0xc2;
    let progressive = detector.observe(&frame(PixelFormat::Mjpeg, 320, 240, 2, &whole));
    assert!(matches!(
        progressive,
        Err(FrameFault::Jpeg {
            cause: JpegFault::Kind { marker: 0xc2 },
            ..
        })
    ));
}
