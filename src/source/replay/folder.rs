//! A folder of pictures, JPEG or PGM (P5), in the order of their names.

use std::path::Path;
use std::path::PathBuf;

use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::frame::SourceError;
use crate::limits::CLIP_FILES_MAX;
use crate::limits::CLIP_HEADER_BYTES_MAX;
use crate::source::check_size;
use crate::source::jpeg_bytes_max;
use crate::source::pace::Rate;
use crate::source::pace::Taken;
use crate::source::replay::Pictures;
use crate::source::replay::input::Input;
use crate::source::replay::jpeg;
use crate::source::replay::jpeg::Scan;
use crate::source::same_size;

/// The pictures of a folder.
pub(crate) struct Folder {
    folder: PathBuf,
    /// Names, sorted.
    names: Vec<Box<str>>,
    next: usize,
    input: Input,
    format: FrameFormat,
}

impl Folder {
    /// Lists `folder` and looks at its first picture.
    pub(crate) fn open(folder: &Path, rate: Rate) -> Result<Folder, SourceError> {
        let names = list(folder)?;
        let Some(first) = names.first() else {
            return Err(unsupported(
                folder,
                "there is no picture in this folder; .jpg, .jpeg and .pgm are played",
            ));
        };
        let mut input = Input::open(&folder.join(&**first))?;
        let (pixel, width, height) = look(&mut input)?;
        check_size(width, height).map_err(|why| input.unsupported(why))?;
        Ok(Folder {
            folder: folder.to_owned(),
            names,
            next: 0,
            input,
            format: FrameFormat::packed(pixel, width, height, rate.interval()),
        })
    }

    /// The picture that `input` stands at the beginning of.
    fn picture(&mut self, into: &mut Vec<u8>) -> Result<Taken, SourceError> {
        let pgm = self.input.peek(2)?.starts_with(b"P5");
        if pgm != (self.format.pixel == PixelFormat::Grey) {
            return Err(self.input.damaged("this picture is of another kind than those before (JPEG, PGM)"));
        }
        if !pgm {
            return self.jpeg(into);
        }
        let size = pgm_header(&mut self.input)?;
        same_size(self.format, size).map_err(|why| self.input.damaged_at(0, why))?;
        into.resize(self.format.luma_bytes(), 0);
        let whole = self.input.read(into)? == into.len();
        Ok(if whole { Taken::Whole } else { Taken::Corrupt })
    }

    fn jpeg(&mut self, into: &mut Vec<u8>) -> Result<Taken, SourceError> {
        match jpeg::take_picture(&mut self.input, jpeg_bytes_max(Some(self.format)), into)? {
            Scan::End | Scan::Broken => Ok(Taken::Corrupt),
            Scan::Picture(size) => {
                same_size(self.format, size).map_err(|why| self.input.damaged_at(0, why))?;
                Ok(Taken::Whole)
            }
        }
    }
}

impl Pictures for Folder {
    fn input(&self) -> &Input {
        &self.input
    }

    fn format(&self) -> FrameFormat {
        self.format
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<Taken, SourceError> {
        let Some(name) = self.names.get(self.next) else {
            return Ok(Taken::End);
        };
        self.next += 1;
        self.input.reopen(&self.folder.join(&**name))?;
        self.picture(into)
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.next = 0;
        Ok(())
    }

    fn footprint(&self) -> usize {
        let names: usize = self.names.iter().map(|name| name.len() + size_of::<Box<str>>()).sum();
        self.input.footprint() + names
    }
}

/// Names of the pictures in `folder`, sorted; what is none of ours is left out.
fn list(folder: &Path) -> Result<Vec<Box<str>>, SourceError> {
    let io = |cause| SourceError::Io {
        what: folder.display().to_string(),
        doing: "listing",
        cause,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let Some(name) = name.to_str().filter(|name| is_picture(name)) else {
            continue;
        };
        if names.len() == CLIP_FILES_MAX {
            return Err(unsupported(folder, format!("more than {CLIP_FILES_MAX} pictures in one folder")));
        }
        names.push(name.into());
    }
    names.sort_unstable();
    Ok(names)
}

fn is_picture(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    !name.starts_with('.') && ["jpg", "jpeg", "pgm"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Kind and size of the picture that `input` stands at the beginning of.
fn look(input: &mut Input) -> Result<(PixelFormat, u32, u32), SourceError> {
    if input.peek(2)?.starts_with(b"P5") {
        let (width, height) = pgm_header(input)?;
        return Ok((PixelFormat::Grey, width, height));
    }
    match jpeg::take_picture(input, jpeg_bytes_max(None), &mut Vec::new())? {
        Scan::Picture((width, height)) => Ok((PixelFormat::Mjpeg, width, height)),
        Scan::End | Scan::Broken => Err(input.damaged_at(0, "this is neither a whole JPEG nor a binary PGM (P5)")),
    }
}

/// Takes a PGM header (`P5 width height 255`, white space and comments between) up to the first sample.
fn pgm_header(input: &mut Input) -> Result<jpeg::Size, SourceError> {
    let mut numbers = [0_u32; 3];
    let mut at = 2;
    let here = input.peek(CLIP_HEADER_BYTES_MAX)?;
    for number in &mut numbers {
        at = number_begin(here, at);
        let digits = here[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let text = str::from_utf8(&here[at..at + digits]).unwrap_or_default();
        *number = text.parse().unwrap_or(0);
        at += digits;
    }
    let ends_well = here.get(at).is_some_and(u8::is_ascii_whitespace);
    let [width, height, white] = numbers;
    if width == 0 || height == 0 || !(1..=255).contains(&white) || !ends_well {
        return Err(input.damaged("this is no header of an 8-bit binary PGM (P5 width height 255)"));
    }
    input.consume(at + 1);
    Ok((width, height))
}

/// Where the next number begins: behind white space, and comments up to the end of their lines.
fn number_begin(here: &[u8], mut at: usize) -> usize {
    let mut comment = false;
    while let Some(&byte) = here.get(at) {
        comment = byte != b'\n' && (comment || byte == b'#');
        if !comment && !byte.is_ascii_whitespace() {
            break;
        }
        at += 1;
    }
    at
}

fn unsupported(folder: &Path, why: impl Into<String>) -> SourceError {
    SourceError::Unsupported {
        what: folder.display().to_string(),
        why: why.into(),
    }
}
