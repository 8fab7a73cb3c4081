//! The detector by property: what must never be motion, what must be, and what it costs.

mod motion_scene;

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::cell::Cell;
use std::ops::Range;
use std::time::Duration;

use lookout::clock::Mono;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::FrameFault;
use lookout::motion::Motion;
use lookout::motion::MotionState;
use lookout::motion::Tamper;
use lookout::motion::jpeg;
use lookout::motion::jpeg::JpegFault;
use lookout::motion::settings::Polygon;
use lookout::motion::settings::Settings;
use lookout::motion::settings::Zone;
use motion_scene::Look;
use motion_scene::Random;
use motion_scene::Scene;
use motion_scene::Thing;
use motion_scene::frame;
use motion_scene::jpeg::Encoding;
use motion_scene::jpeg::encode;
use motion_scene::moving;
use motion_scene::person;
use motion_scene::watch;
use proptest::prelude::*;

const SMALL: (usize, usize) = (320, 240);

/// Bytes allocated by this thread now, their highest value, and how often it allocated.
#[derive(Clone, Copy)]
struct Held {
    bytes: isize,
    peak: isize,
    count: usize,
}

thread_local! {
    static HELD: Cell<Held> = const { Cell::new(Held { bytes: 0, peak: 0, count: 0 }) };
}

/// Counts what each thread allocates, so that tests may run side by side.
struct Counting;

fn count(bytes: isize) {
    // A thread that is ending has no counter any more, and no test on it.
    let _ = HELD.try_with(|held| {
        let mut now = held.get();
        now.bytes += bytes;
        now.peak = now.peak.max(now.bytes);
        now.count += usize::from(bytes > 0);
        held.set(now);
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps alloc's contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps dealloc's contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A person who comes in from the left at frame `from`, and goes out on the right.
fn walk(n: u64, from: u64, height: f32, level: f32) -> Vec<Thing> {
    let x = -0.1 + n.saturating_sub(from) as f32 * 0.02;
    if n < from || x > 1.2 {
        Vec::new()
    } else {
        vec![person(x, 0.8, height, level)]
    }
}

/// Asserts that there is motion in `seen` first within a few frames, throughout or not, and never outside.
#[track_caller]
fn check(said: &[Motion], seen: Range<usize>) {
    let frames = moving(said);
    let outside: Vec<_> = frames.iter().filter(|n| !seen.contains(n)).collect();
    assert!(outside.is_empty(), "motion in {outside:?}, where only {seen:?} has any");
    if !seen.is_empty() {
        let first = *frames.first().expect("some motion");
        assert!(first <= seen.start + 7, "first seen in frame {first} of {seen:?}");
        assert!(frames.len() * 3 >= seen.len(), "seen only in {frames:?} of {seen:?}");
    }
}

/// Asserts that `look` is quiet for `frames` frames at two sizes.
#[track_caller]
fn check_quiet(frames: u64, mut look: impl FnMut(u64, &mut Random) -> Look) {
    check(&watch(&Settings::default(), SMALL, 11, frames, &mut look), 0..0);
    check(&watch(&Settings::default(), (640, 480), 12, frames.min(120), &mut look), 0..0);
}

#[test]
fn a_still_scene_is_quiet_at_every_level_of_noise() {
    for noise in [0.0, 1.0, 4.0, 12.0, 25.0] {
        check_quiet(400, |_, _| Look { noise, ..Look::default() });
    }
}

#[test]
fn dusk_with_rising_noise_is_quiet() {
    check_quiet(300, |n, _| {
        let night = (n as f32 / 200.0).min(1.0);
        Look {
            noise: 2.0 + 10.0 * night,
            gain: 1.0 - 0.7 * night,
            ..Look::default()
        }
    });
}

#[test]
fn clouds_are_quiet_whether_slow_or_fast_and_hide_nobody() {
    let passing = |n: u64, pace: f32| 1.0 + 0.4 * (n as f32 / pace).sin();
    for pace in [60.0, 20.0, 8.0] {
        check_quiet(200, |n, _| Look {
            gain: passing(n, pace),
            ..Look::default()
        });
        let said = watch(&Settings::default(), SMALL, 11, 160, |n, _| Look {
            gain: passing(n, pace),
            things: walk(n, 60, 0.4, -40.0),
            ..Look::default()
        });
        check(&said, 61..125);
        assert!(
            said.iter().all(|motion| motion.state != MotionState::SceneChange),
            "light alone is no other scene"
        );
    }
    for frames in [30.0, 100.0] {
        check_quiet(200, |n, _| Look {
            cloud: (n.saturating_sub(50) as f32 / frames).min(1.0),
            ..Look::default()
        });
    }
}

#[test]
fn headlights_on_a_wall_are_quiet() {
    check_quiet(140, |n, _| Look {
        spot: (n >= 50).then_some(((n as f32 - 50.0) / 40.0 - 0.4, 0.4, 0.3, 0.5)),
        ..Look::default()
    });
}

#[test]
fn a_light_switch_is_quiet_whether_it_lights_all_or_a_part() {
    check_quiet(160, |n, _| Look {
        gain: if (50..100).contains(&n) { 0.4 } else { 1.0 },
        ..Look::default()
    });
    for lamp in [0.3, 0.8, 1.5] {
        check_quiet(160, |n, _| Look {
            lamp: if (50..100).contains(&n) { lamp } else { 0.0 },
            ..Look::default()
        });
    }
    check_quiet(120, |n, _| Look {
        lamp: (n.saturating_sub(50) as f32 / 5.0).min(1.0),
        ..Look::default()
    });
}

#[test]
fn someone_who_comes_in_as_the_light_changes_is_found() {
    let things = |n| walk(n, 58, 0.4, -40.0);
    for size in [SMALL, (640, 480)] {
        let lamp = watch(&Settings::default(), size, 3, 140, |n, _| Look {
            lamp: if n >= 60 { 1.5 } else { 0.0 },
            things: things(n),
            ..Look::default()
        });
        check(&lamp, 62..122);
        let global = watch(&Settings::default(), size, 3, 140, |n, _| Look {
            gain: if n >= 60 { 1.5 } else { 0.6 },
            things: things(n),
            ..Look::default()
        });
        check(&global, 60..122);
    }
}

#[test]
fn foliage_that_always_sways_is_quiet_and_hides_nobody() {
    let sway = |n: u64| 3.0 * (n as f32 * 0.9).sin();
    check_quiet(200, |n, _| Look {
        sway: sway(n),
        ..Look::default()
    });
    let said = watch(&Settings::default(), SMALL, 11, 240, |n, _| Look {
        sway: sway(n),
        things: walk(n, 120, 0.4, -50.0),
        ..Look::default()
    });
    check(&said, 122..186);
    assert!(moving(&said).iter().any(|n| *n > 165), "seen before the foliage, too");
}

#[test]
fn a_shaking_camera_and_steady_rain_are_quiet() {
    check_quiet(150, |_, r| Look {
        shake: (4.0 * r.unit() - 2.0, 4.0 * r.unit() - 2.0),
        ..Look::default()
    });
    check(
        &watch(&Settings::default(), (640, 480), 11, 200, |_, _| Look {
            rain: 40,
            ..Look::default()
        }),
        0..0,
    );
}

#[test]
fn a_walker_is_found_within_a_few_frames_and_over_when_gone() {
    for (height, level) in [(0.5, -40.0), (0.3, 30.0), (0.12, -30.0)] {
        let said = watch(&Settings::default(), (640, 480), 5, 160, |n, _| Look {
            things: walk(n, 60, height, level),
            ..Look::default()
        });
        check(&said, 61..125);
    }
}

#[test]
fn the_same_scene_gives_the_same_events_at_three_sizes() {
    let runs = [SMALL, (640, 480), (1280, 720)].map(|size| {
        let said = watch(&Settings::default(), size, 9, 150, |n, _| Look {
            things: walk(n, 40, 0.3, -35.0),
            ..Look::default()
        });
        let frames = moving(&said);
        (*frames.first().expect("seen"), *frames.last().expect("seen"))
    });
    for (first, last) in runs {
        assert!(first.abs_diff(runs[0].0) <= 2 && last.abs_diff(runs[0].1) <= 2, "{runs:?}");
    }
}

#[test]
fn who_stops_is_held_for_seconds_and_no_ghost_stays_behind() {
    let x = |n: u64| -0.1 + 0.02 * (n.saturating_sub(60).min(25) + n.saturating_sub(185)) as f32;
    let said = watch(&Settings::default(), SMALL, 4, 280, |n, _| Look {
        things: vec![person(x(n), 0.8, 0.4, -40.0)],
        ..Look::default()
    });
    let frames = moving(&said);
    assert!((86..115).all(|n| frames.contains(&n)), "held for seconds: {frames:?}");
    assert!((140..185).all(|n| !frames.contains(&n)), "over at last: {frames:?}");
    assert!(frames.contains(&190), "seen when it goes on: {frames:?}");
    assert!(frames.iter().all(|n| *n < 230), "over when it is gone: {frames:?}");
}

#[test]
fn a_person_there_from_the_start_leaves_no_ghost() {
    let x = |n: u64| 0.4 + 0.02 * n.saturating_sub(60) as f32;
    let said = watch(&Settings::default(), SMALL, 4, 160, |n, _| Look {
        things: vec![person(x(n), 0.8, 0.4, -40.0)],
        ..Look::default()
    });
    check(&said, 60..106);
}

#[test]
fn a_thing_left_behind_or_taken_away_is_no_motion_by_itself() {
    check_quiet(300, |n, _| Look {
        things: if (60..200).contains(&n) {
            vec![person(0.4, 0.8, 0.15, -40.0)]
        } else {
            vec![]
        },
        ..Look::default()
    });
}

/// Frames with tamper `kind`.
fn tampered(said: &[Motion], kind: Tamper) -> Vec<usize> {
    (0..said.len()).filter(|&n| said[n].tamper == Some(kind)).collect()
}

#[test]
fn tampering_is_told_while_it_lasts() {
    let covered = watch(&Settings::default(), SMALL, 6, 180, |n, _| Look {
        covered: (60..120).contains(&n).then_some(20.0),
        ..Look::default()
    });
    assert_eq!(tampered(&covered, Tamper::Covered), (80..120).collect::<Vec<_>>());
    assert_eq!(moving(&covered), [0usize; 0]);
    let turned = watch(&Settings::default(), SMALL, 6, 500, |n, _| Look {
        turned: n >= 60,
        ..Look::default()
    });
    let moved = tampered(&turned, Tamper::Moved);
    assert!(
        moved.first().is_some_and(|n| *n < 75) && moved.last().is_some_and(|n| *n < 400),
        "{moved:?}"
    );
    assert_eq!(moving(&turned), [0usize; 0]);
}

#[test]
fn a_picture_that_stays_exactly_the_same_is_frozen_and_still() {
    let mut scene = Scene::new(SMALL.0, SMALL.1, 8);
    let mut detector = Detector::new(&Settings::default(), SMALL.0 as u32, SMALL.1 as u32);
    let said: Vec<_> = (0..220)
        .map(|n| {
            if !(70..200).contains(&n) {
                scene.render(&Look {
                    things: walk(n, 50, 0.4, -40.0),
                    ..Look::default()
                });
            }
            let pixels = scene.pixels();
            detector
                .observe(&frame(PixelFormat::Grey, SMALL.0, SMALL.1, n, pixels))
                .expect("whole")
                .clone()
        })
        .collect();
    assert_eq!(tampered(&said, Tamper::Frozen), (169..200).collect::<Vec<_>>());
    assert_eq!(said[72].state, MotionState::Moving, "a repeated frame says nothing");
    assert!((76..200).all(|n| said[n].state == MotionState::Still));
}

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
            things: walk(n, 40, 0.15, 5.0),
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
