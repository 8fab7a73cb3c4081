//! Concatenated JPEG pictures, as `ffmpeg -f mjpeg` and many cameras write them; one picture alone is such a clip too.

use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::frame::SourceError;
use crate::source::check_size;
use crate::source::jpeg_bytes_max;
use crate::source::pace::Rate;
use crate::source::pace::Taken;
use crate::source::replay::Pictures;
use crate::source::replay::input::Input;
use crate::source::replay::jpeg;
use crate::source::replay::jpeg::Scan;
use crate::source::same_size;

/// The pictures of an MJPEG stream.
pub(crate) struct Mjpeg {
    input: Input,
    format: FrameFormat,
    /// The first picture, read to learn the size.
    first: Option<Vec<u8>>,
}

impl Mjpeg {
    /// Reads the first picture; the stream itself names no rate.
    pub(crate) fn open(mut input: Input, rate: Rate) -> Result<Mjpeg, SourceError> {
        let mut first = Vec::new();
        let scan = jpeg::take_picture(&mut input, jpeg_bytes_max(None), &mut first)?;
        let Scan::Picture((width, height)) = scan else {
            return Err(input.damaged("the first picture is not whole"));
        };
        check_size(width, height).map_err(|why| input.unsupported(why))?;
        Ok(Mjpeg {
            format: FrameFormat::packed(PixelFormat::Mjpeg, width, height, rate.interval()),
            first: Some(first),
            input,
        })
    }
}

impl Pictures for Mjpeg {
    fn input(&self) -> &Input {
        &self.input
    }

    fn format(&self) -> FrameFormat {
        self.format
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<Taken, SourceError> {
        if let Some(first) = self.first.take() {
            into.clear();
            into.extend_from_slice(&first);
            return Ok(Taken::Whole);
        }
        match jpeg::take_picture(&mut self.input, jpeg_bytes_max(Some(self.format)), into)? {
            Scan::End => Ok(Taken::End),
            Scan::Broken => Ok(Taken::Corrupt),
            Scan::Picture(size) => {
                let at = self.input.offset() - into.len() as u64;
                same_size(self.format, size).map_err(|why| self.input.damaged_at(at, why))?;
                Ok(Taken::Whole)
            }
        }
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.first = None;
        self.input.rewind(0)
    }
}
