//! Bits of an entropy-coded segment, the highest first, without the bytes stuffed in after each 0xff.

/// Bits at hand after [`fill`](Bits::fill) at least.
pub(super) const AT_HAND: u32 = 56;
/// The lower seven bits of each byte.
const LOW_SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// A reader. What lies beyond a marker reads as zeros; that they were used, [`is_whole`](Bits::is_whole) tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    /// What comes next.
    data: &'a [u8],
    /// Bits not yet taken, from the highest on; below them what is next in `data`, or zeros.
    held: u64,
    /// How many they are, in the lowest 6 bits; what is above means nothing.
    count: u32,
    /// Bits of `held` that were made up.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Bits<'a> {
        Bits {
            data,
            held: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Has at least [`AT_HAND`] bits at hand. Eight bytes at once, of which as many are passed as were whole (variant 4 of Giesen,
    /// "Reading bits in far too many ways", 2018).
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        match self.data.first_chunk::<8>().map(|eight| u64::from_be_bytes(*eight)) {
            Some(word) if !has_marker(word) => {
                self.held |= word >> (self.count & 63);
                self.data = &self.data[((63 - (self.count & 63)) >> 3) as usize..];
                self.count |= AT_HAND;
            }
            _ => *self = self.filled_slowly(),
        }
    }

    /// The same where one of the next bytes is 0xff, or there are no more. By value, so that a reader otherwise stays in registers.
    #[cold]
    #[inline(never)]
    fn filled_slowly(mut self) -> Bits<'a> {
        self.count &= 63;
        while self.count < AT_HAND {
            let (word, plain) = self.plain();
            let plain = plain.min((63 - self.count) / 8);
            if plain > 0 {
                self.held |= (word & !(u64::MAX >> (8 * plain))) >> self.count;
                self.data = &self.data[plain as usize..];
                self.count += 8 * plain;
                continue;
            }
            if let [0xff, 0, after @ ..] = self.data {
                self.held |= 0xff << (AT_HAND - self.count);
                self.data = after;
            } else {
                self.made_up += 8;
            }
            self.count += 8;
        }
        self
    }

    /// The next eight bytes, and how many of them come before the first 0xff or the end.
    #[inline(always)]
    fn plain(&self) -> (u64, u32) {
        let eight = self.data.first_chunk().copied().unwrap_or_else(|| {
            let mut last = [0xff; 8];
            last[..self.data.len()].copy_from_slice(self.data);
            last
        });
        let word = u64::from_be_bytes(eight);
        // Exact for each byte, as nothing is carried from one to the next.
        let others = ((!word & LOW_SEVEN) + LOW_SEVEN) | !word;
        (word, (!(others | LOW_SEVEN)).leading_zeros() / 8)
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

    /// Whether none of the bits taken were made up.
    pub(super) fn is_whole(&self) -> bool {
        (self.count & 63) >= self.made_up
    }

    /// Goes on behind the restart marker that stands here; `None` when none does.
    pub(super) fn restart(&mut self) -> Option<()> {
        let left = (self.count & 63).checked_sub(self.made_up)?;
        match self.data {
            [0xff, 0xd0..=0xd7, after @ ..] if left < 8 => {
                *self = Bits::new(after);
                Some(())
            }
            _ => None,
        }
    }
}

/// Whether one of the eight bytes is 0xff.
#[inline(always)]
fn has_marker(eight: u64) -> bool {
    (!eight).wrapping_sub(0x0101_0101_0101_0101) & eight & !LOW_SEVEN != 0
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

    proptest! {
        #[test]
        fn bits_are_those_of_the_bytes_without_what_was_stuffed_in(
            data in vec(prop_oneof![4 => any::<u8>(), 2 => Just(0xff), 3 => Just(0)], 0..60), takes in vec(1u32..=28, 1..60),
        ) {
            let bytes = unstuffed(&data);
            let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
            let (mut bits, mut at) = (Bits::new(&data), 0);
            for count in takes {
                bits.fill();
                let expected = (at..at + count as usize).fold(0, |value, at| value << 1 | bit(at));
                prop_assert_eq!(bits.peek(count), expected);
                bits.take(count);
                at += count as usize;
                prop_assert_eq!(bits.is_whole(), at <= bytes.len() * 8);
            }
        }
    }
}
