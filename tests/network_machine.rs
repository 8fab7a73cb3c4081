//! What is decided about the network, whatever is seen and in whatever order: no access point without need, nothing kept untested,
//! nothing tried for ever.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;

use lookout::clock::Mono;
use lookout::network::Failure;
use lookout::network::State;
use lookout::network::Wish;
use lookout::network::machine::Action;
use lookout::network::machine::Look;
use lookout::network::machine::Machine;
use lookout::network::machine::Times;
use proptest::prelude::*;

const TIMES: Times = Times {
    wait: Duration::from_secs(60),
    address_max: Duration::from_secs(30),
    test_max: Duration::from_secs(100),
};
const NOTHING: Look = Look {
    known: false,
    wired: false,
    passphrase: true,
    address: None,
};

fn at(seconds: u64) -> Mono {
    Mono::default() + Duration::from_secs(seconds)
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

fn wish(ssid: &str) -> Wish {
    Wish {
        ssid: ssid.into(),
        passphrase: "correct horse".into(),
        country: None,
    }
}

/// A machine that is an access point since second 60.
fn access_point() -> Machine {
    let mut machine = Machine::new(TIMES);
    assert_eq!(machine.look(at(0), NOTHING), None);
    assert_eq!(machine.look(at(59), NOTHING), None, "not before its time");
    assert_eq!(machine.look(at(60), NOTHING), Some(Action::Open));
    machine.opened(at(60), true);
    assert_eq!(machine.state(), State::AccessPoint);
    machine
}

/// The same, once it has joined "home" and has an address there, since second 70.
fn testing() -> Machine {
    let mut machine = access_point();
    assert_eq!(machine.wish(wish("home")), Some(Action::Join(wish("home"))));
    assert_eq!(machine.joined(at(65), Ok(())), None);
    let look = Look {
        address: Some(address(7)),
        ..NOTHING
    };
    assert_eq!(machine.look(at(70), look), None);
    assert_eq!((machine.state(), machine.testing()), (State::Testing, Some(address(7))));
    machine
}

#[test]
fn an_access_point_is_for_who_has_nothing_else() {
    for look in [
        Look { known: true, ..NOTHING },
        Look { wired: true, ..NOTHING },
        Look {
            passphrase: false,
            ..NOTHING
        },
    ] {
        let mut machine = Machine::new(TIMES);
        assert!((0..1000).all(|second| machine.look(at(second), look).is_none()), "{look:?}");
        let mut machine = access_point();
        let closes = machine.look(at(61), look) == Some(Action::Close);
        assert_eq!(closes, look.known || look.wired, "{look:?}");
    }
}

#[test]
fn one_that_does_not_open_is_tried_again_after_a_while() {
    let mut machine = Machine::new(TIMES);
    machine.look(at(0), NOTHING);
    assert_eq!(machine.look(at(60), NOTHING), Some(Action::Open));
    machine.opened(at(80), false);
    assert_eq!(machine.look(at(139), NOTHING), None);
    assert_eq!(machine.look(at(140), NOTHING), Some(Action::Open));
}

#[test]
fn one_that_is_lost_is_opened_again_at_once() {
    assert_eq!(access_point().lost(), Some(Action::Open));
    assert_eq!(testing().lost(), None, "that is none any more");
}

#[test]
fn a_network_is_kept_once_somebody_came_over_it() {
    let mut machine = testing();
    assert_eq!(machine.reached(address(8)), None, "that is the cable's");
    assert_eq!(machine.reached(address(7)), Some(Action::Keep));
    assert_eq!((machine.state(), machine.failed()), (State::Settled, None));
}

#[test]
fn what_fails_is_given_up_and_said_and_the_access_point_is_back() {
    let refused = || {
        let mut machine = access_point();
        machine.wish(wish("home"));
        let action = machine.joined(at(65), Err(Failure::Refused));
        (machine, action, Failure::Refused)
    };
    let no_address = || {
        let mut machine = access_point();
        machine.wish(wish("home"));
        machine.joined(at(65), Ok(()));
        assert_eq!(machine.look(at(94), NOTHING), None);
        let action = machine.look(at(95), NOTHING);
        (machine, action, Failure::NoAddress)
    };
    let unvisited = || {
        let mut machine = testing();
        assert_eq!(machine.look(at(169), NOTHING), None);
        let action = machine.look(at(170), NOTHING);
        (machine, action, Failure::Unvisited)
    };
    for case in [refused(), no_address(), unvisited()] {
        let (mut machine, action, why) = case;
        assert_eq!(action, Some(Action::GiveUp), "{why:?}");
        assert_eq!(machine.failed(), Some(("home", why)));
        assert_eq!(machine.gave_up(NOTHING), Some(Action::Open), "at once, without the wait");
        machine.opened(at(200), true);
        assert_eq!(machine.failed(), Some(("home", why)), "still there for whoever comes back");
        machine.wish(wish("other"));
        assert_eq!(machine.failed(), None, "an earlier failure says nothing of this one");
    }
}

#[test]
fn with_a_cable_a_trial_that_fails_opens_nothing() {
    let wired = Look { wired: true, ..NOTHING };
    let mut machine = Machine::new(TIMES);
    machine.look(at(0), wired);
    assert!(machine.wish(wish("home")).is_some());
    assert_eq!(machine.joined(at(5), Err(Failure::NotFound)), Some(Action::GiveUp));
    assert_eq!(machine.gave_up(wired), None);
    assert_eq!(machine.state(), State::Settled);
}

#[test]
fn one_network_is_tried_at_a_time() {
    assert_eq!(testing().wish(wish("other")), None);
    let mut machine = access_point();
    machine.wish(wish("home"));
    assert_eq!(machine.wish(wish("other")), None);
    assert_eq!(machine.trying(), Some("home"));
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Look(Look),
    Wish,
    Reached(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let look = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::option::of(1u8..3)).prop_map(|(known, wired, passphrase, last)| {
        Step::Look(Look {
            known,
            wired,
            passphrase,
            address: last.map(address),
        })
    });
    let nothing = Just(Step::Look(NOTHING));
    prop_oneof![2 => look, 4 => nothing, 1 => Just(Step::Wish), 1 => (1u8..3).prop_map(Step::Reached)]
}

proptest! {
    /// Whatever happens, and whatever comes of what is done.
    #[test]
    fn nothing_is_kept_untested_or_tried_for_ever(
        steps in proptest::collection::vec((step(), 1u64..50, any::<bool>()), 1..200),
    ) {
        let mut machine = Machine::new(TIMES);
        let (mut now, mut look) = (0, Look::default());
        let (mut trying_since, mut address_seen, mut is_open) = (None, None, false);
        for (step, seconds, succeeds) in steps {
            now += seconds;
            let mut next = match step {
                Step::Look(seen) => {
                    look = seen;
                    machine.look(at(now), seen)
                }
                Step::Wish => machine.wish(wish("home")),
                Step::Reached(last) => machine.reached(address(last)),
            };
            while let Some(action) = next.take() {
                match action {
                    Action::Open => {
                        prop_assert!(!look.known && !look.wired && look.passphrase, "no need, or no passphrase: {look:?}");
                        prop_assert!(trying_since.is_none() && !is_open);
                        machine.opened(at(now), succeeds);
                        is_open = succeeds;
                    }
                    Action::Close => {
                        prop_assert!(is_open && (look.known || look.wired));
                        is_open = false;
                    }
                    Action::Join(_) => {
                        prop_assert!(trying_since.is_none(), "two at a time");
                        (trying_since, address_seen, is_open) = (Some(now), None, false);
                        next = machine.joined(at(now), if succeeds { Ok(()) } else { Err(Failure::Refused) });
                    }
                    Action::Keep => {
                        prop_assert!(trying_since.take().is_some(), "kept without a trial");
                        prop_assert!(address_seen.is_some(), "kept without an address");
                    }
                    Action::GiveUp => {
                        prop_assert!(trying_since.take().is_some(), "given up without a trial");
                        next = machine.gave_up(look);
                    }
                }
            }
            address_seen = address_seen.or(machine.testing());
            prop_assert_eq!(machine.trying().is_some(), trying_since.is_some());
            // A look ends what has lasted too long; each comes at most 50 s after the one before, if nothing else happens.
            if let (Some(since), Step::Look(_)) = (trying_since, &step) {
                let longest = TIMES.address_max + TIMES.test_max;
                prop_assert!(now - since < longest.as_secs() + 200 * 50, "tried for ever");
            }
        }
    }

    /// If nobody does anything, it ends as an access point, wherever it was.
    #[test]
    fn left_alone_it_comes_back_to_the_access_point(
        steps in proptest::collection::vec((step(), 1u64..50), 0..50),
    ) {
        let mut machine = Machine::new(TIMES);
        let mut now = 0;
        let settle = |machine: &mut Machine, now: u64, mut next: Option<Action>, look: Look| {
            while let Some(action) = next.take() {
                match action {
                    Action::Open => machine.opened(at(now), true),
                    Action::Join(_) => next = machine.joined(at(now), Ok(())),
                    Action::GiveUp => next = machine.gave_up(look),
                    Action::Close | Action::Keep => {}
                }
            }
        };
        for (step, seconds) in steps {
            now += seconds;
            let (next, look) = match step {
                Step::Look(look) => (machine.look(at(now), look), look),
                Step::Wish => (machine.wish(wish("home")), NOTHING),
                Step::Reached(last) => (machine.reached(address(last)), NOTHING),
            };
            settle(&mut machine, now, next, look);
        }
        let longest = TIMES.wait + TIMES.address_max + TIMES.test_max;
        for _ in 0..=longest.as_secs() {
            now += 1;
            let next = machine.look(at(now), NOTHING);
            settle(&mut machine, now, next, NOTHING);
        }
        prop_assert_eq!(machine.state(), State::AccessPoint);
    }
}
