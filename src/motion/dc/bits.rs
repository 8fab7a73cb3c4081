//! Bits of an entropy-coded segment, the highest first, without the bytes stuffed in after each 0xff.

/// Bits at hand after [`fill`](Bits::fill) at least: the longest code and the longest value together.
const AT_HAND: u32 = 32;

/// A reader. What lies beyond a marker reads as zeros; that they were used, [`is_whole`](Bits::is_whole) tells.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// Bits not yet taken, from the highest on; zeros below.
    held: u64,
    count: u32,
    /// Bits of `held` that were made up.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Bits<'a> {
        Bits {
            data,
            at: 0,
            held: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Has at least [`AT_HAND`] bits at hand.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if self.count > AT_HAND {
            return;
        }
        match self.data.get(self.at..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(four) if !has_marker(u32::from_be_bytes(*four)) => {
                self.held |= u64::from(u32::from_be_bytes(*four)) << (32 - self.count);
                self.count += 32;
                self.at += 4;
            }
            _ => self.fill_slowly(),
        }
    }

    #[cold]
    fn fill_slowly(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.at..).unwrap_or(&[]) {
                [0xff, 0, ..] => {
                    self.at += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.made_up += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    *byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `count` bits, 1 to 32, not taken; there are no more than [`AT_HAND`] since the last `fill`.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.held >> (64 - count)) as usize
    }

    /// Takes `count` bits.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) {
        self.held <<= count;
        self.count = self.count.wrapping_sub(count);
    }

    /// Whether none of the bits taken were made up.
    pub(super) fn is_whole(&self) -> bool {
        self.count >= self.made_up
    }

    /// Goes on behind the restart marker that stands here; `None` when none does.
    pub(super) fn restart(&mut self) -> Option<()> {
        let left = self.count.checked_sub(self.made_up)?;
        match self.data.get(self.at..)? {
            [0xff, 0xd0..=0xd7, ..] if left < 8 => {
                *self = Bits {
                    at: self.at + 2,
                    ..Bits::new(self.data)
                };
                Some(())
            }
            _ => None,
        }
    }
}

/// Whether one of the four bytes is 0xff.
#[inline(always)]
fn has_marker(four: u32) -> bool {
    let inverse = !four;
    inverse.wrapping_sub(0x0101_0101) & four & 0x8080_8080 != 0
}
