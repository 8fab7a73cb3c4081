//! Real footage with truth, beside the project and of Debian's `opencv-doc`.

use std::path::Path;
use std::process::Command;

use super::Clip;
use super::FOLDER;
use super::score::Stretch;

/// Somebody comes, six times, into a room that is empty in between.
const ONE_BY_ONE: &str = "../shared/data/one-by-one-person-detection.mp4";
const ONE_BY_ONE_VISITS: &str = "../shared/data/one-by-one-events.csv";
/// A tree in the wind, of a camera that gives two pictures a second, each of which is shown until the next; in the end somebody's hand.
const TREE: (&str, Stretch) = (".cache/footage/tree.avi", (346, 448));
/// A square in which people walk about all the time.
const SQUARE: (&str, Stretch) = (".cache/footage/vtest.avi", (0, 794));

/// Those that are there, with names; none without `ffmpeg`.
pub(super) fn clips() -> Vec<(&'static str, Clip)> {
    let one_by_one = std::fs::read_to_string(ONE_BY_ONE_VISITS).unwrap_or_default();
    let line = |line: &str| {
        let mut fields = line.split(',');
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let all = [
        ("one by one", ONE_BY_ONE, one_by_one.lines().filter_map(line).collect(), 10),
        ("tree", TREE.0, vec![TREE.1], 15),
        ("square", SQUARE.0, vec![SQUARE.1], 10),
    ];
    let clips = all
        .into_iter()
        .map(|(name, path, visits, fps)| Some((name, clip(path, visits, fps)?)));
    clips.flatten().collect()
}

/// The footage as YUV4MPEG2.
fn clip(footage: &str, visits: Vec<Stretch>, fps: u32) -> Option<Clip> {
    let path = Path::new(FOLDER).join(Path::new(footage).file_name()?).with_extension("y4m");
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-i", footage, "-pix_fmt", "gray", "-strict", "-1"])
        .arg(&path)
        .status();
    if !made.ok()?.success() {
        eprintln!("quality: {footage} is not there, and is left out");
        return None;
    }
    let frames = super::pictures(&path).1.len() as u64;
    Some(Clip {
        path,
        packed: None,
        visits,
        frames,
        fps,
    })
}
