//! Pictures over loopback HTTP, as network cameras send them: what Motion is given, which plays no files.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use jpeg_encoder::ColorType;
use jpeg_encoder::Encoder;
use lookout::clock::Clock;
use lookout::clock::SystemClock;

/// A picture as cameras have it: in colour, with none in it.
pub(crate) fn picture(luma: &[u8], (width, height): (u32, u32), quality: u8) -> Vec<u8> {
    let ycc: Vec<u8> = luma.iter().flat_map(|luma| [*luma, 128, 128]).collect();
    let mut picture = Vec::new();
    Encoder::new(&mut picture, quality)
        .encode(&ycc, width as u16, height as u16, ColorType::Ycbcr)
        .expect("a picture");
    picture
}

/// Sends `pictures` to whoever is there at their rate, and says of each when it is sent; ends when the other side does.
pub(crate) fn play<'a>(
    mut socket: TcpStream,
    pictures: impl Iterator<Item = &'a Vec<u8>>,
    fps: u32,
    mut sent: impl FnMut(u64),
) -> io::Result<()> {
    let _ = socket.read(&mut [0; 1024])?;
    socket.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n")?;
    let clock = SystemClock::default();
    let begun = clock.now();
    for (number, picture) in (0u64..).zip(pictures) {
        clock.sleep_until(begun + Duration::from_secs(number) / fps);
        sent(number);
        let head = format!("--next\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.len());
        socket.write_all(&[head.as_bytes(), picture, b"\r\n"].concat())?;
    }
    Ok(())
}
