//! The cameras that ship, each a [`FrameSource`]: which one is meant ([`Spec`]), opening it once ([`open`]), and never
//! giving it up ([`camera`]).

pub mod camera;
pub mod pace;
pub mod recording;
pub mod replay;
pub mod scene;
pub mod v4l2;

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::frame::FrameFormat;
use crate::frame::FrameSource;
use crate::frame::PixelFormat;
use crate::frame::SourceError;
use crate::limits::CLIP_BUFFER_BYTES;
use crate::limits::FRAME_HEIGHT_MAX;
use crate::limits::FRAME_RATE_MAX;
use crate::limits::FRAME_SIDE_MIN;
use crate::limits::FRAME_WIDTH_MAX;
use crate::limits::JPEG_BYTES_PER_PIXEL_MAX;
use crate::source::pace::Pace;
use crate::source::pace::Stand;
use crate::trigger::TriggerSource;
use crate::trigger::scripted;

/// Which camera, or what stands for one. As text: `auto`, `v4l2:/dev/video0`, `replay:FILE[,loop][,fps=N]`,
/// `scene[:key=value[,key=value...]]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// The first V4L2 camera that opens, else the scene.
    Auto,
    /// A V4L2 camera.
    V4l2 {
        /// Device file.
        device: PathBuf,
    },
    /// A clip.
    Replay(replay::Spec),
    /// A rendered scene.
    Scene(scene::Spec),
}

impl Spec {
    /// The form, in words.
    pub const FORM: &'static str = r#""auto", "v4l2:DEVICE", "replay:FILE[,loop][,fps=N]" or "scene[:key=value,...]""#;
}

/// What a user may set of the camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which one.
    pub spec: Spec,
    /// Pixels a row that are asked for; a camera may give others, a clip gives its own.
    pub width: u32,
    /// Rows, likewise.
    pub height: u32,
    /// Frames a second, likewise.
    pub fps: u32,
    /// Byte layout; `None`: the cheapest that the camera has.
    pub pixel: Option<PixelFormat>,
    /// Time without a frame after which a camera counts as lost.
    pub stall: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            spec: Spec::Auto,
            width: 640,
            height: 480,
            fps: 10,
            pixel: None,
            stall: Duration::from_secs(3),
        }
    }
}

impl Settings {
    /// Width and height of the picture that memory is reserved for: a scene's own, else what is asked of the camera.
    pub fn picture(&self) -> (u32, u32) {
        match &self.spec {
            Spec::Scene(scene) => (scene.width.unwrap_or(self.width), scene.height.unwrap_or(self.height)),
            Spec::Auto | Spec::V4l2 { .. } | Spec::Replay(_) => (self.width, self.height),
        }
    }
}

/// An open source.
pub struct Opened {
    /// Its pictures.
    pub frames: Box<dyn FrameSource>,
    /// The edges that come with them: of a scene or a recording.
    pub edges: Option<Box<dyn TriggerSource>>,
}

/// Opens a source once, beginning now.
pub fn open(settings: &Settings, pace: Pace, clock: Arc<dyn Clock>) -> Result<Opened, SourceError> {
    let (line, scripted) = scripted::line();
    let (frames, with_edges) = open_at(settings, Stand::new(pace, clock, line))?;
    let edges = with_edges.then(|| Box::new(scripted) as Box<dyn TriggerSource>);
    Ok(Opened { frames, edges })
}

/// Bytes that a source holds at most, for the ledger: kernel buffers of a camera in the dearest layout, or the buffers of
/// what is played. A clip larger than the settings' picture is accounted for once it is open (`FrameSource::footprint`).
pub fn footprint(settings: &Settings) -> usize {
    let pixels = settings.width as usize * settings.height as usize;
    let camera = v4l2::footprint_of(settings.width, settings.height);
    let clip = CLIP_BUFFER_BYTES + pixels * JPEG_BYTES_PER_PIXEL_MAX;
    let scene = scene::footprint(settings);
    scripted::footprint()
        + match &settings.spec {
            Spec::Auto => camera.max(scene),
            Spec::V4l2 { .. } => camera,
            Spec::Replay(_) => clip,
            Spec::Scene(_) => scene,
        }
}

/// Opens a source; says too whether edges come with it, into the stand's line.
fn open_at(settings: &Settings, stand: Stand) -> Result<(Box<dyn FrameSource>, bool), SourceError> {
    match &settings.spec {
        Spec::V4l2 { device } => Ok((open_v4l2(settings, device, stand.clock)?, false)),
        Spec::Replay(spec) => {
            let pace = stand.pace;
            let (player, with_edges) = replay::open(spec, settings.fps, stand)?;
            if pace == Pace::Recorded {
                check_reserved(settings, player.format(), spec)?;
            }
            Ok((Box::new(player), with_edges))
        }
        Spec::Scene(spec) => Ok((Box::new(scene::open(spec, settings, stand)?), spec.script.brings_edges())),
        Spec::Auto => {
            let spec = resolve(settings, &stand.clock);
            open_at(&Settings { spec, ..settings.clone() }, stand)
        }
    }
}

/// Whether a clip that plays in a camera's place fits into the memory that was reserved for the camera.
fn check_reserved(settings: &Settings, format: FrameFormat, clip: &replay::Spec) -> Result<(), SourceError> {
    let (width, height) = settings.picture();
    let fits = format.luma_bytes() <= width as usize * height as usize;
    fits.then_some(()).ok_or_else(|| SourceError::Unsupported {
        what: clip.path.display().to_string(),
        why: format!(
            "its pictures of {}x{} are larger than {width}x{height}, which memory is reserved for: set camera.width and camera.height",
            format.width, format.height
        ),
    })
}

fn open_v4l2(settings: &Settings, device: &Path, clock: Arc<dyn Clock>) -> Result<Box<dyn FrameSource>, SourceError> {
    let request = v4l2::Request {
        device: device.to_owned(),
        width: settings.width,
        height: settings.height,
        fps: settings.fps as f32,
        pixel: settings.pixel,
        stall: settings.stall,
    };
    Ok(Box::new(v4l2::V4l2::open(&request, clock)?))
}

/// What `auto` means on this machine now: the V4L2 device with the lowest number that opens, else the scene.
/// Any other spec means itself.
fn resolve(settings: &Settings, clock: &Arc<dyn Clock>) -> Spec {
    if settings.spec != Spec::Auto {
        return settings.spec.clone();
    }
    let device = v4l2::devices()
        .into_iter()
        .find(|device| open_v4l2(settings, device, clock.clone()).is_ok());
    device.map_or_else(|| Spec::Scene(scene::Spec::default()), |device| Spec::V4l2 { device })
}

/// Whether a picture's size is one that is accepted; in words if not.
fn check_size(width: u32, height: u32) -> Result<(), String> {
    let least = FRAME_SIDE_MIN;
    let fits = (least..=FRAME_WIDTH_MAX).contains(&width) && (least..=FRAME_HEIGHT_MAX).contains(&height);
    fits.then_some(())
        .ok_or_else(|| format!("a picture of {width}x{height}; {least}x{least} to {FRAME_WIDTH_MAX}x{FRAME_HEIGHT_MAX} are accepted"))
}

/// Whether a picture has the size that its source began with; in words if not.
fn same_size(format: FrameFormat, (width, height): (u32, u32)) -> Result<(), String> {
    let same = (width, height) == (format.width, format.height);
    same.then_some(())
        .ok_or_else(|| format!("a picture of {width}x{height} after {}x{}", format.width, format.height))
}

/// Longest JPEG accepted, in bytes: of pictures like `format`, or of any.
fn jpeg_bytes_max(format: Option<FrameFormat>) -> usize {
    let largest = FRAME_WIDTH_MAX as usize * FRAME_HEIGHT_MAX as usize;
    format.map_or(largest, |format| format.luma_bytes()) * JPEG_BYTES_PER_PIXEL_MAX
}

/// Most bytes of a frame with unpadded rows, chroma planes rounded up.
fn frame_bytes_max(format: FrameFormat) -> usize {
    let (width, height) = (format.width as usize, format.height as usize);
    match format.pixel {
        PixelFormat::Grey => width * height,
        PixelFormat::Nv12 | PixelFormat::Yu12 => width * height + 2 * width.div_ceil(2) * height.div_ceil(2),
        PixelFormat::Yuyv | PixelFormat::Uyvy => 2 * width * height,
        PixelFormat::Mjpeg => jpeg_bytes_max(Some(format)),
    }
}

/// A source's text that is not understood; says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("source {text:?}: {why}")]
pub struct SpecError {
    /// What was given.
    pub text: String,
    /// What is wrong with it, and what is allowed.
    pub why: String,
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Spec, SpecError> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let spec = match kind {
            "auto" if rest.is_empty() => Ok(Spec::Auto),
            "v4l2" if !rest.is_empty() => Ok(Spec::V4l2 { device: rest.into() }),
            "replay" if !rest.is_empty() => parse_replay(rest),
            "scene" => rest.parse().map(Spec::Scene),
            _ => Err("allowed are auto, v4l2:/dev/videoN, replay:FILE[,loop][,fps=N], scene[:key=value,...]".to_owned()),
        };
        spec.map_err(|why| SpecError { text: text.into(), why })
    }
}

/// The options stand last, since a file's name may hold commas.
fn parse_replay(text: &str) -> Result<Spec, String> {
    let (mut path, mut looped, mut fps) = (text, false, None);
    while let Some((before, option)) = path.rsplit_once(',') {
        if option == "loop" {
            looped = true;
        } else if let Some(value) = option.strip_prefix("fps=") {
            let rate = value.parse().ok().filter(|rate| (1..=FRAME_RATE_MAX).contains(rate));
            fps = Some(rate.ok_or_else(|| format!("fps={value} is not a whole number from 1 to {FRAME_RATE_MAX}"))?);
        } else {
            break;
        }
        path = before;
    }
    let path = path.into();
    Ok(Spec::Replay(replay::Spec { path, looped, fps }))
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Auto => f.write_str("auto"),
            Spec::V4l2 { device } => write!(f, "v4l2:{}", device.display()),
            Spec::Scene(spec) => write!(f, "scene{spec}"),
            Spec::Replay(spec) => {
                let looped = if spec.looped { ",loop" } else { "" };
                let fps = spec.fps.map_or_else(String::new, |fps| format!(",fps={fps}"));
                write!(f, "replay:{}{looped}{fps}", spec.path.display())
            }
        }
    }
}
