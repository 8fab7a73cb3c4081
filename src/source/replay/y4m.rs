//! YUV4MPEG2: a header line, then `FRAME` lines each followed by planes, as ffmpeg's `yuv4mpegpipe` writes it.
//! Format: <https://wiki.multimedia.cx/index.php/YUV4MPEG2>.

use std::str::FromStr;

use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::frame::SourceError;
use crate::source::check_size;
use crate::source::pace::Rate;
use crate::source::pace::Taken;
use crate::source::replay::Pictures;
use crate::source::replay::input::Input;

/// First bytes of such a file.
pub(crate) const MAGIC: &[u8] = b"YUV4MPEG2";

/// The pictures of a YUV4MPEG2 stream.
pub(crate) struct Y4m {
    input: Input,
    format: FrameFormat,
    /// Where the first `FRAME` stands.
    first: u64,
    /// Bytes after the luma plane that are handed out, and those that are passed over.
    chroma_kept: usize,
    chroma_passed: u64,
}

/// What the header line says.
struct Header {
    width: u32,
    height: u32,
    rate: Option<Rate>,
    chroma: Chroma,
}

/// How many chroma samples belong to a picture.
#[derive(Clone, Copy)]
enum Chroma {
    Mono,
    /// Halved across and down.
    C420,
    /// Halved across.
    C422,
    /// A quarter across.
    C411,
    C444,
    /// With a plane of transparency.
    C444Alpha,
}

impl Y4m {
    /// Reads the header line; `rate` overrides what it says.
    pub(crate) fn open(mut input: Input, rate: Option<Rate>) -> Result<(Y4m, Rate), SourceError> {
        let line = input.line()?;
        let header = parse(&line).map_err(|why| input.damaged_at(0, why))?;
        check_size(header.width, header.height).map_err(|why| input.unsupported(why))?;
        let rate = rate.or(header.rate);
        let rate = rate.ok_or_else(|| input.damaged_at(0, "the header names no usable frame rate (F); give one with fps="))?;
        let (pixel, chroma_kept, chroma_passed) = header.layout();
        let y4m = Y4m {
            first: input.offset(),
            format: FrameFormat::packed(pixel, header.width, header.height, rate.interval()),
            chroma_kept,
            chroma_passed,
            input,
        };
        Ok((y4m, rate))
    }
}

impl Header {
    /// What is handed out, and the chroma bytes kept and passed over. Only luma is looked at, so other chroma than
    /// 4:2:0 is left out; and 4:2:0 with odd sides too, whose halved planes `PixelFormat::Yu12` does not describe.
    fn layout(&self) -> (PixelFormat, usize, u64) {
        let bytes = self.chroma.bytes(u64::from(self.width), u64::from(self.height));
        let even = self.width.is_multiple_of(2) && self.height.is_multiple_of(2);
        match self.chroma {
            Chroma::C420 if even => (PixelFormat::Yu12, bytes as usize, 0),
            _ => (PixelFormat::Grey, 0, bytes),
        }
    }
}

impl Chroma {
    fn parse(name: &str) -> Option<Chroma> {
        Some(match name {
            "420" | "420jpeg" | "420paldv" | "420mpeg2" => Chroma::C420,
            "422" => Chroma::C422,
            "411" => Chroma::C411,
            "444" => Chroma::C444,
            "444alpha" => Chroma::C444Alpha,
            "mono" => Chroma::Mono,
            _ => return None,
        })
    }

    /// Bytes after the luma plane.
    fn bytes(self, width: u64, height: u64) -> u64 {
        match self {
            Chroma::Mono => 0,
            Chroma::C420 => 2 * width.div_ceil(2) * height.div_ceil(2),
            Chroma::C422 => 2 * width.div_ceil(2) * height,
            Chroma::C411 => 2 * width.div_ceil(4) * height,
            Chroma::C444 => 2 * width * height,
            Chroma::C444Alpha => 3 * width * height,
        }
    }
}

impl Pictures for Y4m {
    fn input(&self) -> &Input {
        &self.input
    }

    fn format(&self) -> FrameFormat {
        self.format
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<Taken, SourceError> {
        let here = self.input.peek(6)?;
        if here.is_empty() {
            return Ok(Taken::End);
        }
        if here.len() < 6 {
            self.input.skip(6)?;
            return Ok(Taken::Corrupt);
        }
        if !here.starts_with(b"FRAME") {
            return Err(self.input.damaged("there should be a FRAME here"));
        }
        if here[5] == b'\n' {
            self.input.consume(6);
        } else {
            self.input.line()?;
        }
        into.resize(self.format.luma_bytes() + self.chroma_kept, 0);
        let whole = self.input.read(into)? == into.len() && self.input.skip(self.chroma_passed)?;
        Ok(if whole { Taken::Whole } else { Taken::Corrupt })
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.input.rewind(self.first)
    }
}

/// Reads a header line; says what is wrong with it.
fn parse(line: &str) -> Result<Header, String> {
    let (mut width, mut height, mut rate, mut chroma) = (None, None, None, Chroma::C420);
    for word in line.split(' ').skip(1).filter(|word| !word.is_empty()) {
        let Some((tag, value)) = word.split_at_checked(1) else {
            return Err(format!("the header holds {word:?}"));
        };
        match tag {
            "W" => width = Some(number(tag, value)?),
            "H" => height = Some(number(tag, value)?),
            "F" => rate = parse_rate(value)?,
            "C" => chroma = Chroma::parse(value).ok_or_else(|| unknown_chroma(value))?,
            _ => {} // interlacing, pixel aspect, comments
        }
    }
    Ok(Header {
        width: width.ok_or("the header names no width (W)")?,
        height: height.ok_or("the header names no height (H)")?,
        rate,
        chroma,
    })
}

/// `F25:1`; 0:0 is the format's word for unknown.
fn parse_rate(value: &str) -> Result<Option<Rate>, String> {
    let (frames, seconds) = value.split_once(':').ok_or_else(|| format!("frame rate F{value} is no fraction"))?;
    let (frames, seconds) = (number("F", frames)?, number("F", seconds)?);
    match Rate::new(frames, seconds) {
        None if (frames, seconds) != (0, 0) => Err(format!("frame rate F{value} is not between 1 a minute and the highest")),
        rate => Ok(rate),
    }
}

fn number(tag: &str, value: &str) -> Result<u32, String> {
    u32::from_str(value).map_err(|_| format!("the header's {tag}{value} is no number"))
}

fn unknown_chroma(value: &str) -> String {
    format!("chroma C{value} is not understood; 8-bit 420, 422, 411, 444 and mono are (ffmpeg: -pix_fmt yuv420p)")
}
