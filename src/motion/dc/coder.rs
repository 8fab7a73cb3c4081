//! Huffman codes as tables over the next bits. Of AC coefficients nobody wants the values, so that one entry covers as many
//! whole coefficients as begin within those bits; the entry that a block begins with covers its DC coefficient, too.

use super::bits::AT_HAND;
use super::bits::Bits;

/// Bits that the table of a block's first codes looks at: 8 KiB of it ...
const FIRST_BITS: u32 = 11;
/// ... and that of those that follow: 16 KiB, of which the few kilobytes in use lie well in the first cache of a small core.
const NEXT_BITS: u32 = 13;
/// Coefficients of a block; what an entry covers does not go beyond.
const BLOCK: u32 = 64;
/// Added to the place of a coefficient: the block has ended.
const END: u32 = 128;
/// Bits of an entry that say how many to take.
const TAKEN_BITS: u32 = 6;
/// Longest table as it stands in a picture: how many codes there are of each length, then a value for each.
pub(super) const TABLE_BYTES_MAX: usize = 16 + 256;

// A block's first entry and two that follow take at most a code's rest and a value beyond the bits looked at.
const _: () = assert!(FIRST_BITS + 15 + NEXT_BITS + 15 <= AT_HAND && 2 * (NEXT_BITS + 15) <= AT_HAND);

/// A code as the picture has it (ISO/IEC 10918-1, annex C).
#[derive(Debug)]
struct Code {
    /// Content of the segment that it was made from; empty at first.
    content: heapless::Vec<u8, TABLE_BYTES_MAX>,
    /// Of each length, the first code beyond those of that length, as if it had 16 bits.
    limits: [u32; 17],
    /// Of each length, what to add to a code to get its place among the values.
    places: [i32; 17],
}

impl Code {
    const fn new() -> Code {
        Code {
            content: heapless::Vec::new(),
            limits: [0; 17],
            places: [0; 17],
        }
    }

    /// Takes another table; false when it is the same. `None`: it is none.
    fn load(&mut self, table: &[u8]) -> Option<bool> {
        if !table.is_empty() && self.content == table {
            return Some(false);
        }
        self.content.clear();
        let (lengths, values) = table.split_at_checked(16)?;
        let (mut code, mut place) = (0u32, 0i32);
        for (length, count) in (1..).zip(lengths) {
            self.places[length] = place - code as i32;
            code += u32::from(*count);
            place += i32::from(*count);
            if code > 1 << length {
                return None;
            }
            self.limits[length] = code << (16 - length);
            code <<= 1;
        }
        if values.len() != place as usize {
            return None;
        }
        self.content.extend_from_slice(table).ok()?;
        Some(true)
    }

    /// Length and value of the code that the 16 bits of `window` begin with.
    fn find(&self, window: u32) -> Option<(u32, u8)> {
        // Limits increase: those passed are as many as the bits that the code has more than one.
        let length = 1 + self.limits[1..].iter().filter(|limit| window >= **limit).count();
        let place = (window >> 16usize.checked_sub(length)?) as i32 + self.places[length];
        let value = self.content.get(16 + usize::try_from(place).ok()?)?;
        Some((length as u32, *value))
    }
}

/// Codes of the blocks of a component.
#[derive(Debug)]
pub(super) struct Coder {
    dc: Code,
    ac: Code,
    /// What a block may begin with: bits to take (6), place of the coefficient that follows, or [`END`] (8), bits of DC's value (4)
    /// and of its code (4). 0: no code that short.
    first: Box<[u32; 1 << FIRST_BITS]>,
    /// What may follow: bits to take (6), coefficients passed, and [`END`] where it is (10). [`BLOCK`] of them: no code that short.
    next: Box<[u16; 1 << NEXT_BITS]>,
}

impl Coder {
    pub(super) fn new() -> Coder {
        Coder {
            dc: Code::new(),
            ac: Code::new(),
            first: zeros(),
            next: zeros(),
        }
    }

    /// Bytes that [`new`](Coder::new) allocates.
    pub(super) const fn footprint() -> usize {
        (size_of::<u32>() << FIRST_BITS) + (size_of::<u16>() << NEXT_BITS)
    }

    /// Takes the tables of DC and AC; `None`: one is none.
    pub(super) fn load(&mut self, dc: &[u8], ac: &[u8]) -> Option<()> {
        if [self.dc.load(dc)?, self.ac.load(ac)?].contains(&true) {
            for (window, entry) in self.first.iter_mut().enumerate() {
                *entry = first(&self.dc, &self.ac, window as u32).unwrap_or(0);
            }
            for (window, entry) in self.next.iter_mut().enumerate() {
                let run = Run::of(&self.ac, window as u32, NEXT_BITS, 0);
                *entry = (if run.taken == 0 { BLOCK << TAKEN_BITS } else { run.entry() }) as u16;
            }
        }
        Some(())
    }

    /// Takes a block; the difference of its DC coefficient to the one before (F.2.2.1). `None`: a code that is none, or more
    /// coefficients than a block has.
    #[inline(always)]
    pub(super) fn block(&self, bits: &mut Bits<'_>) -> Option<i32> {
        bits.fill();
        let entry = self.first[bits.peek(FIRST_BITS)];
        let (next, difference);
        if entry != 0 {
            difference = value(bits.beyond(entry >> 18), (entry >> 14) & 15);
            next = (entry >> TAKEN_BITS) & 255;
            bits.take(entry);
        } else {
            (*bits, difference) = self.difference(*bits)?;
            next = 1;
        }
        if next < BLOCK {
            self.pass(bits, next)?;
        }
        Some(difference)
    }

    /// Passes over the AC coefficients of a block from `next` on.
    #[inline(always)]
    fn pass(&self, bits: &mut Bits<'_>, mut next: u32) -> Option<()> {
        loop {
            next = self.several(bits, next)?;
            if next >= BLOCK {
                return Some(());
            }
            bits.fill();
            next = self.several(bits, next)?;
            if next >= BLOCK {
                return Some(());
            }
        }
    }

    /// Passes over as many as an entry covers; where the next one is. It is [`BLOCK`] or more when the block has ended.
    #[inline(always)]
    fn several(&self, bits: &mut Bits<'_>, next: u32) -> Option<u32> {
        let entry = u32::from(self.next[bits.peek(NEXT_BITS)]);
        let after = next + (entry >> TAKEN_BITS);
        if after & BLOCK == 0 {
            bits.take(entry);
            return Some(after);
        }
        let after;
        (*bits, after) = self.one(*bits, next)?;
        Some(after)
    }

    /// Passes over one coefficient: of a long code, or at the end of a block, where an entry may reach into the next one.
    #[cold]
    #[inline(never)]
    fn one<'a>(&self, mut bits: Bits<'a>, next: u32) -> Option<(Bits<'a>, u32)> {
        bits.fill();
        let (length, value) = self.ac.find(bits.peek(16) as u32)?;
        let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
        bits.take(length + size);
        bits.fill();
        match (run, size) {
            (0, 0) => Some((bits, BLOCK)),
            (1..15, 0) => None,
            _ => (next + run < BLOCK).then_some((bits, next + run + 1)),
        }
    }

    /// Takes the difference of a DC coefficient whose code is long.
    #[cold]
    #[inline(never)]
    fn difference<'a>(&self, mut bits: Bits<'a>) -> Option<(Bits<'a>, i32)> {
        let (length, size) = self.dc.find(bits.peek(16) as u32)?;
        let size = u32::from(size);
        if size > 15 {
            return None;
        }
        let difference = value(bits.beyond(length), size);
        bits.take(length + size);
        bits.fill();
        Some((bits, difference))
    }
}

/// The value of `size` bits, at most 15, with which `bits` begin (F.2.2.1, EXTEND).
#[inline(always)]
fn value(bits: u64, size: u32) -> i32 {
    let raw = (bits >> 1 >> (63 - size)) as i32;
    let is_positive = (bits as i64 >> 63) as i32;
    raw - (((1 << size) - 1) & !is_positive)
}

/// What a block may begin with, of a `window` of [`FIRST_BITS`] bits; `None`: no code that short.
fn first(dc: &Code, ac: &Code, window: u32) -> Option<u32> {
    let (length, size) = dc
        .find(window << (16 - FIRST_BITS))
        .filter(|(length, size)| *length <= FIRST_BITS && *size <= 15)?;
    let run = Run::of(ac, window, FIRST_BITS, length + u32::from(size));
    Some((run.entry() + (1 << TAKEN_BITS)) | (u32::from(size) << 14) | (length << 18))
}

/// A run of whole AC coefficients.
struct Run {
    /// Bits that it takes.
    taken: u32,
    /// Coefficients that it passes.
    passed: u32,
    is_end: bool,
}

impl Run {
    /// As many as have their codes within the `width` bits of `window`, from bit `taken` on, and lie within one block.
    fn of(code: &Code, window: u32, width: u32, taken: u32) -> Run {
        let (mut taken, mut passed, mut is_end) = (taken, 0, false);
        while taken < width && !is_end {
            let rest = (window << (16 - width) << taken) & 0xffff;
            let found = code.find(rest).filter(|(length, _)| taken + length <= width);
            let Some((length, value)) = found else { break };
            let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
            let is_none = size == 0 && (1..15).contains(&run);
            is_end = value == 0;
            let more = if is_end { 0 } else { run + 1 };
            // With all of 63 the block ends without a code that says so: that is left to the way of one at a time.
            if is_none || passed + more >= BLOCK - 1 {
                break;
            }
            (taken, passed) = (taken + length + size, passed + more);
        }
        Run { taken, passed, is_end }
    }

    fn entry(&self) -> u32 {
        let place = if self.is_end { self.passed + END } else { self.passed };
        self.taken | (place << TAKEN_BITS)
    }
}

/// Zeros as the system gives them: memory that is not touched before it is used, which for a raw camera is never.
fn zeros<T: Clone + Default, const N: usize>() -> Box<[T; N]> {
    vec![T::default(); N]
        .try_into()
        .unwrap_or_else(|_| unreachable!("a vector of N is an array of N"))
}
