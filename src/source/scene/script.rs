//! What happens in a scene and when: visits, lights, edges, faults. Its text form is in `spec`, how it looks in the neighbours.

use std::time::Duration;

use crate::limits::SCENE_BURST_EDGES_MAX;
use crate::limits::SCENE_SCRIPT_MAX;
use crate::source::scene::effects::Effect;
use crate::source::scene::effects::Span;

/// What happens in a scene. Times are from its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// People.
    pub visits: Vec<Visit>,
    /// Times of other light.
    pub lights: Vec<Light>,
    /// Edges of the PIR sensor beside those that visits make, in the order of their times.
    pub edges: Vec<(Duration, bool)>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Standard deviation of the sensor's noise, in grey levels, 0 to 10.
    pub noise: u8,
    /// Daylight comes and goes slowly.
    pub drift: bool,
    /// A tree waves in the wind.
    pub foliage: bool,
    /// What troubles the picture beside.
    pub effects: Vec<Effect>,
    /// The PIR sensor sees visitors: from [`PIR_DELAY`] after a visit begins to its end.
    pub pir: bool,
}

/// How long after a visit's beginning the PIR sensor sees the visitor.
pub const PIR_DELAY: Duration = Duration::from_millis(500);

/// Somebody comes, stops for a while, and goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// When first.
    pub at: Duration,
    /// After which time again; `None`: once.
    pub every: Option<Duration>,
    /// For how long.
    pub length: Duration,
    /// How; `None`: as the seed will have it, each time otherwise.
    pub walk: Option<Walk>,
}

/// How a visitor walks and looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// Comes in from the left, else from the right.
    pub from_left: bool,
    /// Goes on to the other side, else back.
    pub crosses: bool,
    /// Where along the picture's width the visitor stops, 0 to 1.
    pub stop: f32,
    /// 0 far (small) to 1 near (large); below 0 farther, at -1 a speck of 2 % of the height.
    pub depth: f32,
    /// Grey levels of jacket and trousers.
    pub tones: (u8, u8),
    /// Part of the visit spent standing, 0 to 0.9.
    pub pause: f32,
}

/// The light is another: every grey level becomes `level * gain + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// From when.
    pub at: Duration,
    /// For how long; `None`: for good.
    pub length: Option<Duration>,
    /// Time in which it comes, and after its end goes.
    pub fade: Duration,
    /// Factor.
    pub gain: f32,
    /// Then added, in grey levels.
    pub offset: f32,
}

/// Something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// When.
    pub at: Duration,
    /// What.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// No frames for so long; beyond the settings' stall time the camera is lost.
    Stall(Duration),
    /// The device is gone for so long.
    Unplug(Duration),
    /// One frame with bytes missing.
    Short,
    /// So many edges, a millisecond apart.
    Burst(u32),
    /// The same picture for so long.
    Freeze(Duration),
    /// Something is before the lens for so long.
    Cover(Duration),
    /// The camera is turned, for good.
    Turn,
}

impl Default for Script {
    /// The demo: a visit of 8 s every 20 s, the first after 4 s.
    fn default() -> Script {
        Script {
            visits: vec![Visit {
                at: Duration::from_secs(4),
                every: Some(Duration::from_secs(20)),
                length: Duration::from_secs(8),
                walk: None,
            }],
            noise: 2,
            drift: true,
            foliage: true,
            pir: true,
            ..Script::empty()
        }
    }
}

impl Script {
    /// Nothing happens, without noise, drift, foliage or PIR sensor.
    pub fn empty() -> Script {
        Script {
            visits: Vec::new(),
            lights: Vec::new(),
            edges: Vec::new(),
            faults: Vec::new(),
            noise: 0,
            drift: false,
            foliage: false,
            effects: Vec::new(),
            pir: false,
        }
    }

    /// Whether there is a PIR sensor in it.
    pub(crate) fn brings_edges(&self) -> bool {
        let burst = |fault: &Fault| matches!(fault.kind, FaultKind::Burst(_));
        self.pir || !self.edges.is_empty() || self.faults.iter().any(burst)
    }

    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let most = [
            self.visits.len(),
            self.lights.len(),
            self.edges.len(),
            self.faults.len(),
            self.effects.len(),
        ];
        if most.iter().any(|&count| count > SCENE_SCRIPT_MAX) {
            return Err(format!("more than {SCENE_SCRIPT_MAX} visits, lights, edges, faults or effects"));
        }
        let endless = |visit: &Visit| visit.length.is_zero() || visit.every.is_some_and(|every| every < visit.length);
        if self.visits.iter().any(endless) {
            return Err("a visit of no length, or one that comes again before it is over".into());
        }
        let burst = |fault: &Fault| matches!(fault.kind, FaultKind::Burst(count) if count > SCENE_BURST_EDGES_MAX);
        if self.faults.iter().any(burst) {
            return Err(format!("a burst of more than {SCENE_BURST_EDGES_MAX} edges"));
        }
        if self.noise > 10 {
            return Err(format!("noise of {}; 0 to 10 grey levels are allowed", self.noise));
        }
        Ok(())
    }

    /// Edges at `after < time <= until` (at 0 too, if `after` is `None`), in order.
    pub(crate) fn edges_between(&self, after: Option<Duration>, until: Duration) -> Vec<(Duration, bool)> {
        let within = |at: Duration| at <= until && after.is_none_or(|after| at > after);
        let mut edges: Vec<_> = self.edges.iter().copied().filter(|(at, _)| within(*at)).collect();
        if self.pir {
            for (visit, begin) in self.visits.iter().flat_map(|visit| visit.around(after.unwrap_or_default(), until)) {
                let both = [(begin + PIR_DELAY.min(visit.length / 2), true), (begin + visit.length, false)];
                edges.extend(both.into_iter().filter(|(at, _)| within(*at)));
            }
        }
        for fault in &self.faults {
            if let FaultKind::Burst(count) = fault.kind {
                let burst = (0..count).map(|n| (fault.at + Duration::from_millis(n.into()), n % 2 == 0));
                edges.extend(burst.filter(|(at, _)| within(*at)));
            }
        }
        edges.sort_by_key(|(at, _)| *at);
        edges
    }

    /// The fault of a kind at which `length` gives how long it lasts, that covers `at`.
    pub(crate) fn lasting(&self, at: Duration, length: impl Fn(FaultKind) -> Option<Duration>) -> Option<Fault> {
        let covers = |fault: &Fault| length(fault.kind).is_some_and(|length| fault.at <= at && at < fault.at + length);
        self.faults.iter().copied().find(covers)
    }
}

impl Visit {
    /// Times at which it begins, of those that touch `from..=to`.
    pub(crate) fn around(&self, from: Duration, to: Duration) -> impl Iterator<Item = (&Visit, Duration)> {
        let first = self.every.map_or(0, |every| {
            from.saturating_sub(self.at + self.length).as_nanos() / every.as_nanos().max(1)
        });
        let rounds = if self.every.is_some() { u32::MAX } else { 1 };
        let begins = (first as u32..rounds).map(|round| self.begin(round));
        begins
            .skip_while(move |begin| *begin + self.length < from)
            .take_while(move |begin| *begin <= to)
            .map(move |begin| (self, begin))
    }

    /// How the visitor of the visit that begins at `begin` walks.
    pub(crate) fn walk_of(&self, seed: u64, number: u64, begin: Duration) -> Walk {
        self.walk.unwrap_or_else(|| Walk::random(seed, number, begin.as_millis() as u64))
    }

    /// When it begins for the `round`th time after the first.
    fn begin(&self, round: u32) -> Duration {
        self.at + self.every.unwrap_or_default() * round
    }
}

impl Light {
    /// Darkness as a switched-off lamp leaves it.
    pub fn dark(at: Duration, length: Option<Duration>) -> Light {
        Light {
            at,
            length,
            fade: Duration::ZERO,
            gain: 0.55,
            offset: 4.0,
        }
    }

    /// Factor and levels to add at `at`: those of no change where it does not shine.
    pub(crate) fn at(&self, at: Duration) -> (f32, f32) {
        let span = Span {
            at: self.at,
            length: self.length,
            fade: self.fade,
        };
        let share = span.share(at);
        (1.0 + (self.gain - 1.0) * share, self.offset * share)
    }
}
