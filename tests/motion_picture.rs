//! The detector and its picture: masks and zones, sizes and layouts, gain and offset, memory.

mod motion_scene;

use lookout::clock::Mono;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::FrameFault;
use lookout::motion::MotionState;
use lookout::motion::settings::Polygon;
use lookout::motion::settings::Settings;
use lookout::motion::settings::Zone;
use motion_scene::Look;
use motion_scene::Scene;
use motion_scene::Thing;
use motion_scene::frame;
use motion_scene::held::HELD;
use motion_scene::moving;
use motion_scene::person;
use motion_scene::verdict::SMALL;
use motion_scene::verdict::walk;
use motion_scene::watch;
use proptest::prelude::*;
use std::time::Duration;

/// A rectangle of the picture.
fn rectangle(x0: f32, y0: f32, x1: f32, y1: f32) -> Polygon {
    [(x0, y0), (x1, y0), (x1, y1), (x0, y1)].into_iter().collect()
}

#[test]
fn a_mask_hides_exactly_what_it_covers() {
    let masked = |things: Vec<Thing>, n| Look {
        things,
        ..Look {
            lamp: if n > 60 { 0.3 } else { 0.0 },
            ..Look::default()
        }
    };
    let mut settings = Settings::default();
    settings.masks.push(rectangle(0.0, 0.0, 0.5, 1.0)).expect("room");
    let hidden = watch(&settings, SMALL, 2, 120, |n, _| {
        masked(
            if n >= 40 {
                vec![person(0.1 + 0.002 * n as f32, 0.8, 0.3, -50.0)]
            } else {
                vec![]
            },
            n,
        )
    });
    let nobody = watch(&settings, SMALL, 2, 120, |n, _| masked(vec![], n));
    assert_eq!(hidden, nobody);
    let beside = watch(&settings, SMALL, 2, 120, |n, _| masked(walk(n, 40, 0.3, -50.0), n));
    assert!(
        moving(&beside).first().is_some_and(|n| (65..75).contains(n)),
        "seen as soon as it comes out: {:?}",
        moving(&beside)
    );
}

#[test]
fn with_zones_only_what_touches_one_counts() {
    let mut settings = Settings::default();
    for (name, x) in [("left", 0.0), ("right", 0.75)] {
        let zone = Zone {
            name: name.try_into().expect("short"),
            polygon: rectangle(x, 0.0, x + 0.25, 1.0),
            sensitivity: None,
        };
        settings.zones.push(zone).expect("room");
    }
    let said = watch(&settings, SMALL, 2, 120, |n, _| Look {
        things: walk(n, 40, 0.3, -50.0),
        ..Look::default()
    });
    let zones = |n: usize| said[n].zones.0;
    assert_eq!((zones(52), zones(72), zones(92)), (1, 0, 2));
    assert_eq!(said[72].state, MotionState::Still);
}

#[test]
fn sensitivity_decides_what_is_faint() {
    let seen = |sensitivity| {
        let settings = Settings {
            sensitivity,
            ..Settings::default()
        };
        moving(&watch(&settings, SMALL, 2, 120, |n, _| Look {
            things: walk(n, 40, 0.07, 4.0),
            ..Look::default()
        }))
        .len()
    };
    assert!(seen(1) < seen(5) && seen(5) < seen(10), "{} {} {}", seen(1), seen(5), seen(10));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn gain_and_offset_of_the_whole_picture_change_no_decision(gain in 0.6f32..1.5, offset in -15.0f32..15.0, at in 20u64..70, seed: u64) {
        let run = |gain: f32, offset: f32| {
            let change = |n, base: Look| if n >= at { Look { gain, offset, ..base } } else { base };
            moving(&watch(&Settings::default(), (160, 120), seed, 110, |n, _| change(n, Look { things: walk(n, 40, 0.4, -45.0), ..Look::default() })))
        };
        let (plain, changed) = (run(1.0, 0.0), run(gain, offset));
        let differing = (0..110).filter(|n| plain.contains(n) != changed.contains(n)).count();
        prop_assert!(differing <= 4, "{plain:?} {changed:?}");
        prop_assert!(changed.iter().all(|n| (40..106).contains(n)), "{changed:?}");
    }

    #[test]
    fn every_raw_format_and_stride_gives_the_same_decisions(padding in 0u32..20, seed: u64) {
        let looks = |n| Look { things: walk(n, 14, 0.5, -45.0), ..Look::default() };
        let (width, height) = (150usize, 110usize);
        let run = |pixel: PixelFormat| {
            let mut scene = Scene::new(width, height, seed);
            let mut detector = Detector::new(&Settings::default(), width as u32, height as u32);
            let mut format = FrameFormat::packed(pixel, width as u32, height as u32, Duration::from_millis(100));
            format.stride += padding * 2;
            (0..40).map(|n| {
                let data = laid_out(scene.render(&looks(n)), format);
                let frame = Frame { format, number: n, captured: Mono::from_millis(n * 100), data: &data };
                detector.observe(&frame).expect("whole").clone()
            }).collect::<Vec<_>>()
        };
        let gray = run(PixelFormat::Grey);
        for pixel in [PixelFormat::Nv12, PixelFormat::Yu12, PixelFormat::Yuyv, PixelFormat::Uyvy] {
            prop_assert_eq!(&run(pixel), &gray);
        }
    }
}

/// `luma` as a frame of `format`, with arbitrary bytes wherever no luma is.
fn laid_out(luma: &[u8], format: FrameFormat) -> Vec<u8> {
    let mut data = vec![0xa5; format.bytes_min()];
    let (step, first) = match format.pixel {
        PixelFormat::Yuyv => (2, 0),
        PixelFormat::Uyvy => (2, 1),
        _ => (1, 0),
    };
    for (y, row) in luma.chunks_exact(format.width as usize).enumerate() {
        for (x, value) in row.iter().enumerate() {
            data[y * format.stride as usize + x * step + first] = *value;
        }
    }
    data
}

#[test]
fn footprint_is_what_is_allocated_and_raw_frames_allocate_nothing() {
    for size in [(64, 64), (322, 241), (640, 480), (1280, 720)] {
        let before = HELD.get().bytes;
        let mut detector = Detector::new(&Settings::default(), size.0 as u32, size.1 as u32);
        let allocated = (HELD.get().bytes - before) as usize;
        assert_eq!(Detector::footprint(&Settings::default(), size.0 as u32, size.1 as u32), allocated);
        let mut scene = Scene::new(size.0, size.1, 1);
        for n in 0..60 {
            let look = Look {
                things: walk(n, 20, 0.5, -45.0),
                lamp: if n > 40 { 1.5 } else { 0.0 },
                ..Look::default()
            };
            let frame = frame(PixelFormat::Grey, size.0, size.1, n, scene.render(&look));
            let count = HELD.get().count;
            detector.observe(&frame).expect("whole");
            assert_eq!(HELD.get().count, count, "allocated in frame {n}");
        }
    }
}

#[test]
fn a_frame_of_another_size_or_too_short_is_refused() {
    let mut detector = Detector::new(&Settings::default(), 320, 240);
    let pixels = vec![0; 640 * 480];
    let wrong = detector.observe(&frame(PixelFormat::Grey, 640, 480, 3, &pixels));
    assert!(matches!(
        wrong,
        Err(FrameFault::Size {
            frame: 3,
            width: 640,
            height: 480
        })
    ));
    let short = detector.observe(&frame(PixelFormat::Grey, 320, 240, 4, &pixels[..76_799]));
    assert!(matches!(
        short,
        Err(FrameFault::Short {
            frame: 4,
            bytes: 76_799,
            bytes_min: 76_800
        })
    ));
}
