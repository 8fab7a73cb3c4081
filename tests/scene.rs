//! The scene is the same for the same seed, shows what its truth says and where, and goes wrong as scripted.

mod common;

use std::sync::Arc;
use std::time::Duration;

use lookout::frame::FrameSource;
use lookout::source;
use lookout::source::Settings;
use lookout::source::Spec;
use lookout::source::pace::Pace;
use lookout::source::scene;
use lookout::source::scene::Light;
use lookout::source::scene::PixelBox;
use lookout::source::scene::Script;
use lookout::source::scene::Visit;
use lookout::source::scene::Walk;

fn open(settings: &Settings) -> Box<dyn FrameSource> {
    source::open(settings, Pace::Fast, Arc::new(common::sim_clock()))
        .expect("a scene")
        .frames
}

/// The first `count` frames.
fn frames(settings: &Settings, count: usize) -> Vec<Vec<u8>> {
    let mut source = open(settings);
    let next = |_| source.next(Duration::ZERO).expect("no end").expect("a frame").data.to_vec();
    (0..count).map(next).collect()
}

/// Settings of a scene with a script that is written in code.
fn scripted(script: Script) -> Settings {
    let spec = scene::Spec {
        seed: 11,
        script,
        ..scene::Spec::default()
    };
    Settings {
        spec: Spec::Scene(spec),
        width: 160,
        height: 120,
        ..Settings::default()
    }
}

fn truth_of(settings: &Settings, count: u64) -> scene::Truth {
    let Spec::Scene(spec) = &settings.spec else { panic!("a scene") };
    scene::truth(spec, settings, count).expect("a scene that opens")
}

#[test]
fn the_same_seed_gives_the_same_pictures_and_another_does_not() {
    let of = |spec: &str| frames(&common::settings(spec), 60);
    let first = of("scene:seed=1,width=160,height=120");
    assert_eq!(first, of("scene:seed=1,width=160,height=120"));
    let other = of("scene:seed=2,width=160,height=120");
    assert!(first.iter().zip(&other).all(|(a, b)| a != b));
}

#[test]
fn every_format_shows_the_same_luma() {
    let of = |format: &str| frames(&common::settings(&format!("scene:width=96,height=64,format={format}")), 45);
    let luma = of("grey");
    let check = |format: &str, take: &dyn Fn(&[u8]) -> Vec<u8>| {
        let same = of(format).iter().zip(&luma).all(|(frame, luma)| take(frame) == *luma);
        assert!(same, "{format}");
    };
    check("yuyv", &|frame| frame.iter().step_by(2).copied().collect());
    check("uyvy", &|frame| frame.iter().skip(1).step_by(2).copied().collect());
    check("nv12", &|frame| frame[..96 * 64].to_vec());
    check("yu12", &|frame| frame[..96 * 64].to_vec());
}

#[test]
fn people_are_where_the_truth_says_and_nowhere_else() {
    let visits = Script {
        noise: 3,
        foliage: true,
        drift: true,
        ..Script::default()
    };
    let empty = Script {
        visits: Vec::new(),
        ..visits.clone()
    };
    let (count, width) = (140, 160);
    let truth = truth_of(&scripted(visits.clone()), count);
    assert_eq!(truth.visits.len(), 1);
    let pairs = frames(&scripted(visits), count as usize)
        .into_iter()
        .zip(frames(&scripted(empty), count as usize));
    for (n, (with, without)) in pairs.enumerate() {
        let place = truth.at(n as u64).next().and_then(|visit| visit.box_at(n as u64));
        let inside = |i: usize, place: PixelBox| {
            let (x, y) = ((i % width) as u32, (i / width) as u32);
            // The shadow is a little wider than the person.
            let aside = place.height / 16 + 2;
            (place.x.saturating_sub(aside)..place.x + place.width + aside).contains(&x)
                && (place.y..place.y + place.height + aside).contains(&y)
        };
        let differ: Vec<_> = (0..with.len()).filter(|&i| with[i] != without[i]).collect();
        match place {
            None => assert!(differ.len() < 40, "frame {n}: {} pixels, and nobody there", differ.len()),
            Some(place) => {
                assert!(differ.iter().all(|&i| inside(i, place)), "frame {n}: outside of {place:?}");
                let whole = place.width > 20;
                assert!(
                    !whole || differ.len() as u32 > place.width * place.height / 4,
                    "frame {n}: {} pixels",
                    differ.len()
                );
            }
        }
    }
}

#[test]
fn the_truth_is_the_script_in_frames() {
    let settings = common::settings("scene:visits=4..20..8,fps=20");
    let truth = truth_of(&settings, 600);
    let seen: Vec<_> = truth.visits.iter().map(|visit| (visit.first_frame, visit.last_frame)).collect();
    assert_eq!(
        truth
            .edges
            .iter()
            .map(|edge| (edge.at_ms, edge.frame, edge.active))
            .collect::<Vec<_>>(),
        [(4500, 90, true), (12_000, 240, false), (24_500, 490, true)]
    );
    assert_eq!(seen.len(), 2);
    assert!((80..95).contains(&seen[0].0) && (225..=240).contains(&seen[0].1), "{seen:?}");
    let json: serde_json::Value = serde_json::from_str(&truth.to_json()).expect("JSON");
    assert_eq!(json["visits"][0]["first_frame"], seen[0].0);
    assert_eq!(
        json["visits"][0]["boxes"].as_array().map(Vec::len),
        Some((seen[0].1 - seen[0].0 + 1) as usize)
    );
}

#[test]
fn a_switched_light_changes_the_whole_picture_at_once() {
    let script = Script {
        lights: vec![Light::dark(Duration::from_secs(1), Some(Duration::from_secs(1)))],
        ..Script::empty()
    };
    let mean = |frame: &Vec<u8>| frame.iter().map(|&p| u32::from(p)).sum::<u32>() / frame.len() as u32;
    let means: Vec<_> = frames(&scripted(script), 30).iter().map(mean).collect();
    assert!(means[..10].iter().chain(&means[20..]).all(|&m| m == means[0]), "{means:?}");
    assert!(means[10..20].iter().all(|&m| m < means[0] * 2 / 3), "{means:?}");
}

#[test]
fn nothing_moves_in_an_empty_script_and_leaves_do_in_the_wind() {
    let still = frames(&scripted(Script::empty()), 20);
    assert!(still.windows(2).all(|pair| pair[0] == pair[1]));
    let foliage = true;
    let windy = frames(
        &scripted(Script {
            foliage,
            ..Script::empty()
        }),
        20,
    );
    assert!(windy.windows(2).filter(|pair| pair[0] != pair[1]).count() > 10);
}

#[test]
fn noise_is_as_strong_as_it_says() {
    let noise = 4;
    let script = Script { noise, ..Script::empty() };
    let all = frames(&scripted(script), 40);
    let still = &frames(&scripted(Script::empty()), 1)[0];
    let squares = all
        .iter()
        .flat_map(|frame| frame.iter().zip(still))
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let deviation = (squares.sum::<f64>() / (all.len() * still.len()) as f64).sqrt();
    assert!((3.7..4.3).contains(&deviation), "{deviation}");
}

#[test]
fn what_is_not_shown_is_counted_by_cause() {
    let mut source = open(&common::settings("scene:width=80,height=64,short=0.5,short=1.5,stall=2..1"));
    let mut numbers = Vec::new();
    while numbers.last().is_none_or(|&number| number < 39) {
        numbers.push(source.next(Duration::ZERO).expect("no end").expect("a frame").number);
    }
    let missing: Vec<_> = (0..40).filter(|number| !numbers.contains(number)).collect();
    assert_eq!(missing, [5, 15].into_iter().chain(20..30).collect::<Vec<_>>());
    let counters = source.counters();
    assert_eq!((counters.short, counters.gaps, counters.delivered), (2, 10, 28));
}

#[test]
fn a_burst_beyond_the_line_is_counted_as_missed() {
    let settings = common::settings("scene:width=80,height=64,pir=off,burst=0.05..500");
    let mut opened = source::open(&settings, Pace::Fast, Arc::new(common::sim_clock())).expect("a scene");
    let mut edges = opened.edges.expect("a line");
    for _ in 0..10 {
        opened.frames.next(Duration::ZERO).expect("no end");
    }
    let given = std::iter::from_fn(|| edges.poll().expect("edges")).count() as u64;
    assert_eq!(given + edges.counters().missed, 500);
    assert!(edges.counters().missed > 0);
}

#[test]
fn impossible_scenes_are_refused_in_words() {
    let refuse = |spec: &str, why: &str| {
        let opened = source::open(&common::settings(spec), Pace::Fast, Arc::new(common::sim_clock()));
        let error = opened.err().expect("refused").to_string();
        assert!(error.contains(why), "{error:?} should say {why:?}");
    };
    refuse("scene:width=16", "a picture of 16x480");
    refuse("scene:width=99999", "are accepted");
    refuse("scene:width=99,height=65,format=yu12", "odd size");
    refuse("scene:unplug=0..5", "gone");
}

#[test]
fn the_ledger_covers_what_an_open_scene_holds() {
    for spec in [
        "scene",
        "scene:format=yuyv",
        "scene:format=nv12,width=320,height=240",
        "scene:width=2592,height=1944",
    ] {
        let settings = common::settings(spec);
        let (promised, held) = (source::footprint(&settings), open(&settings).footprint());
        assert!(held <= promised && promised < held + held / 4, "{spec}: {held} of {promised}");
    }
}

#[test]
fn a_visitor_walks_as_the_script_says() {
    let walk = Walk {
        from_left: false,
        crosses: true,
        stop: 0.5,
        depth: 0.5,
        tones: (30, 40),
        pause: 0.16,
    };
    let visit = Visit {
        at: Duration::ZERO,
        every: None,
        length: Duration::from_secs(4),
        walk: Some(walk),
    };
    let settings = scripted(Script {
        visits: vec![visit],
        ..Script::empty()
    });
    let truth = truth_of(&settings, 100);
    let middle = |place: &PixelBox| place.x + place.width / 2;
    let boxes = &truth.visits[0].boxes;
    let (first, last) = (boxes.first().map(middle).expect("seen"), boxes.last().map(middle).expect("seen"));
    assert!(first > 140 && last < 20, "from {first} to {last}");
    assert_eq!(truth.visits[0].box_at(20).map(|place| middle(&place).abs_diff(80) <= 1), Some(true));
}
