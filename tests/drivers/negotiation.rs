//! Which of a camera's offers is taken, and which requests are refused without a camera: runs everywhere.

use std::path::Path;
use std::time::Duration;

use lookout::frame::PixelFormat;
use lookout::frame::PixelFormat::Grey;
use lookout::frame::PixelFormat::Mjpeg;
use lookout::frame::PixelFormat::Nv12;
use lookout::frame::PixelFormat::Uyvy;
use lookout::frame::PixelFormat::Yuyv;
use lookout::frame::SourceError;
use lookout::source::v4l2::Request;
use lookout::source::v4l2::footprint_of;
use lookout::source::v4l2::negotiate::Offer;
use lookout::source::v4l2::negotiate::Size;
use lookout::source::v4l2::negotiate::choose;

use crate::Check;
use crate::camera::refused;
use crate::camera::request;

pub(crate) const CHECKS: &[Check] = crate::checks![nothing_missing:
    cheapest_layout_wins_at_equal_size_and_rate,
    mjpeg_wins_where_raw_is_too_slow,
    size_goes_before_rate,
    fastest_wins_where_none_is_fast_enough,
    unlisted_rates_are_believed,
    sizes_never_exceed_what_was_asked,
    footprint_covers_every_layout,
    senseless_requests_and_foreign_files_are_refused,
];

fn nothing_missing() -> Option<&'static str> {
    None
}

/// Of `offers` (layout, width, height, frames per second, 0 for unlisted), the one at `expected` is taken for `fps`.
fn check(fps: f64, offers: &[(PixelFormat, u32, u32, f64)], expected: usize) {
    let offer = |&(pixel, width, height, rate): &(PixelFormat, u32, u32, f64)| Offer {
        pixel,
        width,
        height,
        fastest: (rate > 0.0).then(|| Duration::from_secs_f64(rate.recip())),
    };
    let offers: Vec<Offer> = offers.iter().map(offer).collect();
    for turn in 0..offers.len() {
        let mut turned = offers.clone();
        turned.rotate_left(turn);
        assert_eq!(
            choose(&turned, Duration::from_secs_f64(fps.recip())),
            Some(offers[expected]),
            "{turned:?}"
        );
    }
}

fn cheapest_layout_wins_at_equal_size_and_rate() {
    check(
        10.0,
        &[
            (Mjpeg, 640, 480, 30.0),
            (Yuyv, 640, 480, 30.0),
            (Nv12, 640, 480, 30.0),
            (Grey, 640, 480, 30.0),
        ],
        3,
    );
    check(10.0, &[(Mjpeg, 640, 480, 30.0), (Uyvy, 640, 480, 10.0), (Yuyv, 640, 480, 10.0)], 2);
    check(30.0, &[(Mjpeg, 640, 480, 30.0), (Yuyv, 640, 480, 29.97)], 1);
}

fn mjpeg_wins_where_raw_is_too_slow() {
    check(10.0, &[(Yuyv, 1280, 720, 5.0), (Mjpeg, 1280, 720, 30.0)], 1);
    check(5.0, &[(Yuyv, 1280, 720, 5.0), (Mjpeg, 1280, 720, 30.0)], 0);
}

fn size_goes_before_rate() {
    check(10.0, &[(Yuyv, 320, 240, 30.0), (Mjpeg, 1280, 720, 5.0)], 1);
}

fn fastest_wins_where_none_is_fast_enough() {
    check(60.0, &[(Grey, 640, 480, 5.0), (Yuyv, 640, 480, 15.0), (Mjpeg, 640, 480, 30.0)], 2);
    check(60.0, &[(Yuyv, 640, 480, 30.0), (Mjpeg, 640, 480, 30.0)], 0);
}

fn unlisted_rates_are_believed() {
    check(10.0, &[(Yuyv, 640, 480, 0.0), (Mjpeg, 640, 480, 30.0)], 0);
}

fn sizes_never_exceed_what_was_asked() {
    let range = Size::Range {
        width: (32, 1920, 16),
        height: (32, 1080, 8),
    };
    assert_eq!(range.within(640, 480), Some((640, 480)));
    assert_eq!(range.within(650, 487), Some((640, 480)));
    assert_eq!(range.within(4000, 4000), Some((1920, 1080)));
    assert_eq!(range.within(16, 480), None);
    assert_eq!(Size::Exactly(640, 480).within(640, 480), Some((640, 480)));
    assert_eq!(Size::Exactly(640, 480).within(640, 479), None);
    let stepless = Size::Range {
        width: (64, 800, 0),
        height: (64, 600, 0),
    };
    assert_eq!(stepless.within(640, 480), Some((640, 480)), "a step of zero is one");
}

fn footprint_covers_every_layout() {
    for (width, height) in [(64, 64), (320, 180), (640, 480), (1280, 720), (2592, 1944)] {
        let raw = 4 * width as usize * height as usize * 2;
        let footprint = footprint_of(width, height);
        assert!(
            (raw..raw + raw / 16 + 4 * 8192).contains(&footprint),
            "{width}x{height}: {footprint} for {raw}"
        );
    }
}

fn senseless_requests_and_foreign_files_are_refused() {
    let unsupported = |request: Request, expected: &str| {
        let error = refused(&request);
        assert!(
            matches!(error, SourceError::Unsupported { .. }) && error.to_string().contains(expected),
            "{error}"
        );
    };
    let null = request(Path::new("/dev/null"));
    unsupported(null.clone(), "not a V4L2 device");
    unsupported(Request { width: 16, ..null.clone() }, "sizes from 64x64 to 2592x1944");
    unsupported(
        Request {
            height: 5000,
            ..null.clone()
        },
        "640x5000",
    );
    for fps in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        unsupported(Request { fps, ..null.clone() }, "rates above 0");
    }
    let missing = refused(&request(Path::new("/dev/no-such-camera")));
    assert!(matches!(missing, SourceError::Gone { .. }), "{missing}");
}
