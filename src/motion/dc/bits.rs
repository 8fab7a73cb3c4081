//! Bits of an entropy-coded segment, the highest first, without the bytes stuffed in after each 0xff.

use crate::motion::jpeg::plain_len;

/// Bits at hand after [`fill`](Bits::fill) at least.
pub(super) const AT_HAND: u32 = 56;

/// A reader. What lies beyond a marker reads as zeros; that they were used, [`is_whole`](Bits::is_whole) tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    /// What comes next, up to the first 0xff: whole words of it are taken without a look at their bytes.
    plain: &'a [u8],
    /// From that 0xff on.
    rest: &'a [u8],
    /// Bits not yet taken, from the highest on; below them what is next in `plain`, or zeros.
    held: u64,
    /// How many they are, in the lowest 6 bits; what is above means nothing.
    count: u32,
    /// Bits of `held` that were made up.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Bits<'a> {
        let (plain, rest) = data.split_at(plain_len(data));
        Bits {
            plain,
            rest,
            held: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Has at least [`AT_HAND`] bits at hand. Eight bytes at once, of which as many are passed as were whole (variant 4 of Giesen,
    /// "Reading bits in far too many ways", 2018).
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if let Some(eight) = self.plain.first_chunk::<8>() {
            self.held |= u64::from_be_bytes(*eight) >> (self.count & 63);
            self.plain = &self.plain[((63 - (self.count & 63)) >> 3) as usize..];
            self.count |= AT_HAND;
        } else {
            *self = self.filled_slowly();
        }
    }

    /// The same byte by byte, where one of the next is 0xff. By value, so that a reader otherwise stays in registers.
    #[cold]
    #[inline(never)]
    fn filled_slowly(mut self) -> Bits<'a> {
        self.count &= 63;
        while self.count < AT_HAND {
            let byte = self.next_byte();
            self.held |= u64::from(byte) << (AT_HAND - self.count);
            self.count += 8;
        }
        self
    }

    fn next_byte(&mut self) -> u8 {
        if let Some((byte, plain)) = self.plain.split_first() {
            self.plain = plain;
            return *byte;
        }
        if let [0xff, 0, after @ ..] = self.rest {
            (self.plain, self.rest) = after.split_at(plain_len(after));
            return 0xff;
        }
        self.made_up += 8;
        0
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
        match self.rest {
            [0xff, 0xd0..=0xd7, after @ ..] if self.plain.is_empty() && left < 8 => {
                *self = Bits::new(after);
                Some(())
            }
            _ => None,
        }
    }
}
