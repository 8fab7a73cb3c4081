//! The last hour, second by second: what is kept of it, what it would be at another sensitivity, and what the API tells of it.

mod common;
mod device;

use std::collections::BTreeMap;

use common::service::Service;
use common::service::request_with;
use common::service::wait_for;
use device::Device;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::clock::Timestamp;
use lookout::limits::RESPONSE_BYTES_MAX;
use lookout::limits::SCORES_SECONDS_MAX;
use lookout::motion::Score;
use lookout::status::Scores;
use lookout::status::Second;
use lookout::web::Settings;
use proptest::prelude::*;
use serde_json::Value;

const HOUR: usize = SCORES_SECONDS_MAX;

fn told(scores: &Scores, now: Mono) -> Vec<Option<Second>> {
    scores.up_to(now, 5).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The ring says what a list of everything would say of the last hour.
    #[test]
    fn the_ring_is_the_last_hour_of_all_there_was(
        pictures in proptest::collection::vec((0..3_000_u64, 0..=1000_u16, any::<bool>(), any::<bool>()), 1..40),
        pauses in proptest::collection::vec((0..40_usize, 0..9_000_u64), 0..3),
        wait in 0..5_000_u64,
    ) {
        let (mut scores, mut all, mut at) = (Scores::default(), BTreeMap::<u64, Second>::new(), 5_000);
        for (n, (step, score, moving, pir)) in pictures.into_iter().enumerate() {
            at += step + pauses.iter().filter(|(place, _)| *place == n).map(|(_, pause)| pause * 1000).sum::<u64>();
            scores.note(Mono::from_millis(at), Score(score), moving, pir, 5);
            let second = all.entry(at / 1000).or_default();
            second.pir |= pir;
            second.score = second.score.max(if moving || score < 500 { Score(score) } else { Score(0) });
        }
        let now = at / 1000 + wait;
        let first = (*all.keys().next().unwrap()).max((now + 1).saturating_sub(HOUR as u64));
        let expected: Vec<_> = (first..=now).map(|second| all.get(&second).copied()).collect();
        prop_assert_eq!(told(&scores, Mono::from_millis(now * 1000 + 999)), expected);
    }

    /// A higher sensitivity makes more of what was seen, a lower one less, and there and back is about the same.
    #[test]
    fn sensitivity_orders_scores(score in 0..=1000_u16, one in 1..=10_u8, other in 1..=10_u8) {
        let moved = Score(score).by_sensitivity(one, other);
        prop_assert_eq!(moved.cmp(&Score(score)).is_gt() && other < one, false);
        prop_assert_eq!(moved.cmp(&Score(score)).is_lt() && other > one, false);
        prop_assert!(moved.by_sensitivity(other, one).0.abs_diff(score) <= 4);
    }
}

#[test]
fn nothing_is_known_before_the_first_picture() {
    assert_eq!(told(&Scores::default(), Mono::from_millis(7_000_000)), []);
}

#[test]
fn a_step_of_the_sensitivity_is_a_factor_of_one_and_a_quarter() {
    // Evidence of 0.8 thresholds is exactly enough one step on.
    let weak = Score((1000.0_f64 * 0.8 / 1.8).round() as u16);
    assert!(weak.by_sensitivity(5, 6).0.abs_diff(500) <= 1, "{weak:?}");
    assert_eq!(weak.by_sensitivity(5, 5), weak);
    assert_eq!(
        (Score(0).by_sensitivity(1, 10), Score(1000).by_sensitivity(10, 1)),
        (Score(0), Score(1000))
    );
}

#[test]
fn a_full_hour_is_told_within_an_answer() {
    let device = Device::start(Settings::default());
    let now = SystemClock::default().now();
    for second in (0..HOUR as u64).rev().filter(|second| second * 1000 < now.millis()) {
        let at = Mono::from_millis(now.millis() - second * 1000);
        device.status.scores().note(at, Score(123), false, true, 5);
    }
    let (status, answer) = device.get("/api/tuning/scores");
    let scores = answer["scores"].as_array().expect("a list");
    assert_eq!(status, 200);
    assert_eq!(answer["pir"].as_str().map(str::len), Some(scores.len()));
    assert!(scores.len() <= HOUR && answer.to_string().len() <= RESPONSE_BYTES_MAX);
}

#[test]
fn a_visit_is_in_the_hour_and_another_sensitivity_makes_more_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--source", "scene:seed=7,visits=2..600..3"]);
    let ended = |event: &Value| event["phase"] == "end";
    let event = wait_for("a visit", || {
        let events = service.get("/api/events").1["events"].as_array().expect("a list").clone();
        events.into_iter().find(ended)
    });
    let (status, hour) = service.get("/api/tuning/scores");
    assert_eq!(status, 200);
    let (scores, pir) = (hour["scores"].as_array().expect("a list"), hour["pir"].as_str().expect("digits"));
    let begin = |time: &Value| time.as_str().and_then(Timestamp::parse).expect("a time").0;
    let second = (begin(&event["timestamp"]) - begin(&hour["from"])).div_euclid(1000);
    let around = second.max(1) as usize - 1..(second as usize + 3).min(scores.len());
    let most = |scores: &[Value]| scores.iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    assert!(most(&scores[around.clone()]) > 0.5, "{event} {hour}");
    assert!(pir[around].contains('1'), "{event} {hour}");

    let set = br#"{"motion":{"sensitivity":8}}"#;
    assert_eq!(request_with(service.address, "PUT", "/api/tuning", "application/json", set).0, 200);
    let again = service.get("/api/tuning/scores").1["scores"].as_array().expect("a list").clone();
    let weak = |score: &Value| score.as_f64().filter(|score| (0.01..0.9).contains(score));
    let pairs: Vec<_> = scores
        .iter()
        .zip(&again)
        .take(scores.len() - 1)
        .filter_map(|(before, now)| Some((weak(before)?, now.as_f64()?)))
        .collect();
    assert!(!pairs.is_empty() && pairs.iter().all(|(before, now)| now > before), "{pairs:?}");
}
