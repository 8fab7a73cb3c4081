//! A file or standard input, read forward through one bounded buffer; knows its name and where it stands for errors.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::os::fd::AsFd;
use std::path::Path;

use crate::frame::SourceError;
use crate::limits::CLIP_BUFFER_BYTES;
use crate::limits::CLIP_HEADER_BYTES_MAX;

/// Bytes of a clip, in order. Holds one buffer of [`CLIP_BUFFER_BYTES`]; wants beyond that go past it.
pub(crate) struct Input {
    name: String,
    file: File,
    seekable: bool,
    buffer: Box<[u8]>,
    /// What is buffered and not yet taken.
    start: usize,
    end: usize,
    /// Where `start` stands in the file.
    offset: u64,
}

impl Input {
    /// Opens `path`; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<Input, SourceError> {
        let stdin = path.as_os_str() == "-";
        let name = if stdin {
            "standard input".into()
        } else {
            path.display().to_string()
        };
        let file = if stdin {
            // A second handle: std's own would copy every byte through a small buffer.
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        let file = file.map_err(|cause| not_opened(&name, cause))?;
        Ok(Input {
            name,
            file,
            seekable: !stdin,
            buffer: vec![0; CLIP_BUFFER_BYTES].into(),
            start: 0,
            end: 0,
            offset: 0,
        })
    }

    /// Goes on with another file, in the same buffer.
    pub(crate) fn reopen(&mut self, path: &Path) -> Result<(), SourceError> {
        self.name = path.display().to_string();
        self.file = File::open(path).map_err(|cause| not_opened(&self.name, cause))?;
        (self.start, self.end, self.offset) = (0, 0, 0);
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes taken so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn seekable(&self) -> bool {
        self.seekable
    }

    pub(crate) fn footprint(&self) -> usize {
        self.buffer.len()
    }

    /// The next bytes, not taken: at least `min` (at most the buffer's size) unless the file ends before.
    pub(crate) fn peek(&mut self, min: usize) -> Result<&[u8], SourceError> {
        assert!(min <= self.buffer.len());
        if self.end - self.start < min {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            while self.end < min {
                match read(&mut self.file, &mut self.buffer[self.end..]).map_err(|cause| self.broken(cause))? {
                    0 => break,
                    n => self.end += n,
                }
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Takes `count` of the bytes that were just peeked at.
    pub(crate) fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Takes one line, without its end.
    pub(crate) fn line(&mut self) -> Result<String, SourceError> {
        let here = self.peek(CLIP_HEADER_BYTES_MAX)?;
        let here = &here[..here.len().min(CLIP_HEADER_BYTES_MAX)];
        let line = here.iter().position(|&b| b == b'\n').map(|end| here[..end].to_vec());
        let line = line.ok_or_else(|| self.damaged("there should be a header line here"))?;
        self.consume(line.len() + 1);
        String::from_utf8(line).map_err(|_| self.damaged("this header line is no text"))
    }

    /// Takes bytes into `into`; fewer than its length only at the end of the file.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, SourceError> {
        let buffered = (self.end - self.start).min(into.len());
        into[..buffered].copy_from_slice(&self.buffer[self.start..self.start + buffered]);
        self.consume(buffered);
        let mut done = buffered;
        while done < into.len() {
            // The buffer is empty here: what is read past it follows on.
            match read(&mut self.file, &mut into[done..]).map_err(|cause| self.broken(cause))? {
                0 => break,
                n => done += n,
            }
        }
        self.offset += (done - buffered) as u64;
        Ok(done)
    }

    /// Passes over `count` bytes; false when the file ends before. Reads them, so that an absurd count ends with the file.
    pub(crate) fn skip(&mut self, count: u64) -> Result<bool, SourceError> {
        let mut left = count;
        while left > 0 {
            let there = self.peek(1)?.len() as u64;
            if there == 0 {
                return Ok(false);
            }
            let step = there.min(left);
            self.consume(step as usize);
            left -= step;
        }
        Ok(true)
    }

    /// Stands at `offset`, at or before where it was. Only for what is [`seekable`](Input::seekable).
    pub(crate) fn rewind(&mut self, offset: u64) -> Result<(), SourceError> {
        self.file.seek(SeekFrom::Start(offset)).map_err(|cause| self.broken(cause))?;
        (self.start, self.end, self.offset) = (0, 0, offset);
        Ok(())
    }

    /// The error that something is wrong with the bytes here.
    pub(crate) fn damaged(&self, why: impl Into<String>) -> SourceError {
        self.damaged_at(self.offset, why)
    }

    /// The error that something is wrong with the bytes at `offset`.
    pub(crate) fn damaged_at(&self, offset: u64, why: impl Into<String>) -> SourceError {
        SourceError::Damaged {
            what: self.name.clone(),
            offset,
            why: why.into(),
        }
    }

    /// The error that the clip is of a kind that is not played.
    pub(crate) fn unsupported(&self, why: impl Into<String>) -> SourceError {
        SourceError::Unsupported {
            what: self.name.clone(),
            why: why.into(),
        }
    }

    fn broken(&self, cause: io::Error) -> SourceError {
        SourceError::Io {
            what: self.name.clone(),
            doing: "reading",
            cause,
        }
    }
}

fn read(file: &mut File, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(into) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn not_opened(name: &str, cause: io::Error) -> SourceError {
    SourceError::Io {
        what: name.to_owned(),
        doing: "opening",
        cause,
    }
}
