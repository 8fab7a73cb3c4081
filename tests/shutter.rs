//! Which frames become pictures when nobody looks: those that are better than any before of the same event.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::begun;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::event::model::Phase;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::media;
use lookout::media::Desk;
use lookout::media::Shutter;
use lookout::media::Studio;
use lookout::motion::Score;
use lookout::records::Record;

/// Desk, studio and shutter for small pictures without clips.
struct Room {
    desk: Arc<Desk>,
    studio: Studio,
    shutter: Shutter,
    frames: u64,
    _dir: tempfile::TempDir,
}

impl Room {
    fn new() -> Room {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = media::Settings {
            clips: false,
            ..media::Settings::default()
        };
        let desk = Arc::new(Desk::new(&settings, dir.path()));
        let mut shutter = Shutter::new(desk.clone());
        shutter.open(&format());
        Room {
            studio: Studio::new(desk.clone(), Arc::default(), Arc::new(SystemClock::default())),
            shutter,
            desk,
            frames: 0,
            _dir: dir,
        }
    }

    /// A frame of these pixels with motion of this `score`, a tenth of a second after the one before; event `begins` with it.
    fn frame(&mut self, data: &[u8], score: u16, begins: Option<u32>) {
        let captured = Mono::from_millis(1000 + 100 * self.frames);
        let frame = Frame {
            format: format(),
            number: self.frames,
            captured,
            data,
        };
        self.frames += 1;
        self.shutter.offer(&frame, Score(score));
        if let Some(key) = begins {
            self.shutter.tell(&[begun(key, captured)]);
            self.desk.know(key, key.into());
        }
        self.studio.step();
    }
}

fn format() -> FrameFormat {
    FrameFormat::packed(PixelFormat::Grey, 64, 64, Duration::from_millis(100))
}

#[test]
fn a_frame_is_made_a_picture_of_when_it_is_better_than_any_of_its_event() {
    let mut room = Room::new();
    let flat = vec![90; format().bytes_min()];
    // Scores of frames that follow each other, whether an event begins with one, and how many pictures were made by then.
    let story = [
        (400, Some(1), 1),
        (900, None, 2),
        (880, None, 2),
        (0, None, 2),
        (500, Some(2), 2),
        (600, None, 3),
        (590, None, 3),
        (700, None, 4),
    ];
    for (number, (score, begins, made)) in story.into_iter().enumerate() {
        room.frame(&flat, score, begins);
        assert_eq!(room.desk.counters().made, made, "after frame {number}");
    }
}

#[test]
fn an_event_shows_itself_and_not_the_stronger_one_right_before() {
    let mut room = Room::new();
    let flat = vec![90; format().bytes_min()];
    let rough: Vec<u8> = (0..format().bytes_min()).map(|n| (n * n * 7 + n / 3) as u8).collect();
    room.frame(&rough, 300, Some(1));
    room.frame(&rough, 0, None);
    room.frame(&rough, 900, None); // the newest picture when the second begins
    let first = room.desk.take_saved().expect("a picture of the first");
    room.frame(&flat, 500, Some(2));
    room.frame(&flat, 600, None);
    room.frame(&flat, 0, None);
    let mut end = begun(2, Mono::from_millis(1500));
    if let Record::Change(change) = &mut end {
        change.phase = Phase::End;
    }
    room.shutter.tell(&[end]);
    room.frame(&flat, 0, None);
    let second = std::iter::from_fn(|| room.desk.take_saved())
        .last()
        .expect("a picture of the second");
    assert_eq!((first.id, second.id), (1, 2));
    assert!(
        second.bytes * 2 < first.bytes,
        "{second:?} is not of the flat picture, as {first:?} is of the rough one"
    );
}
