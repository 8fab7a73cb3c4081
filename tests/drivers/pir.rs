//! Sensor lines: chardev against gpio-sim, and rppal as far as a machine that is no Pi allows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::SystemClock;
use lookout::limits::KERNEL_EDGES_MAX;
use lookout::trigger::Edge;
use lookout::trigger::TriggerError;
use lookout::trigger::TriggerSource;
use lookout::trigger::TriggerState;
use lookout::trigger::chardev;
use lookout::trigger::chardev::Chardev;
use lookout::trigger::gate::Bias;
use lookout::trigger::gate::Sensor;
use lookout::trigger::rppal;
use lookout::trigger::rppal::Rppal;

use crate::Check;
use crate::kernel::Chip;
use crate::kernel::Holdings;
use crate::kernel::eventually;
use crate::kernel::sim_missing;

pub(crate) const CHECKS: &[Check] = crate::checks![sim_missing:
    edges_come_in_order_stamped_by_the_monotonic_clock,
    polarity_is_applied,
    line_is_found_by_label_name_path_and_offset,
    every_bias_is_taken,
    bounces_are_left_out,
    overflow_drops_the_oldest_and_counts_them,
    warm_up_leaves_edges_out_and_counts_them,
    wrong_names_say_what_there_is,
    line_in_use_says_by_whom,
    unplugged_chip_is_an_error_for_good,
    plugging_in_and_out_leaks_nothing,
];

pub(crate) const HOST_CHECKS: &[Check] = crate::checks![foreign_machine_missing: rppal_refuses_a_foreign_machine];

fn foreign_machine_missing() -> Option<&'static str> {
    Path::new("/dev/gpiomem")
        .exists()
        .then_some("foreign machine: this is a Raspberry Pi")
}

fn request(chip: &str, line: &str, sensor: Sensor) -> chardev::Request {
    let (chip, line) = (chip.to_owned(), line.to_owned());
    chardev::Request { chip, line, sensor }
}

fn open_with(sensor: Sensor) -> Chardev {
    open("pir-sim", "PIR", sensor).expect("the line is free")
}

fn open(chip: &str, line: &str, sensor: Sensor) -> Result<Chardev, TriggerError> {
    Chardev::open(&request(chip, line, sensor), Arc::new(SystemClock::default()))
}

/// Why the line cannot be had.
fn refused(chip: &str, line: &str) -> String {
    let result = open(chip, line, Sensor::default());
    result.err().unwrap_or_else(|| panic!("{chip}/{line} was opened")).to_string()
}

fn next(source: &mut dyn TriggerSource) -> Edge {
    eventually("an edge", || source.poll().expect("the line is there"))
}

/// Pulls the line and waits until the edge that this makes is delivered.
fn pulled(chip: &Chip, source: &mut dyn TriggerSource, up: bool) -> Edge {
    chip.pull(up);
    next(source)
}

fn edges_come_in_order_stamped_by_the_monotonic_clock() {
    let (chip, clock) = (Chip::plug("pir-sim"), SystemClock::default());
    let mut source = open_with(Sensor::default());
    assert_eq!(source.state(), TriggerState::Live);
    assert_eq!(source.poll().expect("the line is there"), None, "nothing happened yet");
    let mut last = clock.now();
    for number in 0..20 {
        let up = number % 2 == 0;
        let edge = pulled(&chip, &mut source, up);
        assert_eq!(edge.active, up);
        assert!(last < edge.at && edge.at <= clock.now(), "{edge:?} after {last:?}");
        last = edge.at;
    }
    let counters = source.counters();
    assert_eq!((counters.delivered, counters.missed, counters.warm_up), (20, 0, 0));
}

fn polarity_is_applied() {
    let chip = Chip::plug("pir-sim");
    let mut source = open_with(Sensor {
        active_low: true,
        ..Sensor::default()
    });
    assert!(!pulled(&chip, &mut source, true).active);
    assert!(pulled(&chip, &mut source, false).active);
}

fn line_is_found_by_label_name_path_and_offset() {
    let chip = Chip::plug("pir-sim");
    let node = chip.node();
    let path = node.to_str().expect("ASCII");
    let name = path.trim_start_matches("/dev/");
    for (chip_called, line_called) in [("pir-sim", "PIR"), (name, "PIR"), (path, "PIR"), ("pir-sim", "2"), (path, "2")] {
        let mut source = open(chip_called, line_called, Sensor::default()).expect("so it is called");
        assert!(pulled(&chip, &mut source, true).active, "{chip_called}/{line_called}");
        assert!(!pulled(&chip, &mut source, false).active, "{chip_called}/{line_called}");
    }
}

fn every_bias_is_taken() {
    let chip = Chip::plug("pir-sim");
    for (bias, idle) in [(Bias::None, false), (Bias::Up, true), (Bias::Down, false)] {
        let mut source = open_with(Sensor { bias, ..Sensor::default() });
        assert_eq!(pulled(&chip, &mut source, !idle).active, !idle, "{bias:?}");
        pulled(&chip, &mut source, idle);
    }
}

fn bounces_are_left_out() {
    let chip = Chip::plug("pir-sim");
    let debounce = Duration::from_millis(150);
    let mut source = open_with(Sensor {
        debounce,
        ..Sensor::default()
    });
    for up in [true, false] {
        for bounce in [up, !up, up, !up, up] {
            chip.pull(bounce);
        }
        assert_eq!(next(&mut source).active, up);
    }
    assert_eq!(source.counters().delivered, 2);
}

fn overflow_drops_the_oldest_and_counts_them() {
    let (chip, clock) = (Chip::plug("pir-sim"), SystemClock::default());
    let mut source = open_with(Sensor::default());
    let (kept, made) = (u64::from(KERNEL_EDGES_MAX), 4 * u64::from(KERNEL_EDGES_MAX));
    let mut last_made = clock.now();
    for number in 0..made {
        last_made = clock.now();
        chip.pull(number % 2 == 0);
        clock.sleep_until(clock.now() + Duration::from_millis(1)); // a sensor's edges do not run into each other
    }
    let newest = eventually("the last edge", || {
        let edge = source.poll().expect("the line is there");
        edge.filter(|edge| edge.at >= last_made)
    });
    assert!(!newest.active, "{newest:?}");
    let counters = source.counters();
    assert!((kept..kept + 3).contains(&counters.delivered), "{counters:?}");
    assert!(
        (made / 2..=made - counters.delivered).contains(&counters.missed),
        "{counters:?} of {made}"
    );
    assert!(pulled(&chip, &mut source, true).active);
    assert_eq!(source.counters().missed, counters.missed, "only what was lost counts");
}

fn warm_up_leaves_edges_out_and_counts_them() {
    let chip = Chip::plug("pir-sim");
    let warm_up = Duration::from_millis(500);
    let mut source = open_with(Sensor {
        warm_up,
        ..Sensor::default()
    });
    assert_eq!(source.state(), TriggerState::WarmUp);
    for (number, up) in [(1, true), (2, false)] {
        chip.pull(up);
        eventually("an edge left out", || {
            assert_eq!(source.poll().expect("the line is there"), None);
            (source.counters().warm_up == number).then_some(())
        });
    }
    eventually("the end of warm-up", || (source.state() == TriggerState::Live).then_some(()));
    assert!(pulled(&chip, &mut source, true).active);
    let counters = source.counters();
    assert_eq!((counters.delivered, counters.missed, counters.warm_up), (1, 0, 2));
}

fn wrong_names_say_what_there_is() {
    let none = refused("no-such-chip", "PIR");
    assert!(none.contains("no-such-chip/PIR") && none.contains("no GPIO chip"), "{none}");
    let _chip = Chip::plug("pir-sim");
    for (chip, line, expected) in [
        ("no-such-chip", "PIR", "there is pir-sim (gpiochip"),
        ("/dev/no-such-chip", "PIR", "No such file"),
        ("/dev/null", "PIR", "not a GPIO"),
        ("pir-sim", "LED", "no such line; it has 4, named PIR"),
        ("pir-sim", "4", "no such line; it has 4"),
    ] {
        let why = refused(chip, line);
        assert!(why.contains(expected), "{chip}/{line}: {why}");
    }
}

fn line_in_use_says_by_whom() {
    let _chip = Chip::plug("pir-sim");
    let holder = open_with(Sensor::default());
    let why = refused("pir-sim", "2");
    assert!(why.contains("in use by \"lookout\""), "{why}");
    drop(holder);
    open_with(Sensor::default());
}

fn unplugged_chip_is_an_error_for_good() {
    let chip = Chip::plug("pir-sim");
    let mut source = open_with(Sensor::default());
    pulled(&chip, &mut source, true);
    drop(chip);
    let TriggerError::Unavailable { what, why } = eventually("an error", || source.poll().err());
    assert!(what == "pir-sim/PIR" && why.contains("No such device"), "{what}: {why}");
    let _back = Chip::plug("pir-sim");
    assert!(source.poll().is_err() && source.poll().is_err());
    assert_eq!((source.state(), source.counters().delivered), (TriggerState::Unavailable, 1));
    open_with(Sensor::default());
}

fn plugging_in_and_out_leaks_nothing() {
    Holdings::stay_the_same(20, || {
        let chip = Chip::plug("pir-sim");
        let mut source = open_with(Sensor::default());
        pulled(&chip, &mut source, true);
        drop(chip);
        eventually("an error", || source.poll().err());
    });
}

fn rppal_refuses_a_foreign_machine() {
    let request = rppal::Request {
        bcm: 4,
        sensor: Sensor::default(),
    };
    let refused = Rppal::open(&request, Arc::new(SystemClock::default()))
        .err()
        .expect("this is no Raspberry Pi");
    assert_eq!(
        refused.to_string(),
        "PIR on BCM 4: this machine is no Raspberry Pi that rppal knows; name the chip and line instead"
    );
}
