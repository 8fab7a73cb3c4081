//! Huffman codes as tables over the next bits. Of AC coefficients nobody wants the values, so that one entry covers as many
//! whole coefficients as begin within those bits; the entry that a block begins with covers its DC coefficient, too. Which table
//! the next bits are looked up in, an entry says itself: blocks follow each other without a branch that could be guessed wrong.

use super::bits::AT_HAND;
use super::bits::Bits;
use super::bits::RUN_BYTES_MAX;
use super::bits::Window;

/// Bits that are looked at: 8 KiB of a table, so that the two in use lie well in the first cache of a small core.
const WIDTH: u32 = 11;
/// Coefficients of a block; what an entry covers does not go beyond.
const BLOCK: u32 = 64;
/// Most blocks that are taken at once.
pub(super) const BLOCKS_MAX: usize = 8;
/// Most bits of a coefficient: a code and a value.
const COEFFICIENT_BITS_MAX: u32 = 16 + 15;
/// Longest table as it stands in a picture: how many codes there are of each length, then a value for each.
pub(super) const TABLE_BYTES_MAX: usize = 16 + 256;

// Two entries take at most the bits looked at and a value beyond them each.
const _: () = assert!(2 * (WIDTH + 15) <= AT_HAND);
const _: () = assert!(BLOCKS_MAX * (BLOCK * COEFFICIENT_BITS_MAX).div_ceil(8) as usize + 8 <= RUN_BYTES_MAX);

// An entry: bits to take (6), the table of the bits that follow (from bit WIDTH on, 2), coefficients passed (7), difference of DC (12,
// signed).
/// Where an entry names the table that follows: added to the bits looked at, it is the place there.
const TABLE: u32 = 3 << WIDTH;
/// What a block may begin with; that it follows says that the block has ended.
const FIRST: u32 = 0;
/// What may follow.
const NEXT: u32 = 1 << WIDTH;
/// What may follow the ones that all codes begin with that are longer than [`WIDTH`].
const LONG: u32 = 2 << WIDTH;
/// Where the coefficients passed stand ...
const PASSED_SHIFT: u32 = WIDTH + 2;
const PASSED: u32 = 127 << PASSED_SHIFT;
/// ... and all of a block: it ends without a code that says so, or is none. An entry of no code that short, or of none, is that.
const FULL: u32 = BLOCK << PASSED_SHIFT;
/// Where the difference of DC stands.
const DIFFERENCE_SHIFT: u32 = PASSED_SHIFT + 7;

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

    /// The ones that all codes begin with that are longer than [`WIDTH`]; 0 where what follows these may be longer than that, too.
    fn ones(&self) -> u32 {
        let ones = (self.limits[WIDTH as usize] << 16).leading_ones().min(WIDTH);
        if ones + WIDTH < 16 { 0 } else { ones }
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
    /// The ones that all codes of AC begin with that are longer than [`WIDTH`].
    ones: u32,
    /// The tables [`FIRST`], [`NEXT`] and [`LONG`].
    entries: Box<[u32; 3 << WIDTH]>,
}

/// Where a reader stands among blocks.
#[derive(Clone, Copy)]
struct Stand {
    bits: Bits,
    /// The table that the next bits are looked up in.
    table: u32,
    /// Coefficients passed of the block that is being read, as entries have them.
    passed: u32,
    /// Its DC coefficient.
    mean: i32,
    /// Blocks read to their end.
    blocks: usize,
}

impl Coder {
    pub(super) fn new() -> Coder {
        Coder {
            dc: Code::new(),
            ac: Code::new(),
            ones: 0,
            entries: zeros(),
        }
    }

    /// Bytes that [`new`](Coder::new) allocates.
    pub(super) const fn footprint() -> usize {
        size_of::<u32>() * (3 << WIDTH)
    }

    /// Takes the tables of DC and AC, and whether the values of DC are wanted, which is always the same; `None`: a table is none.
    pub(super) fn load(&mut self, dc: &[u8], ac: &[u8], is_wanted: bool) -> Option<()> {
        if [self.dc.load(dc)?, self.ac.load(ac)?].contains(&true) {
            self.ones = self.ac.ones();
            for window in 0..1 << WIDTH {
                let at = window as usize;
                self.entries[at] = self.first(window, is_wanted).unwrap_or(FULL);
                self.entries[at + NEXT as usize] = self.next(window);
                self.entries[at + LONG as usize] = self.long(window).unwrap_or(FULL);
            }
        }
        Some(())
    }

    /// What a block may begin with, of a `window` of [`WIDTH`] bits; `None`: no code that short, or a value that is wanted and
    /// goes beyond.
    fn first(&self, window: u32, is_wanted: bool) -> Option<u32> {
        let (length, size) = self
            .dc
            .find(window << (16 - WIDTH))
            .map(|(length, size)| (length, u32::from(size)))?;
        let taken = length + size;
        if length > WIDTH || size > 15 || (is_wanted && taken > WIDTH) {
            return None;
        }
        let beyond = u64::from(window) << (64 - WIDTH) << length;
        let difference = if is_wanted { value(beyond, size) } else { 0 };
        let run = Run::of(&self.ac, window, taken);
        Some((run.entry() + (1 << PASSED_SHIFT)) | (difference << DIFFERENCE_SHIFT) as u32)
    }

    /// What may follow.
    fn next(&self, window: u32) -> u32 {
        let run = Run::of(&self.ac, window, 0);
        match run.taken {
            0 if self.ones > 0 && (!window << (32 - WIDTH)).leading_zeros() >= self.ones => self.ones | LONG,
            0 => FULL,
            _ => run.entry(),
        }
    }

    /// What may follow those ones: one coefficient with a value.
    fn long(&self, window: u32) -> Option<u32> {
        let (length, value) = self.ac.find(self.behind_ones(window << (16 - WIDTH)))?;
        let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
        (size > 0 && length > self.ones).then(|| (length - self.ones + size) | NEXT | (run + 1) << PASSED_SHIFT)
    }

    /// The 16 bits with the ones before `window`.
    fn behind_ones(&self, window: u32) -> u32 {
        (0xffff_0000 | window) >> self.ones & 0xffff
    }

    /// Takes `count` blocks, 1 to [`BLOCKS_MAX`], the last one's DC coefficient before them being `mean`: that of each (F.2.2.1). `None`: a code
    /// that is none, or more coefficients than a block has.
    #[inline(always)]
    pub(super) fn blocks(&self, bits: &mut Bits, window: &Window<'_>, count: usize, mean: i32) -> Option<[i32; BLOCKS_MAX]> {
        let mut means = [0; BLOCKS_MAX];
        let mut stand = Stand {
            bits: *bits,
            table: FIRST,
            passed: 0,
            mean,
            blocks: 0,
        };
        while stand.blocks < count {
            stand.bits.fill(window);
            for _ in 0..2 {
                let block = stand.blocks;
                if !self.step(&mut stand) {
                    stand = self.one(stand, window)?;
                }
                means[block % BLOCKS_MAX] = stand.mean;
                if stand.blocks == count {
                    break;
                }
            }
        }
        *bits = stand.bits;
        Some(means)
    }

    /// Takes what an entry covers; false, and nothing is taken, when there is none that does.
    #[inline(always)]
    fn step(&self, stand: &mut Stand) -> bool {
        let entry = self.entries[stand.bits.peek(WIDTH) | stand.table as usize];
        let passed = stand.passed + (entry & PASSED);
        if passed & FULL != 0 {
            return false;
        }
        stand.bits.take(entry);
        stand.mean = stand.mean.wrapping_add(entry as i32 >> DIFFERENCE_SHIFT);
        stand.table = entry & TABLE;
        let has_ended = stand.table == FIRST;
        stand.passed = if has_ended { 0 } else { passed };
        stand.blocks += usize::from(has_ended);
        true
    }

    /// Takes one coefficient: of a long code, or at the end of a block, where an entry may reach into the next one.
    #[cold]
    #[inline(never)]
    fn one(&self, mut stand: Stand, window: &Window<'_>) -> Option<Stand> {
        stand.bits.fill(window);
        let next = if stand.table == FIRST {
            let (length, size) = self.dc.find(stand.bits.peek(16) as u32)?;
            let size = u32::from(size);
            if size > 15 {
                return None;
            }
            let difference = value(stand.bits.beyond(length), size);
            stand.mean = stand.mean.wrapping_add(difference);
            stand.bits.take(length + size);
            1
        } else {
            self.coefficient(&mut stand)?
        };
        stand.bits.fill(window);
        let has_ended = next == BLOCK;
        stand.table = if has_ended { FIRST } else { NEXT };
        stand.passed = (next % BLOCK) << PASSED_SHIFT;
        stand.blocks += usize::from(has_ended);
        Some(stand)
    }

    /// Takes one of AC; where the next one is, which is [`BLOCK`] when the block has ended.
    fn coefficient(&self, stand: &mut Stand) -> Option<u32> {
        let (next, bits) = (stand.passed >> PASSED_SHIFT, stand.bits.peek(16) as u32);
        let (taken, bits) = if stand.table == LONG {
            (self.ones, self.behind_ones(bits))
        } else {
            (0, bits)
        };
        let (length, value) = self.ac.find(bits)?;
        let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
        stand.bits.take(length.checked_sub(taken)? + size);
        match (run, size) {
            (0, 0) => Some(BLOCK),
            (1..15, 0) => None,
            _ => (next + run < BLOCK).then_some(next + run + 1),
        }
    }
}

/// The value of `size` bits, at most 15, with which `bits` begin (F.2.2.1, EXTEND).
#[inline(always)]
fn value(bits: u64, size: u32) -> i32 {
    let raw = (bits >> 1 >> (63 - size)) as i32;
    let is_positive = (bits as i64 >> 63) as i32;
    raw - (((1 << size) - 1) & !is_positive)
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
    /// As many as have their codes within the [`WIDTH`] bits of `window`, from bit `taken` on, and lie within one block.
    fn of(code: &Code, window: u32, taken: u32) -> Run {
        let (mut taken, mut passed, mut is_end) = (taken, 0, false);
        while taken < WIDTH && !is_end {
            let rest = (window << (16 - WIDTH) << taken) & 0xffff;
            let found = code.find(rest).filter(|(length, _)| taken + length <= WIDTH);
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
        let table = if self.is_end { FIRST } else { NEXT };
        self.taken | table | (self.passed << PASSED_SHIFT)
    }
}

/// Zeros as the system gives them: memory that is not touched before it is used, which for a raw camera is never.
fn zeros<T: Clone + Default, const N: usize>() -> Box<[T; N]> {
    vec![T::default(); N]
        .try_into()
        .unwrap_or_else(|_| unreachable!("a vector of N is an array of N"))
}
