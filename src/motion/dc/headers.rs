//! What the segments before a scan say of it, as far as the means of luma blocks depend on it.

use std::ops::Range;

use crate::limits::JPEG_SEGMENTS_MAX;
use crate::motion::jpeg::STANDARD_TABLES;

/// How a picture lies in its scan.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    /// Widths and heights in pixels, of which the picture has one: those that give as many whole blocks.
    pub(super) size: (Range<usize>, Range<usize>),
    /// Units (MCU) across and down.
    pub(super) units: (usize, usize),
    /// Luma first.
    pub(super) components: heapless::Vec<Component, 3>,
    /// Step of quantisation of luma's DC.
    pub(super) step: i32,
    /// Units between two restart markers; 0: there are none.
    pub(super) restart: usize,
    /// Huffman tables of DC and of AC, by number.
    pub(super) dc: [&'a [u8]; 2],
    pub(super) ac: [&'a [u8]; 2],
    /// The entropy-coded segments.
    pub(super) scan: &'a [u8],
}

/// A component: its blocks in each unit, and the numbers of its tables.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Component {
    id: u8,
    quantisation: usize,
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

impl Component {
    /// Its blocks in each unit, 1 to 4.
    pub(super) fn blocks(&self) -> usize {
        self.across * self.down
    }
}

/// What was read so far.
#[derive(Default)]
struct Found<'a> {
    width: usize,
    height: usize,
    components: heapless::Vec<Component, 3>,
    steps: [i32; 4],
    restart: usize,
    tables: [[&'a [u8]; 2]; 2],
}

impl<'a> Layout<'a> {
    /// Top and left block of luma of each unit, in the order of the scan.
    pub(super) fn units(&self) -> impl Iterator<Item = (usize, usize)> {
        let luma = self.components.first().copied().unwrap_or_default();
        let (across, down) = self.units;
        (0..down).flat_map(move |row| (0..across).map(move |column| (row * luma.down, column * luma.across)))
    }

    /// Step in which the means of luma blocks come, in 256ths of a level: a DC coefficient is eight times the mean.
    pub(crate) fn mean_step(&self) -> u16 {
        u16::try_from(i64::from(self.step) * 256 / 8).unwrap_or(u16::MAX)
    }

    /// Reads the segments of `picture`; `None` when it is not a baseline picture of 8 bits in one scan, with luma as fine as
    /// any component.
    pub(crate) fn parse(picture: &'a [u8]) -> Option<Layout<'a>> {
        let mut found = Found::default();
        found.huffman(&STANDARD_TABLES[6..])?;
        let mut rest = picture.strip_prefix(&[0xff, 0xd8])?;
        for _ in 0..JPEG_SEGMENTS_MAX {
            while rest.starts_with(&[0xff, 0xff]) {
                rest = &rest[1..];
            }
            let [0xff, marker, high, low, ..] = *rest else { return None };
            let length = usize::from(high) << 8 | usize::from(low);
            let segment = rest.get(4..2 + length)?;
            rest = &rest[2 + length..];
            match marker {
                0xc0 | 0xc1 => found.frame(segment)?,
                0xc4 => found.huffman(segment)?,
                0xdb => found.quantisation(segment)?,
                0xdd => found.restart = usize::from(u16::from_be_bytes(*segment.first_chunk()?)),
                0xda => return found.layout(segment, rest),
                0xe0..=0xef | 0xfe => {}
                _ => return None,
            }
        }
        None
    }
}

impl<'a> Found<'a> {
    fn frame(&mut self, segment: &[u8]) -> Option<()> {
        let [8, h1, h0, w1, w0, count, components @ ..] = segment else {
            return None;
        };
        (self.height, self.width) = (
            usize::from(u16::from_be_bytes([*h1, *h0])),
            usize::from(u16::from_be_bytes([*w1, *w0])),
        );
        if !matches!(count, 1 | 3) || components.len() != 3 * usize::from(*count) || !self.components.is_empty() {
            return None;
        }
        for component in components.as_chunks::<3>().0 {
            let [id, sampling, quantisation] = *component;
            let component = Component {
                id,
                quantisation: usize::from(quantisation),
                across: usize::from(sampling >> 4),
                down: usize::from(sampling & 15),
                ..Component::default()
            };
            self.components.push(component).ok()?;
        }
        Some(())
    }

    fn huffman(&mut self, mut segment: &'a [u8]) -> Option<()> {
        while let [kind, table @ ..] = segment {
            let count: usize = table.get(..16)?.iter().map(|count| usize::from(*count)).sum();
            let (table, after) = table.split_at_checked(16 + count)?;
            *self.tables.get_mut(usize::from(kind >> 4))?.get_mut(usize::from(kind & 15))? = table;
            segment = after;
        }
        Some(())
    }

    fn quantisation(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, table @ ..] = segment {
            let wide = usize::from(kind >> 4 != 0);
            let (table, after) = table.split_at_checked(64 << wide)?;
            let first = if wide == 0 {
                i32::from(table[0])
            } else {
                i32::from(u16::from_be_bytes([table[0], table[1]]))
            };
            *self.steps.get_mut(usize::from(kind & 15))? = first;
            segment = after;
        }
        Some(())
    }

    /// The layout, by the scan's header too.
    fn layout(mut self, header: &[u8], scan: &'a [u8]) -> Option<Layout<'a>> {
        let [count, selectors @ ..] = header else { return None };
        let (selectors, rest) = selectors.split_at_checked(2 * usize::from(*count))?;
        if usize::from(*count) != self.components.len() || rest != [0, 63, 0] {
            return None;
        }
        for (component, selector) in self.components.iter_mut().zip(selectors.as_chunks::<2>().0) {
            let [id, tables] = *selector;
            (component.dc, component.ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            let is_sampled = (1..=2).contains(&component.across) && (1..=2).contains(&component.down);
            if id != component.id || component.dc > 1 || component.ac > 1 || !is_sampled {
                return None;
            }
        }
        // Alone in its scan, a component has one block in a unit, whatever its sampling is called.
        if let [luma] = &mut self.components[..] {
            (luma.across, luma.down) = (1, 1);
        }
        let luma = *self.components.first()?;
        let is_finest = |other: &Component| other.across <= luma.across && other.down <= luma.down;
        let step = *self.steps.get(luma.quantisation)?;
        if !self.components.iter().all(is_finest) || step == 0 || self.width == 0 || self.height == 0 {
            return None;
        }
        let blocks = |pixels: usize| pixels / 8 * 8..pixels / 8 * 8 + 8;
        Some(Layout {
            size: (blocks(self.width), blocks(self.height)),
            units: (self.width.div_ceil(8 * luma.across), self.height.div_ceil(8 * luma.down)),
            components: self.components,
            step,
            restart: self.restart,
            dc: self.tables[0],
            ac: self.tables[1],
            scan,
        })
    }
}
