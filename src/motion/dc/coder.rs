//! Huffman codes as tables over the next bits. For AC coefficients, whose values nobody wants, one entry covers as many
//! whole coefficients as begin within those bits.

use super::bits::Bits;

/// Bits that the table of AC codes looks at: 8 KiB of it lie well in the first cache of a small core.
const AC_BITS: u32 = 12;
/// Bits that the table of DC codes looks at: all of the standard's codes.
const DC_BITS: u32 = 9;
/// Coefficients of a block.
const BLOCK: u32 = 64;
/// Longest table as it stands in a picture: how many codes there are of each length, then a value for each.
pub(super) const TABLE_BYTES_MAX: usize = 16 + 256;

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
        let length = (1..=16).find(|&length| window < self.limits[length])?;
        let place = (window >> (16 - length)) as i32 + self.places[length];
        let value = self.content.get(16 + usize::try_from(place).ok()?)?;
        Some((length as u32, *value))
    }
}

/// Codes of DC coefficients.
#[derive(Debug)]
pub(super) struct DcCoder {
    code: Code,
    /// Length of the code in the lower byte, of the value in the upper; 0: no code that short.
    entries: Vec<u16>,
}

impl DcCoder {
    pub(super) fn new() -> DcCoder {
        DcCoder {
            code: Code::new(),
            entries: vec![0; 1 << DC_BITS],
        }
    }

    /// Bytes that [`new`](DcCoder::new) allocates.
    pub(super) const fn footprint() -> usize {
        size_of::<u16>() << DC_BITS
    }

    /// Takes the table; `None`: it is none.
    pub(super) fn load(&mut self, table: &[u8]) -> Option<()> {
        if self.code.load(table)? {
            for (window, entry) in self.entries.iter_mut().enumerate() {
                let found = self.code.find((window as u32) << (16 - DC_BITS));
                let short = found.filter(|(length, value)| *length <= DC_BITS && *value <= 15);
                *entry = short.map_or(0, |(length, value)| length as u16 | u16::from(value) << 8);
            }
        }
        Some(())
    }

    /// Takes a coefficient's difference to the one before (F.2.2.1). `None`: no code.
    #[inline(always)]
    pub(super) fn value(&self, bits: &mut Bits<'_>) -> Option<i32> {
        bits.fill();
        let entry = self.entries[bits.peek(DC_BITS)];
        let (length, size) = if entry != 0 {
            (u32::from(entry & 0xff), u32::from(entry >> 8))
        } else {
            let (length, value) = self.code.find(bits.peek(16) as u32)?;
            (length, u32::from(value))
        };
        if size == 0 || size > 15 {
            bits.take(length);
            return (size == 0).then_some(0);
        }
        bits.take(length);
        let raw = bits.peek(size) as i32;
        bits.take(size);
        let is_negative = raw < 1 << (size - 1);
        Some(if is_negative { raw - (1 << size) + 1 } else { raw })
    }
}

/// Codes of AC coefficients.
#[derive(Debug)]
pub(super) struct AcCoder {
    code: Code,
    /// Bits to take (5), whether the block ends (1), coefficients passed (10); 0: no code that short.
    entries: Vec<u16>,
}

impl AcCoder {
    pub(super) fn new() -> AcCoder {
        AcCoder {
            code: Code::new(),
            entries: vec![0; 1 << AC_BITS],
        }
    }

    /// Bytes that [`new`](AcCoder::new) allocates.
    pub(super) const fn footprint() -> usize {
        size_of::<u16>() << AC_BITS
    }

    /// Takes the table; `None`: it is none.
    pub(super) fn load(&mut self, table: &[u8]) -> Option<()> {
        if self.code.load(table)? {
            for (window, entry) in self.entries.iter_mut().enumerate() {
                *entry = several(&self.code, window as u32);
            }
        }
        Some(())
    }

    /// Passes over the AC coefficients of a block. `None`: no code, or more than a block has.
    #[inline(always)]
    pub(super) fn pass(&self, bits: &mut Bits<'_>) -> Option<()> {
        let mut next = 1;
        while next < BLOCK {
            bits.fill();
            let entry = u32::from(self.entries[bits.peek(AC_BITS)]);
            let after = next + (entry >> 6);
            if entry == 0 || after >= BLOCK {
                next = self.pass_one(bits, next)?;
                continue;
            }
            bits.take(entry & 31);
            if entry & 32 != 0 {
                return Some(());
            }
            next = after;
        }
        (next == BLOCK).then_some(())
    }

    /// The coefficient after this one: for long codes and at the end of a block, where an entry may reach into the next.
    #[inline(never)]
    fn pass_one(&self, bits: &mut Bits<'_>, next: u32) -> Option<u32> {
        let (length, value) = self.code.find(bits.peek(16) as u32)?;
        let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
        bits.take(length + size);
        match (run, size) {
            (0, 0) => Some(BLOCK),
            (1..15, 0) => None,
            _ => Some(next + run + 1),
        }
    }
}

/// What is made of a window: whole coefficients as long as their codes lie within it.
fn several(code: &Code, window: u32) -> u16 {
    let (mut taken, mut passed, mut is_end) = (0, 0, false);
    while taken < AC_BITS && passed < BLOCK && !is_end {
        let rest = (window << (16 - AC_BITS) << taken) & 0xffff;
        let found = code.find(rest).filter(|(length, _)| taken + length <= AC_BITS);
        let Some((length, value)) = found else { break };
        let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
        is_end = value == 0;
        if size == 0 && run != 15 && !is_end {
            break;
        }
        taken += length + size;
        passed += if is_end { 0 } else { run + 1 };
    }
    (taken | u32::from(is_end) << 5 | passed << 6) as u16
}
