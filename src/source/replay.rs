//! A clip in place of a camera: YUV4MPEG2, MJPEG, AVI, a folder of pictures, or a recording; which of them, its first bytes
//! say. How fast it goes is the matter of [`pace`](crate::source::pace), the formats are in `replay/` and `recording`.

pub(crate) mod input;
mod avi;
mod folder;
mod jpeg;
mod mjpeg;
mod y4m;

use std::path::PathBuf;
use std::time::Duration;

use crate::frame::FrameFormat;
use crate::frame::SourceError;
use crate::source::frame_bytes_max;
use crate::source::pace::Item;
use crate::source::pace::Kind;
use crate::source::pace::Player;
use crate::source::pace::Rate;
use crate::source::pace::Reel;
use crate::source::pace::Stand;
use crate::source::pace::Taken;
use crate::source::recording;
use crate::source::replay::input::Input;

/// Which clip, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// File or folder; `-` is standard input. A pipe that gives nothing is waited for without end.
    pub path: PathBuf,
    /// Begin again at the end; numbers and times go on.
    pub looped: bool,
    /// Frames a second, instead of what the clip says; `None`: what it says, else the settings' rate.
    pub fps: Option<u32>,
}

/// Opens a clip. Also says whether edges come with it.
pub(crate) fn open(spec: &Spec, fallback_fps: u32, stand: Stand) -> Result<(Player, bool), SourceError> {
    let rate = spec.fps.and_then(|fps| Rate::new(fps, 1));
    let fallback = rate.or(Rate::new(fallback_fps, 1));
    let fallback = fallback.ok_or_else(|| unsupported(spec, "the frame rate is not one that is accepted"))?;
    if spec.path.is_dir() {
        let folder = folder::Folder::open(&spec.path, fallback)?;
        return Ok((Player::new(Clip::boxed(folder, fallback), stand, spec.looped), false));
    }
    let mut input = Input::open(&spec.path)?;
    if spec.looped && !input.seekable() {
        return Err(unsupported(spec, "standard input can be played once only, not in a loop"));
    }
    let head = input.peek(16)?;
    let reel: Box<dyn Reel> = if head.starts_with(y4m::MAGIC) {
        let (y4m, rate) = y4m::Y4m::open(input, rate)?;
        Clip::boxed(y4m, rate)
    } else if head.starts_with(&jpeg::SOI) {
        Clip::boxed(mjpeg::Mjpeg::open(input, fallback)?, fallback)
    } else if avi::is_avi(head) {
        let (avi, rate) = avi::Avi::open(input, rate)?;
        Clip::boxed(avi, rate)
    } else if head.starts_with(recording::MAGIC) {
        let reader = recording::Reader::open(input)?;
        return Ok((Player::new(Box::new(reader), stand, spec.looped), true));
    } else {
        let why = "this is neither YUV4MPEG2, MJPEG, AVI with MJPEG nor a recording (ffmpeg -i FILE -f yuv4mpegpipe - makes YUV4MPEG2)";
        return Err(input.unsupported(why));
    };
    Ok((Player::new(reel, stand, spec.looped), false))
}

/// Pictures at a steady rate, one after another.
pub(crate) trait Pictures: Send {
    /// Where they come from.
    fn input(&self) -> &Input;
    /// What they are.
    fn format(&self) -> FrameFormat;
    /// Takes the next one into `into`, which keeps the last one at [`Taken::End`].
    fn read(&mut self, into: &mut Vec<u8>) -> Result<Taken, SourceError>;
    /// Back to the first.
    fn rewind(&mut self) -> Result<(), SourceError>;
    /// Bytes held.
    fn footprint(&self) -> usize {
        self.input().footprint()
    }
}

/// A [`Reel`] of [`Pictures`].
struct Clip<P> {
    pictures: P,
    rate: Rate,
    next: u64,
    picture: Vec<u8>,
}

impl<P: Pictures + 'static> Clip<P> {
    fn boxed(pictures: P, rate: Rate) -> Box<dyn Reel> {
        Box::new(Clip {
            picture: Vec::with_capacity(frame_bytes_max(pictures.format())),
            pictures,
            rate,
            next: 0,
        })
    }
}

impl<P: Pictures> Reel for Clip<P> {
    fn name(&self) -> &str {
        self.pictures.input().name()
    }

    fn format(&self) -> FrameFormat {
        self.pictures.format()
    }

    fn peek(&mut self) -> Result<Item, SourceError> {
        Ok(Item {
            at: self.rate.at(self.next),
            kind: Kind::Frame,
        })
    }

    fn take(&mut self) -> Result<Taken, SourceError> {
        let taken = self.pictures.read(&mut self.picture)?;
        self.next += u64::from(taken != Taken::End);
        Ok(taken)
    }

    fn picture(&mut self) -> &[u8] {
        &self.picture
    }

    fn rewind(&mut self) -> Result<Duration, SourceError> {
        self.pictures.rewind()?;
        Ok(self.rate.at(std::mem::take(&mut self.next)))
    }

    fn footprint(&self) -> usize {
        size_of::<Self>() + self.picture.capacity() + self.pictures.footprint()
    }
}

fn unsupported(spec: &Spec, why: &str) -> SourceError {
    SourceError::Unsupported {
        what: spec.path.display().to_string(),
        why: why.to_owned(),
    }
}
