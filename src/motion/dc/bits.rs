//! Bits of an entropy-coded segment, the highest first. Its bytes come through a window, without those stuffed in after each 0xff,
//! so that who takes bits has neither markers nor an end to look for.

/// Bits at hand after [`fill`](Bits::fill) at least.
pub(super) const AT_HAND: u32 = 56;
/// Bytes that may be taken between two calls of [`ready`](Window::ready).
pub(super) const RUN_BYTES_MAX: usize = 2 * 1024;
/// Bytes of a window.
pub(super) const WINDOW_BYTES: usize = 8 * 1024;
/// Bytes that are looked at and copied at once.
const LANE: usize = 16;
/// Bytes of a window that are poured in; beyond them lie zeros, for whoever goes past the end.
const POURED_MAX: usize = WINDOW_BYTES - RUN_BYTES_MAX - 2 * LANE;
/// The highest bit of each byte.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bytes of a segment on their way. What lies beyond a marker reads as zeros; that they were used, [`is_whole`](Window::is_whole) tells.
#[derive(Debug)]
pub(super) struct Window<'a> {
    bytes: &'a mut [u8; WINDOW_BYTES],
    /// How many are in it.
    end: usize,
    /// All from here on are zeros.
    zeros: usize,
    /// From here on it is not ready.
    limit: usize,
    /// What was not poured in yet.
    data: &'a [u8],
    /// Whether that is a marker, or nothing.
    is_last: bool,
}

/// A reader. By value, so that it stays in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits {
    /// Bits not yet taken, from the highest on; below them what is next in the window, or zeros.
    held: u64,
    /// How many they are, in the lowest 6 bits; what is above means nothing.
    count: u32,
    /// Place of the byte in the window that comes next.
    at: usize,
}

impl<'a> Window<'a> {
    /// A window on `data`, in the memory of `bytes`.
    pub(super) fn new(bytes: &'a mut [u8; WINDOW_BYTES], data: &'a [u8]) -> Window<'a> {
        let mut window = Window {
            bytes,
            end: 0,
            zeros: WINDOW_BYTES,
            limit: 0,
            data,
            is_last: false,
        };
        window.pour();
        window
    }

    /// Makes [`RUN_BYTES_MAX`] more bytes ready for `bits`; `None` when more was taken than there is.
    #[inline(always)]
    pub(super) fn ready(&mut self, bits: &mut Bits) -> Option<()> {
        if bits.at < self.limit {
            return Some(());
        }
        *bits = self.moved_on(*bits)?;
        Some(())
    }

    #[cold]
    #[inline(never)]
    fn moved_on(&mut self, bits: Bits) -> Option<Bits> {
        if self.is_last {
            return None;
        }
        self.bytes.copy_within(bits.at..self.end, 0);
        self.end -= bits.at;
        self.pour();
        Some(Bits { at: 0, ..bits })
    }

    fn pour(&mut self) {
        let (poured, data) = unstuff(self.data, &mut self.bytes[self.end..POURED_MAX + LANE]);
        (self.end, self.data) = (self.end + poured, data);
        self.is_last = !matches!(data, [0..=0xfe, ..] | [0xff, 0, ..]);
        self.limit = self.end.saturating_sub(RUN_BYTES_MAX);
        self.zeros = self.zeros.max(self.end + LANE);
        if self.is_last {
            self.bytes[self.end..self.zeros].fill(0);
            // As far as a reader fills itself without taking more than there is.
            (self.zeros, self.limit) = (self.end, self.end + 8);
        }
    }

    /// Bits that are left for `bits` of what was poured in; fewer than none when too many were taken.
    fn left(&self, bits: Bits) -> isize {
        (self.end as isize - bits.at as isize) * 8 + (bits.count & 63) as isize
    }

    /// Whether what `bits` took was there.
    pub(super) fn is_whole(&self, bits: Bits) -> bool {
        self.left(bits) >= 0
    }

    /// Goes on behind the restart marker at which `bits` stands; `None` when there is none.
    pub(super) fn restart(&mut self, bits: Bits) -> Option<Bits> {
        match self.data {
            [0xff, 0xd0..=0xd7, after @ ..] if (0..8).contains(&self.left(bits)) => {
                (self.data, self.end) = (after, 0);
                self.pour();
                Some(Bits::new())
            }
            _ => None,
        }
    }
}

/// Copies from `data` up to a marker or the end to the beginning of `into`, without what was stuffed in; leaves a [`LANE`] of `into`
/// unused. How many bytes that gave, and what follows.
fn unstuff<'a>(mut data: &'a [u8], into: &mut [u8]) -> (usize, &'a [u8]) {
    let mut end = 0;
    while let (Some(lane), Some(to)) = (data.first_chunk(), into[end..].first_chunk_mut()) {
        *to = *lane;
        let plain = plain(lane);
        end += plain;
        data = &data[plain..];
        if plain < LANE {
            let [0xff, 0, after @ ..] = data else { return (end, data) };
            end += 1; // the 0xff, which was copied
            data = after;
        }
    }
    while end + LANE < into.len() {
        let (byte, after) = match data {
            [0xff, 0, after @ ..] => (0xff, after),
            [0xff, ..] | [] => break,
            [byte, after @ ..] => (*byte, after),
        };
        into[end] = byte;
        (end, data) = (end + 1, after);
    }
    (end, data)
}

/// How many bytes of `lane` come before the first 0xff.
#[inline(always)]
fn plain(lane: &[u8; LANE]) -> usize {
    if !lane.iter().fold(false, |any, byte| any | (*byte == 0xff)) {
        return LANE; // as a vector
    }
    // What is carried from one byte to the next is so behind the first 0xff only.
    let word = u128::from_le_bytes(*lane);
    let marks = |half: u64| (!half).wrapping_sub(HIGHS >> 7) & half & HIGHS;
    let (low, high) = (marks(word as u64), marks((word >> 64) as u64));
    let bits = if low != 0 {
        low.trailing_zeros()
    } else {
        64 + high.trailing_zeros()
    };
    bits as usize / 8
}

impl Bits {
    /// A reader at the beginning of a segment.
    pub(super) fn new() -> Bits {
        Bits { held: 0, count: 0, at: 0 }
    }

    /// Has at least [`AT_HAND`] bits at hand. Eight bytes at once, of which as many are passed as were whole (variant 4 of Giesen,
    /// "Reading bits in far too many ways", 2018).
    #[inline(always)]
    pub(super) fn fill(&mut self, window: &Window<'_>) {
        let eight = window.bytes.get(self.at..).and_then(|bytes| bytes.first_chunk());
        let word = eight.map_or(0, |eight| u64::from_be_bytes(*eight));
        self.held |= word >> (self.count & 63);
        self.at += ((63 - (self.count & 63)) >> 3) as usize;
        self.count |= AT_HAND;
    }

    /// The next `count` bits, 1 to 32, not taken.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.held >> (64 - count)) as usize
    }

    /// Bits behind the next `passed`, from the highest on.
    #[inline(always)]
    pub(super) fn beyond(&self, passed: u32) -> u64 {
        self.held << (passed & 63)
    }

    /// Takes as many bits as the lowest 6 bits of `count` say; what is above may be anything. There are no more than
    /// [`AT_HAND`] since the last `fill`.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) {
        self.held <<= count & 63;
        self.count = self.count.wrapping_sub(count);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The bytes up to a marker or the end, without those stuffed in, by definition (ISO/IEC 10918-1, F.1.2.3).
    fn unstuffed(data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = data;
        loop {
            rest = match rest {
                [0xff, 0, after @ ..] => {
                    bytes.push(0xff);
                    after
                }
                [0xff, ..] | [] => return bytes,
                [byte, after @ ..] => {
                    bytes.push(*byte);
                    after
                }
            }
        }
    }

    /// Takes `takes` of `data`, so many of them between two looks at the window, and holds each against the definition.
    fn check(data: &[u8], takes: &[u32], between: usize) -> Result<(), TestCaseError> {
        let bytes = unstuffed(data);
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
        let mut memory = [0xaa; WINDOW_BYTES];
        let mut window = Window::new(&mut memory, data);
        let (mut bits, mut at) = (Bits::new(), 0);
        for (number, count) in takes.iter().enumerate() {
            if number % between == 0 && window.ready(&mut bits).is_none() {
                prop_assert!(at > bytes.len() * 8);
                break;
            }
            bits.fill(&window);
            let expected = (at..at + *count as usize).fold(0, |value, at| value << 1 | bit(at));
            prop_assert_eq!(bits.peek(*count), expected);
            bits.take(*count);
            at += *count as usize;
            prop_assert_eq!(window.is_whole(bits), at <= bytes.len() * 8);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn bits_are_those_of_the_bytes_without_what_was_stuffed_in(
            data in vec(prop_oneof![4 => any::<u8>(), 2 => Just(0xff), 3 => Just(0)], 0..60), takes in vec(1u32..=28, 1..60),
        ) {
            check(&data, &takes, 60)?;
        }

        #[test]
        fn a_segment_may_be_longer_than_the_window(
            part in vec(prop_oneof![20 => 0u8..=254, 1 => Just(0xff)], 1..200), times in 1usize..300, takes in vec(1u32..=28, 1..200), between in 1usize..500,
        ) {
            let data: Vec<u8> = part.repeat(times).iter().flat_map(|byte| if *byte == 0xff { vec![0xff, 0] } else { vec![*byte] }).collect();
            let takes: Vec<u32> = takes.iter().copied().cycle().take(data.len() * 8 / 14 + 100).collect();
            check(&data, &takes, between)?;
        }
    }
}
