//! What a scripted fault means for the camera: until when it lasts, when it loses the camera, and with which error.

use std::io;
use std::time::Duration;

use crate::frame::SourceError;
use crate::source::scene::script::FaultKind;
use crate::source::scene::script::Script;

/// The first moment at which a camera opened at `elapsed` fails: unplugged, or stalled beyond `limit`.
pub(super) fn failure(script: &Script, elapsed: Duration, limit: Duration) -> Option<(Duration, FaultKind)> {
    let fails = script.faults.iter().filter_map(|fault| match fault.kind {
        FaultKind::Unplug(_) if fault.at >= elapsed => Some((fault.at, fault.kind)),
        FaultKind::Stall(length) => {
            let from = fault.at.max(elapsed);
            (from + limit < fault.at + length).then_some((from + limit, FaultKind::Stall(limit)))
        }
        _ => None,
    });
    fails.min_by_key(|(at, _)| *at)
}

pub(super) fn stalled(kind: FaultKind) -> Option<Duration> {
    match kind {
        FaultKind::Stall(length) => Some(length),
        _ => None,
    }
}

pub(super) fn covered(kind: FaultKind) -> Option<Duration> {
    match kind {
        FaultKind::Cover(length) => Some(length),
        _ => None,
    }
}

pub(super) fn frozen(kind: FaultKind) -> Option<Duration> {
    match kind {
        FaultKind::Freeze(length) => Some(length),
        _ => None,
    }
}

pub(super) fn unplugged(kind: FaultKind) -> Option<Duration> {
    match kind {
        FaultKind::Unplug(length) => Some(length),
        _ => None,
    }
}

pub(super) fn failed(kind: FaultKind) -> SourceError {
    match kind {
        FaultKind::Stall(waited) => SourceError::Stalled {
            what: "scene".into(),
            waited,
        },
        _ => gone(),
    }
}

pub(super) fn gone() -> SourceError {
    SourceError::Gone {
        what: "scene".into(),
        cause: io::Error::from_raw_os_error(libc::ENODEV),
    }
}
