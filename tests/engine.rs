//! The event engine by scripts: one character is one step of 100 ms, and what is said of events is written beside it.
//!
//! `.` nothing, `c` candidate motion, `m` motion on the left, `n` motion on the right, `e` at the left edge, `P` the PIR sensor begins to see
//! something, `p` it ceases, `B` both `m` and `P`, `!` an event asked for by hand, `L` the camera is lost, `D` disarmed, `A` armed.

use std::time::Duration;

use lookout::clock::Mono;
use lookout::event::engine::Changes;
use lookout::event::engine::Engine;
use lookout::event::engine::EngineState;
use lookout::event::engine::Fusion;
use lookout::event::engine::Input;
use lookout::event::engine::Picture;
use lookout::event::engine::Settings;
use lookout::event::model::Change;
use lookout::event::model::EndReason;
use lookout::event::model::Phase;
use lookout::event::model::Trigger;
use lookout::motion::Motion;
use lookout::motion::MotionState;
use lookout::motion::Rect;
use lookout::motion::Region;
use lookout::motion::Score;
use lookout::motion::ZoneSet;
use lookout::trigger::Edge;
use proptest::prelude::*;

const STEP_MS: u64 = 100;
const LEFT: Rect = Rect {
    x: 1000,
    y: 4000,
    width: 1000,
    height: 3000,
};
const EDGE: Rect = Rect {
    x: 0,
    y: 4000,
    width: 600,
    height: 3000,
};
const RIGHT: Rect = Rect {
    x: 8000,
    y: 4000,
    width: 1000,
    height: 3000,
};

fn motion(state: MotionState, rect: Option<Rect>, zones: ZoneSet) -> Motion {
    let score = Score(if rect.is_some() { 700 } else { 0 });
    let regions = rect.into_iter().map(|rect| Region { rect, zones, score }).collect();
    Motion {
        state,
        tamper: None,
        score,
        regions,
        zones,
        area_permille: 30,
    }
}

fn at(step: usize) -> Mono {
    Mono::from_millis((step as u64 + 1) * STEP_MS)
}

/// Runs one character of a script.
fn step(engine: &mut Engine, number: usize, character: char) -> Changes {
    let now = at(number);
    match character {
        'L' => return engine.camera_lost(now),
        'D' => return engine.arm(false, now),
        'A' => return engine.arm(true, now),
        _ => {}
    }
    let motion = match character {
        'm' | 'B' => motion(MotionState::Moving, Some(LEFT), ZoneSet(1)),
        'n' => motion(MotionState::Moving, Some(RIGHT), ZoneSet(2)),
        'e' => motion(MotionState::Moving, Some(EDGE), ZoneSet(1)),
        'c' => motion(MotionState::Candidate, None, ZoneSet::EMPTY),
        _ => motion(MotionState::Still, None, ZoneSet::EMPTY),
    };
    let edge = match character {
        'P' | 'B' => Some(Edge { at: now, active: true }),
        'p' => Some(Edge { at: now, active: false }),
        _ => None,
    };
    let picture = Some(Picture {
        number: number as u64,
        captured: now,
        motion: &motion,
    });
    engine.step(Input {
        now,
        picture,
        edges: edge.as_slice(),
        manual: character == '!',
    })
}

fn run(engine: &mut Engine, script: &str) -> Vec<Change> {
    script
        .chars()
        .enumerate()
        .flat_map(|(number, character)| step(engine, number, character))
        .collect()
}

fn settings(fusion: Fusion) -> Settings {
    let ms = Duration::from_millis;
    Settings {
        fusion,
        window: ms(1000),
        gap: ms(1000),
        lapse: ms(500),
        length_max: ms(6000),
        update_interval: ms(1000),
        ..Settings::default()
    }
}

/// `start video 4` is: at step 4 an event of that trigger was said to begin; `end video quiet 7`: it ended, last motion in frame 7.
fn check(fusion: Fusion, script: &str, expected: &[&str]) {
    let said: Vec<String> = run(&mut Engine::new(settings(fusion)), script)
        .iter()
        .filter(|change| change.phase != Phase::Update)
        .map(|change| {
            let word = |value: String| value.to_lowercase();
            let reason = change
                .end_reason
                .map_or(String::new(), |reason| format!("{} ", word(format!("{reason:?}"))));
            format!(
                "{} {} {reason}{}",
                word(format!("{:?}", change.phase)),
                word(format!("{:?}", change.trigger)),
                change.frame
            )
        })
        .collect();
    assert_eq!(said, expected, "{fusion:?} on {script}");
}

#[test]
fn motion_begins_and_ends_an_event() {
    check(Fusion::Video, "....mmmm............", &["start video 4", "end video quiet 7"]);
    check(Fusion::Either, "....mmmm............", &["start video 4", "end video quiet 7"]);
    check(Fusion::Pir, "....mmmm............", &[]);
    check(Fusion::Both, "....mmmm............", &[]);
    check(Fusion::PirArmsVideo, "....mmmm............", &[]);
}

#[test]
fn a_pir_edge_begins_an_event_where_it_may() {
    check(Fusion::Either, "..P...p.............", &["start pir 2", "end pir quiet 16"]);
    check(Fusion::Pir, "..P...p.............", &["start pir 2", "end pir quiet 16"]);
    check(Fusion::Both, "..P...p.............", &[]);
    check(Fusion::Video, "..P...p.............", &[]);
    check(Fusion::PirArmsVideo, "..P...p.............", &[]);
}

#[test]
fn both_needs_both_within_the_window() {
    check(Fusion::Both, "..mm...P.p............", &["start both 7", "end both quiet 3"]);
    check(Fusion::Both, "..P.p..mm............", &["start both 7", "end both quiet 8"]);
    check(Fusion::Both, "..mm............P.p............", &[]);
    check(Fusion::Either, "..mm.P.p............", &["start video 2", "end both quiet 3"]);
    check(Fusion::Either, "..P.mm.p............", &["start pir 2", "end both quiet 5"]);
    check(Fusion::Video, "..B.p...............", &["start both 2", "end both quiet 2"]);
}

#[test]
fn pir_arms_video_only_in_that_order() {
    check(Fusion::PirArmsVideo, "..P.p..mm............", &["start both 7", "end both quiet 8"]);
    check(Fusion::PirArmsVideo, "..mm..P.p............", &[]);
    check(Fusion::PirArmsVideo, "..P.p...........mm...", &[]);
}

#[test]
fn what_returns_within_the_gap_is_the_same_event_if_similar() {
    check(Fusion::Video, "..mm...mm............", &["start video 2", "end video quiet 8"]); // a blink
    check(Fusion::Video, "..mm...nn............", &["start video 2", "end video quiet 8"]); // a blink, elsewhere
    check(Fusion::Video, "..mm.......mm............", &["start video 2", "end video quiet 12"]); // suppressed
    check(
        Fusion::Video,
        "..mm.......nn............",
        &["start video 2", "end video quiet 3", "start video 11", "end video quiet 12"],
    );
    check(
        Fusion::Video,
        "..mm..............mm...........",
        &["start video 2", "end video quiet 3", "start video 18", "end video quiet 19"],
    );
}

#[test]
fn who_comes_after_somebody_left_the_picture_is_another_event_told_at_once() {
    check(
        Fusion::Video,
        "..eemmee.......ee............",
        &["start video 2", "end video quiet 7", "start video 15", "end video quiet 16"],
    );
    check(Fusion::Video, "..eemmee...ee............", &["start video 2", "end video quiet 12"]); // a blink
    let started = |change: &Change| (change.phase == Phase::Start).then_some(change.at);
    let changes = run(&mut Engine::new(settings(Fusion::Video)), "..eemmee.......ee......");
    assert_eq!(changes.iter().filter_map(started).collect::<Vec<_>>(), [at(2), at(15)]);
}

#[test]
fn suppressed_returns_are_counted() {
    let changes = run(&mut Engine::new(settings(Fusion::Video)), "..mm.......mm.......mm............");
    let end = changes.last().expect("an end");
    assert_eq!((end.phase, end.suppressed, end.video.expect("seen").frames), (Phase::End, 2, 6));
}

#[test]
fn an_event_has_a_longest_length() {
    let long = "m".repeat(70) + "...............";
    check(
        Fusion::Video,
        &long,
        &["start video 0", "end video length 59", "start video 60", "end video quiet 69"],
    );
    let stuck = "P".to_owned() + &".".repeat(150);
    check(Fusion::Either, &stuck, &["start pir 0", "end pir length 60"]); // a sensor that hangs makes one event, not many
}

#[test]
fn a_lost_camera_ends_what_only_video_keeps_running() {
    check(Fusion::Either, "..mmL...............", &["start video 2", "end video cameralost 3"]);
    check(Fusion::Either, "..P.L..p............", &["start pir 2", "end pir quiet 17"]);
}

#[test]
fn disarmed_makes_no_events_but_by_hand() {
    check(
        Fusion::Either,
        "..mmD.mmm.P.p...........",
        &["start video 2", "end video disarmed 3"],
    );
    check(Fusion::Either, "D.mm.A.mm............", &["start video 7", "end video quiet 8"]);
    check(Fusion::Either, "D.!............", &["start manual 2", "end manual quiet 12"]);
}

#[test]
fn an_event_by_hand_stands_beside_the_automatic_one() {
    let changes = run(&mut Engine::new(settings(Fusion::Either)), "..mm!mmmmmmmmmmm..................");
    let triggers: Vec<(Phase, Trigger, u32)> = changes
        .iter()
        .filter(|change| change.phase != Phase::Update)
        .map(|change| (change.phase, change.trigger, change.key))
        .collect();
    let (video, manual) = (Trigger::Video, Trigger::Manual);
    assert_eq!(
        triggers,
        [
            (Phase::Start, video, 0),
            (Phase::Start, manual, 1),
            (Phase::End, manual, 1),
            (Phase::End, video, 0)
        ]
    );
}

#[test]
fn an_event_begins_with_the_first_frame_of_its_motion() {
    let changes = run(&mut Engine::new(settings(Fusion::Video)), "...ccmm.........");
    assert_eq!((changes[0].frame, changes[0].began), (5, at(3)));
}

#[test]
fn motion_is_expected_while_the_pir_sensor_sees_something_and_for_the_window_after() {
    for (fusion, expected) in [(Fusion::Video, 0..0), (Fusion::Either, 2..16), (Fusion::PirArmsVideo, 2..16)] {
        let mut engine = Engine::new(settings(fusion));
        let expects = |(number, character)| {
            step(&mut engine, number, character);
            engine.expects_motion(at(number)).then_some(number)
        };
        let steps: Vec<usize> = "..P..p..............".chars().enumerate().filter_map(expects).collect();
        assert_eq!(steps, expected.collect::<Vec<_>>(), "{fusion:?}");
    }
}

#[test]
fn evidence_of_both_kinds_is_kept() {
    let changes = run(&mut Engine::new(settings(Fusion::Video)), "..P..mmmm.p....................");
    let end = changes.last().expect("an end");
    let (pir, video) = (end.pir.expect("PIR evidence"), end.video.expect("video evidence"));
    assert_eq!((pir.edges, pir.first_ms, pir.last_ms, pir.active), (1, -300, 500, false));
    assert_eq!((video.frames, video.first_frame, video.last_frame), (4, 5, 8));
    assert_eq!(end.last_seen, at(8), "PIR does not sustain an event of mode video");
}

#[test]
fn updates_come_at_intervals_and_at_once_for_another_kind_of_evidence() {
    let changes = run(&mut Engine::new(settings(Fusion::Either)), "mmmmmmmmmmmmmmmmmmmmmmmmmPmmmm");
    let updates: Vec<u64> = changes
        .iter()
        .filter(|change| change.phase == Phase::Update)
        .map(|change| change.frame)
        .collect();
    assert_eq!(updates, [10, 20, 25]);
}

#[test]
fn the_state_says_where_it_stands() {
    let mut engine = Engine::new(settings(Fusion::Both));
    let states: Vec<EngineState> = "..mPppp............."
        .chars()
        .enumerate()
        .map(|(number, character)| {
            step(&mut engine, number, character);
            engine.state(at(number))
        })
        .collect();
    use EngineState::*;
    assert_eq!(states[1..4], [Idle, Pending, Active]);
    assert_eq!((states[10], states[19]), (Cooling, Idle));
}

#[test]
fn finish_ends_everything() {
    let mut engine = Engine::new(settings(Fusion::Either));
    run(&mut engine, "..mm!m");
    let changes = engine.finish(EndReason::Shutdown, at(6));
    assert!(
        changes
            .iter()
            .all(|change| change.phase == Phase::End && change.end_reason == Some(EndReason::Shutdown))
    );
    assert_eq!(changes.len(), 2);
    assert!(engine.finish(EndReason::Shutdown, at(7)).is_empty());
}

fn any_fusion() -> impl Strategy<Value = Fusion> {
    prop::sample::select(vec![Fusion::Video, Fusion::Pir, Fusion::Either, Fusion::Both, Fusion::PirArmsVideo])
}

proptest! {
    /// Whatever is seen: every event starts once and ends once, in that order; what is known only grows; times are in order.
    #[test]
    fn every_event_has_one_start_and_one_end(fusion in any_fusion(), script in "[.cmnPpB!LDA]{0,200}") {
        let mut engine = Engine::new(settings(fusion));
        let mut changes = run(&mut engine, &script);
        changes.extend(engine.finish(EndReason::Shutdown, at(script.len() + 1)));
        let keys = changes.iter().map(|change| change.key).max().map_or(0, |key| key + 1);
        for key in 0..keys {
            let mine: Vec<&Change> = changes.iter().filter(|change| change.key == key).collect();
            prop_assert!(mine.len() >= 2, "a start and an end");
            for (index, change) in mine.iter().enumerate() {
                let phase = if index == 0 { Phase::Start } else if index + 1 == mine.len() { Phase::End } else { Phase::Update };
                prop_assert_eq!(change.phase, phase);
                prop_assert_eq!(change.end_reason.is_some(), phase == Phase::End);
                prop_assert!(change.began <= change.last_seen && change.last_seen <= change.at);
                prop_assert!(change.video.is_some() || change.pir.is_some() || change.trigger == Trigger::Manual);
            }
            for pair in mine.windows(2) {
                prop_assert_eq!(pair[0].began, pair[1].began);
                prop_assert!(pair[0].score <= pair[1].score && pair[0].suppressed <= pair[1].suppressed);
                prop_assert!(pair[0].at <= pair[1].at);
            }
        }
    }

    /// Automatic events never overlap in time.
    #[test]
    fn automatic_events_do_not_overlap(fusion in any_fusion(), script in "[.cmnPpB]{0,300}") {
        let mut engine = Engine::new(settings(fusion));
        let mut changes = run(&mut engine, &script);
        changes.extend(engine.finish(EndReason::Shutdown, at(script.len() + 1)));
        let ends: Vec<&Change> = changes.iter().filter(|change| change.phase == Phase::End).collect();
        for pair in ends.windows(2) {
            prop_assert!(pair[0].last_seen <= pair[1].began, "{:?} then {:?}", pair[0], pair[1]);
        }
    }
}
