//! Time and boot identity: the one place that reads the machine's clocks. Everything else takes a [`Clock`].

use std::fmt;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use time::OffsetDateTime;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// A point on the machine's monotonic time line (`CLOCK_MONOTONIC`, what V4L2 buffers and GPIO edges are stamped
/// with), in nanoseconds since some moment at or before boot. Never goes back; unrelated to the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// From nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Mono {
        Mono(nanos)
    }
    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Mono {
        Mono(millis * 1_000_000)
    }
    /// Nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }
    /// Whole milliseconds since the origin.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// Time from `earlier` to here; zero when `earlier` is later.
    pub const fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, later: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Wall-clock time in milliseconds since 1970-01-01T00:00:00Z; written as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads RFC 3339; `None` when `text` is not of that form.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = UtcDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(UtcDateTime::UNIX_EPOCH);
        let (date, t) = (at.date(), at.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// What the wall clock says, and whether to believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wall {
    /// The time.
    pub at: Timestamp,
    /// True once the clock is known good (set by NTP, or trusted by configuration).
    pub synced: bool,
}

/// Both clocks of the machine, and waiting.
pub trait Clock: Send + Sync {
    /// Now, on the monotonic time line.
    fn now(&self) -> Mono;
    /// Now, by the wall clock.
    fn wall(&self) -> Wall;
    /// Returns when `now() >= until`.
    fn sleep_until(&self, until: Mono);
}

/// The wall time of moment `at` by what `clock` says now.
pub fn wall_at(clock: &dyn Clock, at: Mono) -> Wall {
    let (wall, now) = (clock.wall(), clock.now());
    let ago_ms = i128::from(now.nanos()) - i128::from(at.nanos());
    Wall {
        at: Timestamp(wall.at.0 - (ago_ms / 1_000_000) as i64),
        synced: wall.synced,
    }
}

/// When the wall clock is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// When the kernel says that something keeps it in step (NTP), as it never does on a board without network.
    #[default]
    Ntp,
    /// Always: the machine has a battery-backed clock, or keeps time by other means.
    Always,
}

/// The machine's clocks.
#[derive(Debug, Default)]
pub struct SystemClock {
    trust: Trust,
}

impl SystemClock {
    /// The machine's clocks, believed as `trust` says.
    pub fn new(trust: Trust) -> SystemClock {
        SystemClock { trust }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Mono {
        let mut at = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: clock_gettime writes one timespec to the pointer that it is given, which is valid for that.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut at) };
        Mono(at.tv_sec as u64 * 1_000_000_000 + at.tv_nsec as u64)
    }

    #[allow(clippy::disallowed_methods)] // the one place
    fn wall(&self) -> Wall {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Wall {
            at: Timestamp(since.as_millis() as i64),
            synced: self.trust == Trust::Always || kernel_synced(),
        }
    }

    fn sleep_until(&self, until: Mono) {
        let wait = until.since(self.now());
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }
}

/// Sets the machine's wall clock to `at`; only root may.
pub fn set_wall(at: Timestamp) -> std::io::Result<()> {
    let to = libc::timespec {
        tv_sec: at.0.div_euclid(1000) as libc::time_t,
        tv_nsec: (at.0.rem_euclid(1000) * 1_000_000) as libc::c_long,
    };
    // SAFETY: the pointer is valid for one timespec, which is only read.
    match unsafe { libc::clock_settime(libc::CLOCK_REALTIME, &to) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// When this program was built: `SOURCE_DATE_EPOCH` of its build, else the time of its file.
pub fn built() -> Timestamp {
    let told = option_env!("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse::<i64>().ok());
    let file = || {
        let modified = std::env::current_exe()
            .and_then(std::fs::metadata)
            .and_then(|file| file.modified())
            .ok()?;
        modified
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .map(|since| since.as_secs() as i64)
    };
    Timestamp(told.or_else(file).unwrap_or(0) * 1000)
}

/// Whether the kernel's clock is disciplined (`adjtimex(2)`: neither `TIME_ERROR` nor `STA_UNSYNC`).
fn kernel_synced() -> bool {
    // SAFETY: all-zero is a valid timex (plain integers), and modes = 0 asks only for a reading.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for one timex; nothing is set.
    let state = unsafe { libc::adjtimex(&mut timex) };
    state != libc::TIME_ERROR && state >= 0 && timex.status & libc::STA_UNSYNC == 0
}

/// A clock that stands still until it is moved: for replay as fast as it goes, simulators and tests.
/// Clones share one time.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<SimTime>);

#[derive(Debug)]
struct SimTime {
    mono: AtomicU64,
    wall_offset_ms: AtomicI64,
    synced: AtomicBool,
}

impl SimClock {
    /// A clock at monotonic zero, at wall time `wall`.
    pub fn new(wall: Wall) -> SimClock {
        SimClock(Arc::new(SimTime {
            mono: AtomicU64::new(0),
            wall_offset_ms: AtomicI64::new(wall.at.0),
            synced: AtomicBool::new(wall.synced),
        }))
    }
    /// Moves the time line on to `at`; an earlier `at` changes nothing.
    pub fn advance_to(&self, at: Mono) {
        self.0.mono.fetch_max(at.0, Ordering::SeqCst);
    }
    /// Moves the time line on by `by`.
    pub fn advance(&self, by: Duration) {
        self.0.mono.fetch_add(by.as_nanos() as u64, Ordering::SeqCst);
    }
    /// Sets the wall clock, as NTP or a person would.
    pub fn set_wall(&self, wall: Wall) {
        self.0
            .wall_offset_ms
            .store(wall.at.0 - self.now().millis() as i64, Ordering::SeqCst);
        self.0.synced.store(wall.synced, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Mono {
        Mono(self.0.mono.load(Ordering::SeqCst))
    }
    fn wall(&self) -> Wall {
        let at = self.0.wall_offset_ms.load(Ordering::SeqCst) + self.now().millis() as i64;
        Wall {
            at: Timestamp(at),
            synced: self.0.synced.load(Ordering::SeqCst),
        }
    }
    fn sleep_until(&self, until: Mono) {
        self.advance_to(until);
    }
}

/// A fault injector: a machine without a battery-backed clock, whose wall clock is behind and not known good until the
/// network sets it right.
pub struct LateClock {
    clock: Arc<dyn Clock>,
    right_at: Mono,
    behind_ms: i64,
}

impl LateClock {
    /// `clock`, with its wall time `behind` and not known good for a time of `until` from now.
    pub fn new(clock: Arc<dyn Clock>, until: Duration, behind: Duration) -> LateClock {
        let right_at = clock.now() + until;
        LateClock {
            clock,
            right_at,
            behind_ms: behind.as_millis() as i64,
        }
    }
}

impl Clock for LateClock {
    fn now(&self) -> Mono {
        self.clock.now()
    }
    fn wall(&self) -> Wall {
        let Wall { at, .. } = self.clock.wall();
        let synced = self.clock.now() >= self.right_at;
        Wall {
            at: if synced { at } else { Timestamp(at.0 - self.behind_ms) },
            synced,
        }
    }
    fn sleep_until(&self, until: Mono) {
        self.clock.sleep_until(until);
    }
}

/// Which boot of the machine this is: the kernel's random id, 36 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BootId([u8; 36]);

impl BootId {
    /// The running kernel's id (`/proc/sys/kernel/random/boot_id`); all zeros where there is no such file.
    pub fn of_machine() -> BootId {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()
            .and_then(|text| BootId::parse(text.trim()))
            .unwrap_or(BootId::NIL)
    }
    /// The id of no machine: replay and tests.
    pub const NIL: BootId = BootId(*b"00000000-0000-0000-0000-000000000000");
    /// From its 36 characters.
    pub fn parse(text: &str) -> Option<BootId> {
        let valid = |b: &u8| b.is_ascii_hexdigit() || *b == b'-';
        <[u8; 36]>::try_from(text.as_bytes())
            .ok()
            .filter(|bytes| bytes.iter().all(valid))
            .map(BootId)
    }
    /// The 36 characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits and dashes, checked by parse")
    }
}

impl Serialize for BootId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for BootId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<BootId, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        BootId::parse(&text).ok_or_else(|| serde::de::Error::custom("not a boot id"))
    }
}
