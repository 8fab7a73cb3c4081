//! Memory of pictures, measured against its line of the ledger: every buffer full, every viewer behind, at 1280x720.
//!
//! What is counted is the heap of the whole test process, so viewers of the service are bare sockets that hold none.

mod common;

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use common::begun;
use common::service::PATIENCE;
use common::service::request;
use common::service::wait_for;
use lookout::app::Service;
use lookout::budget::Ledger;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::config::Config;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::heap;
use lookout::limits::THREAD_STACK_BYTES;
use lookout::media;
use lookout::media::Desk;
use lookout::media::Shutter;
use lookout::media::Studio;
use lookout::motion::Score;
use tokio::sync::oneshot;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// One heap is measured: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A frame of noise, which JPEG makes small only at a bad quality.
fn noise(format: &FrameFormat) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        96 + (state >> 27) as u8
    };
    (0..format.bytes_min()).map(|_| next()).collect()
}

#[test]
fn the_line_of_pictures_holds_with_every_buffer_full() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a directory");
    let (settings, clock) = (media::Settings::default(), Arc::new(SystemClock::default()));
    for pixel in [PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::Grey] {
        let format = FrameFormat::packed(pixel, 1280, 720, Duration::from_millis(100));
        let data = noise(&format);
        let (before, began) = (heap::in_use_bytes(), clock.now());
        heap::reset_peak();
        let desk = Arc::new(Desk::new(&settings, dir.path()));
        let mut studio = Studio::new(desk.clone(), Arc::default(), clock.clone());
        let mut shutter = Shutter::new(desk.clone());
        shutter.open(&format);
        let mut seats: Vec<_> = (0..settings.viewers_max).map(|_| desk.look(30).expect("a seat")).collect();
        let mut held = Vec::new();
        for n in 0..24u64 {
            let captured = Mono::from_millis(1000 + 250 * n);
            let frame = Frame {
                format,
                number: n,
                captured,
                data: &data,
            };
            shutter.offer(&frame, Score(n as u16));
            if n % 8 == 3 {
                shutter.tell(&[begun(n as u32, captured)]);
            }
            studio.step();
            // Each viewer is behind: what it holds is another picture.
            if let Some(seat) = seats.get_mut(n as usize % 8) {
                held.push(futures_util::FutureExt::now_or_never(seat.next()).flatten().expect("a picture"));
            }
            held.drain(..held.len().saturating_sub(settings.viewers_max));
        }
        let took = clock.now().since(began).as_micros() / 24;
        let (measured, promised) = (
            heap::peak_bytes() - before,
            media::footprint(&settings, 1280, 720) - THREAD_STACK_BYTES,
        );
        assert_eq!(desk.counters().made, 24, "{:?}", desk.counters());
        println!("{pixel}: {took} us a picture of noise, made up to four times; {measured} B measured, {promised} B promised");
        assert!(measured < promised, "{pixel}: {measured} B measured, {promised} B promised");
    }
}

fn config(dir: &Path) -> Config {
    let text = format!(
        "[camera]\nsource = \"scene:seed=3,visits=3..3..1\"\nwidth = 1280\nheight = 720\npixel_format = \"yuyv\"\n\
         [store]\ndir = \"{}\"\n[memory]\nbudget = \"24MiB\"\n",
        dir.display()
    );
    Config::parse(&text, Path::new("lookout.toml")).expect("a good configuration")
}

fn viewer(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("the service listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = "GET /api/live.mjpg?fps=10 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_all(head.as_bytes()).expect("written");
    socket
}

#[test]
fn four_viewers_at_720p_are_within_the_budget() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path());
    let before = heap::in_use_bytes();
    heap::reset_peak();
    let service = Service::new(&config, Arc::new(SystemClock::default())).expect("within the budget");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || service.run(listener, async { drop(stopped.await) }));
    let mut viewers: Vec<TcpStream> = (0..4).map(|_| viewer(address)).collect();
    let _stalled = viewers.pop();
    let mut piece = [0; 16 * 1024];
    wait_for("a clip", || {
        viewers
            .iter_mut()
            .for_each(|viewer| assert!(viewer.read(&mut piece).expect("pictures") > 0));
        let (_, answer) = request(address, "GET", "/api/system");
        (answer["store"]["pictures"].as_u64()? >= 2 && answer["viewers"] == 4).then_some(())
    });
    let measured = heap::peak_bytes() - before;
    let promised = Ledger::of(&config).promised();
    println!(
        "measured {} KiB of heap, promised {} KiB with stacks",
        measured / 1024,
        promised / 1024
    );
    assert!(measured < promised && promised <= config.budget_bytes, "{}", Ledger::of(&config));
    drop(viewers);
    stop.send(()).expect("it runs");
    thread.join().expect("no panic").expect("an orderly end");
}
