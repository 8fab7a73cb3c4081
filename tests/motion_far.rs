//! Somebody far away, small and faint, is found by their way; what is as small and goes nowhere, or comes in numbers, is not.

mod motion_scene;

use lookout::motion::settings::Settings;
use motion_scene::Look;
use motion_scene::Thing;
use motion_scene::moving;
use motion_scene::person;
use motion_scene::verdict::SMALL;
use motion_scene::watch;

/// Somebody of 2 % of the picture's height, or what is as small.
fn far(x: f32, y: f32) -> Thing {
    person(x, y, 0.02, 7.0)
}

/// Frames with motion where `things` are seen from frame 60 on.
fn moving_with(size: (usize, usize), frames: u64, things: impl Fn(u64) -> Vec<Thing>) -> Vec<usize> {
    let said = watch(&Settings::default(), size, 5, frames, |n, _| Look {
        things: n.checked_sub(60).map(&things).unwrap_or_default(),
        ..Look::default()
    });
    moving(&said)
}

#[test]
fn somebody_far_away_is_found_by_the_way_they_go() {
    for size in [SMALL, (640, 480), (1280, 720)] {
        let frames = moving_with(size, 160, |n| vec![far(n as f32 * 0.0045, 0.55)]);
        let first = *frames.first().expect("found");
        assert!((61..64).contains(&first), "{frames:?} at {size:?}");
    }
}

#[test]
fn somebody_far_away_is_found_at_once_where_all_else_is_calm() {
    // 10 dB: the thing's contrast is 3.16 standard deviations of a pixel's noise, before a plain wall.
    let far = |n: u64, level| Thing {
        width: 0.008,
        ..person(0.3 + 0.005 * n as f32, 0.55, 0.02, level)
    };
    for (size, frames_max) in [(SMALL, 10), ((640, 480), 4), ((1280, 720), 3)] {
        for (level, seed) in [(6.3, 5), (-6.3, 5), (6.3, 6), (-6.3, 7)] {
            let said = watch(&Settings::default(), size, seed, 100, |n, _| Look {
                wall: Some(110.0),
                things: n.checked_sub(60).map(|n| far(n, level)).into_iter().collect(),
                ..Look::default()
            });
            let first = *moving(&said).first().expect("found");
            assert!((60..60 + frames_max).contains(&first), "in frame {first} at {size:?}");
        }
    }
}

/// After how many frames `who`, given a seed, a place anywhere on the grid and the frames since they came, is told of before a plain wall that was seen
/// for `calm` frames: the delays of a dozen, shortest first; 0 for who was told of before.
fn delays(size: (usize, usize), calm: usize, who: impl Fn(u64, (f32, f32), u64) -> Thing) -> Vec<usize> {
    let delay = |seed: u64| {
        let place = (0.2 + 0.021 * seed as f32, 0.3 + 0.019 * seed as f32);
        let said = watch(&Settings::default(), size, seed, calm as u64 + 30, |n, _| Look {
            wall: Some(110.0),
            things: n.checked_sub(calm as u64).map(|n| who(seed, place, n)).into_iter().collect(),
            ..Look::default()
        });
        moving(&said).first().map_or(usize::MAX, |first| (first + 1).saturating_sub(calm))
    };
    let mut delays: Vec<usize> = (0..12).map(delay).collect();
    delays.sort_unstable();
    delays
}

#[test]
fn somebody_far_away_is_found_wherever_on_the_grid_they_are() {
    // In a small picture no cell tells them from noise.
    let small = [(SMALL, 60, 3, 4), (SMALL, 250, 3, 4)];
    for (size, calm, half, five_sixths) in small.into_iter().chain([((640, 480), 60, 3, 4), ((1280, 720), 60, 3, 3)]) {
        // 2 % of the height at 10 dB, 3.16 standard deviations of a pixel's noise.
        let delays = delays(size, calm, |seed, (x, y), n| Thing {
            width: 0.008,
            ..person(x + 0.005 * n as f32, y, 0.02, if seed.is_multiple_of(2) { 6.3 } else { -6.3 })
        });
        assert!(
            delays[0] > 0 && delays[5] <= half && delays[9] <= five_sixths,
            "{delays:?} at {size:?}"
        );
    }
}

#[test]
fn somebody_slow_and_faint_is_found_by_their_way_however_large() {
    // Nine of a dozen, at 8 dB before a plain wall, a tenth of the width in 25 frames: from frame to frame no cell changes much.
    let frames_max = [(SMALL, [4, 9]), ((640, 480), [4, 8]), ((1280, 720), [4, 4])];
    for (size, [far_max, near_max]) in frames_max {
        for (height, frames_max) in [(0.05, far_max), (0.08, near_max)] {
            let delays = delays(size, 60, |_, (x, y), n| person(x + 0.004 * n as f32, y, height, 5.0));
            assert!(delays[8] <= frames_max, "{delays:?} for {height} at {size:?}");
        }
    }
}

#[test]
fn two_who_meet_far_away_count_once_each() {
    for seed in 33..38 {
        let far = |n: u64| Thing {
            width: 0.008,
            ..person(0.3 + 0.005 * n as f32, 0.55, 0.02, 6.3)
        };
        let toward = |n: u64| Thing {
            width: 0.008,
            ..person(0.9 - 0.004 * n as f32, 0.555, 0.02, 6.3)
        };
        // Each comes into a calm scene; `watch` counts what is told of.
        let said = watch(&Settings::default(), SMALL, seed, 240, |n, _| Look {
            wall: Some(110.0),
            things: [n.checked_sub(60).map(far), n.checked_sub(155).map(toward)]
                .into_iter()
                .flatten()
                .collect(),
            ..Look::default()
        });
        assert!(!moving(&said).is_empty());
    }
}

#[test]
fn what_is_small_and_goes_nowhere_or_comes_in_numbers_is_quiet() {
    for size in [SMALL, (640, 480)] {
        let flickers = moving_with(size, 110, |n| if n % 3 == 0 { vec![far(0.3, 0.55)] } else { Vec::new() });
        assert_eq!(flickers, [0usize; 0], "what flickers, at {size:?}");
        let hovers = moving_with(size, 110, |n| vec![far(0.3 + 0.003 * (n % 4).min(4 - n % 4) as f32, 0.55)]);
        assert_eq!(hovers, [0usize; 0], "what hovers, at {size:?}");
        let fly = |n: u64, k: u64| {
            let place = 0.1 + 0.05 * k as f32;
            person(place + 0.002 * n as f32, place, 0.012, 4.0)
        };
        let swarm = moving_with(size, 110, |n| (0..16).map(|k| fly(n, k)).collect());
        assert_eq!(swarm, [0usize; 0], "a swarm, at {size:?}");
    }
}
