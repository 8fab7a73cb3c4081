//! No clip, however broken, takes a source down: it plays what is whole, counts what is not, or says what is wrong and where.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::clips;
use common::clips::CHROMA_420;
use common::conformance::play;
use lookout::frame::SourceError;
use lookout::source;
use lookout::source::pace::Pace;
use proptest::prelude::*;

/// Whatever is wrong with it: an end or an error that names the file, and a place within it.
fn plays_or_says_why(path: &Path, length: usize) {
    let error = match play(path) {
        Ok((_, _, end)) => end,
        Err(refused) => refused,
    };
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    if let SourceError::Damaged { offset, .. } = error {
        assert!(offset <= length as u64, "{text} of {length} bytes");
    }
}

/// One short clip of each kind that is a single file.
fn short_clips() -> Vec<(&'static str, Vec<u8>)> {
    let dir = tempfile::tempdir().expect("a folder");
    let (recorded, _) = clips::record_scene(dir.path(), "scene:width=64,height=64,visits=0..0..1", 2);
    vec![
        ("clip.y4m", clips::y4m(2, "F10:1 Cmono", 0)),
        ("clip.mjpg", clips::mjpeg(3)),
        ("clip.avi", clips::avi(2, 2, true)),
        ("clip.lkr", std::fs::read(recorded).expect("there")),
        ("clip.pgm", clips::pgm_bytes(0)),
    ]
}

#[test]
fn a_clip_cut_anywhere_ends_or_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes) in short_clips() {
        let path = clips::write(dir.path(), name, &bytes);
        let file = std::fs::File::options().write(true).open(&path).expect("there");
        for length in (0..bytes.len()).rev() {
            file.set_len(length as u64).expect("cut");
            plays_or_says_why(&path, length);
        }
    }
}

#[test]
fn a_folder_with_a_cut_picture_counts_it_or_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = clips::folder(dir.path(), 3, true);
    let bytes = clips::pgm_bytes(1);
    for length in (0..40).chain([bytes.len() - 1]) {
        clips::write(&folder, "001.pgm", &bytes[..length]);
        plays_or_says_why(&folder, bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_clip_with_flipped_bytes_ends_or_says_why(
        kind in 0..5_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let (name, mut bytes) = short_clips().swap_remove(kind);
        for (place, byte, early) in flips {
            let within = if early { bytes.len().min(300) } else { bytes.len() };
            bytes[place.index(within)] = byte;
        }
        let path = clips::write(dir.path(), name, &bytes);
        plays_or_says_why(&path, bytes.len());
    }
}

/// A file of `bytes` is refused, or fails before its end, in words that hold `why`.
fn refuses(bytes: &[u8], why: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = clips::write(dir.path(), "clip", bytes);
    let error = match play(&path) {
        Ok((_, _, end)) => end,
        Err(refused) => refused,
    };
    let text = error.to_string();
    assert!(!error.is_end() && text.contains(why), "{text:?} should say {why:?}");
    assert!(text.contains("clip"), "{text:?} should name the file");
}

#[test]
fn broken_clips_are_refused_in_words() {
    refuses(b"", "neither YUV4MPEG2");
    refuses(b"Once upon a time there was a film.", "neither YUV4MPEG2");
    refuses(b"YUV4MPEG2 W80 H64 F10:1", "at byte 0: there should be a header line");
    refuses(b"YUV4MPEG2 H64 F10:1\n", "names no width");
    refuses(b"YUV4MPEG2 W80 Hx F10:1\n", "Hx is no number");
    refuses(b"YUV4MPEG2 W0 H64 F10:1\n", "a picture of 0x64");
    refuses(b"YUV4MPEG2 W100000 H100000 F10:1\n", "a picture of 100000x100000");
    refuses(b"YUV4MPEG2 W4294967295 H4294967295 F10:1\n", "are accepted");
    refuses(b"YUV4MPEG2 W80 H64\n", "no usable frame rate");
    refuses(b"YUV4MPEG2 W80 H64 F0:0\n", "no usable frame rate");
    refuses(b"YUV4MPEG2 W80 H64 F0:1\n", "frame rate F0:1");
    refuses(b"YUV4MPEG2 W80 H64 F10:0\n", "frame rate F10:0");
    refuses(b"YUV4MPEG2 W80 H64 F100000:1\n", "frame rate F100000:1");
    refuses(b"YUV4MPEG2 W80 H64 F10:1 C420p10\n", "chroma C420p10");
    refuses(b"YUV4MPEG2 W80 H64 F10:1\n", "no picture in it");
    let y4m = clips::y4m(1, "F10:1 Cmono", 0);
    refuses(
        &[&y4m[..], b"GARBAGE"].concat(),
        &format!("at byte {}: there should be a FRAME", y4m.len()),
    );
    let small = clips::jpeg_of(&[9; 72 * 64], 72, 64);
    let first = clips::jpeg(0);
    refuses(
        &[&first[..], &small].concat(),
        &format!("at byte {}: a picture of 72x64 after 80x64", first.len()),
    );
    refuses(&[&first[..], &vec![1; 1 << 17]].concat(), "no picture follows");
    refuses(&clips::jpeg_of(&[9; 32 * 32], 32, 32), "a picture of 32x32");
    refuses(b"\xff\xd8\xff\xe0\0\0", "first picture is not whole");
    refuses(b"RIFF\0\0\0\0AVI LIST\0\0\0\0movi", "no MJPEG video stream");
    refuses(b"RIFF\0\0\0\0AVI JUNK\xff\xff\xff\xff", "ends before its pictures");
    refuses(b"lookout-recording 2\n{}\n", "only \"lookout-recording 1\"");
    refuses(b"lookout-recording 1\n{}\n", "at byte 20: missing field");
}

#[test]
fn a_broken_picture_is_counted_and_the_next_one_played() {
    let dir = tempfile::tempdir().expect("a folder");
    let middle = clips::jpeg(1);
    let torn = &middle[..middle.len() - 50];
    let path = clips::write(dir.path(), "torn.mjpg", &[&clips::jpeg(0)[..], torn, &clips::jpeg(2)].concat());
    let (given, counters, end) = play(&path).expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (2, 1));

    let endless = [torn, &vec![5; 100_000], b"\xff\xd9"].concat();
    let path = clips::write(dir.path(), "long.mjpg", &[&clips::jpeg(0)[..], &endless, &clips::jpeg(2)].concat());
    let (given, counters, end) = play(&path).expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (2, 1), "longer than a picture may be");

    let folder = clips::folder(dir.path(), 4, false);
    clips::write(&folder, "002.JPG", torn);
    let (given, counters, end) = play(&folder).expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (3, 1));
}

#[test]
fn a_record_that_was_changed_is_counted_and_the_next_one_played() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, (frames, edges)) = clips::record_scene(dir.path(), "scene:width=80,height=64,visits=0..0..1", 12);
    assert_eq!(edges.len(), 2);
    let mut bytes = std::fs::read(&path).expect("there");
    let middle = bytes.len() - 2 * (20 + frames[0].1.len());
    bytes[middle + 100] ^= 1;
    clips::write(dir.path(), "scene.lkr", &bytes);
    let (given, counters, end) = play(&path).expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (11, 1));
}

#[test]
fn what_stands_before_the_damage_is_shown_to_a_late_consumer_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = clips::write(
        dir.path(),
        "clip.y4m",
        &[&clips::y4m(3, "F10:1", CHROMA_420)[..], b"RUBBISH"].concat(),
    );
    let clock = common::sim_clock();
    let mut source = source::open(&common::clip_settings(&path), Pace::Recorded, Arc::new(clock.clone()))
        .expect("it opens")
        .frames;
    clock.advance(Duration::from_secs(5));
    let number = source.next(Duration::ZERO).expect("frames left").map(|frame| frame.number);
    assert_eq!((number, source.counters().skipped), (Some(2), 2));
    let error = source.next(Duration::ZERO).expect_err("the damage");
    assert!(matches!(error, SourceError::Damaged { .. }), "{error}");
}

#[test]
fn a_truncated_last_frame_is_counted_and_the_clip_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let bytes = clips::y4m(4, "F10:1", CHROMA_420);
    for cut in [1, CHROMA_420, 4000, 7679, 7684] {
        let path = clips::write(dir.path(), "cut.y4m", &bytes[..bytes.len() - cut]);
        let (given, counters, end) = play(&path).expect("it opens");
        assert!(end.is_end(), "{end}");
        assert_eq!((given, counters.corrupt), (3, 1), "{cut} bytes cut off");
    }
}
