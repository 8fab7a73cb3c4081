//! The detector by property: what must never be motion, and what must be.

mod motion_scene;

use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::Motion;
use lookout::motion::MotionState;
use lookout::motion::Tamper;
use lookout::motion::settings::Settings;
use motion_scene::Look;
use motion_scene::Scene;
use motion_scene::frame;
use motion_scene::moving;
use motion_scene::person;
use motion_scene::verdict::SMALL;
use motion_scene::verdict::check;
use motion_scene::verdict::check_quiet;
use motion_scene::verdict::walk;
use motion_scene::watch;

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
fn a_camera_that_is_pushed_aside_is_quiet_and_hardly_anything_differs() {
    for push in [(1.0, 0.5), (2.0, -1.0), (-3.0, 1.5), (0.5, 3.0)] {
        for size in [SMALL, (640, 480)] {
            let said = watch(&Settings::default(), size, 7, 120, |n, _| Look {
                shake: if n >= 90 { push } else { (0.0, 0.0) },
                ..Look::default()
            });
            assert!(moving(&said).is_empty(), "{push:?} at {size:?}");
            // Up to a third of the picture, unless the background is moved along.
            let most = said[80..].iter().map(|motion| motion.area_permille).max();
            assert!(most < Some(40), "{push:?} at {size:?}: {most:?} per mille");
        }
    }
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
    let x = |n: u64| -0.1 + 0.02 * (n.saturating_sub(60).min(25) + n.saturating_sub(385)) as f32;
    let said = watch(&Settings::default(), SMALL, 4, 480, |n, _| Look {
        things: vec![person(x(n), 0.8, 0.4, -40.0)],
        ..Look::default()
    });
    let frames = moving(&said);
    assert!((86..270).all(|n| frames.contains(&n)), "held for seconds: {frames:?}");
    assert!((310..385).all(|n| !frames.contains(&n)), "over at last: {frames:?}");
    assert!(frames.contains(&390), "seen when it goes on: {frames:?}");
    assert!(frames.iter().all(|n| *n < 430), "over when it is gone: {frames:?}");
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
