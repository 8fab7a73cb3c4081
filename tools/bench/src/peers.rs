//! The whole service against Motion (Debian's package, its defaults): CPU per frame and RSS of each on the same 720p MJPEG at
//! recorded speed, pictures and clips off. Lookout replays the file; Motion, which has no such thing, is given it over loopback
//! HTTP as a network camera would.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lookout::clock::SystemClock;
use lookout::source;
use lookout::source::pace::Pace;

use crate::netcam;
use crate::process::Ended;
use crate::process::Resident;
use crate::process::load_average;
use crate::process::process_cpu_ns;
use crate::service::Service;
use crate::service::configuration;

const FOLDER: &str = ".cache/peers-clip";
const SIZE: (u32, u32) = (1280, 720);
const FPS: u32 = 15;
/// Frames of the clip, which is played again and again; the demo's scene begins anew with it.
const FRAMES: usize = 20 * FPS as usize;
/// Quality of its pictures, as webcams have it.
const QUALITY: u8 = 80;
/// Time until each has learned the scene, and time for which it is measured.
const SETTLE: Duration = Duration::from_secs(5);
const SPAN: Duration = Duration::from_secs(30);

/// What one of them took.
struct Figures {
    us_per_frame: f64,
    rss: u64,
}

/// Prints the table.
pub(crate) fn run() {
    std::fs::create_dir_all(FOLDER).expect("a folder for the clip");
    let pictures = Arc::new(pictures());
    let bytes = pictures.iter().map(Vec::len).sum::<usize>() / pictures.len();
    println!(
        "peers: {}x{} MJPEG of {} kB at {FPS} frames a second, {} s, pictures off; load average {}",
        SIZE.0,
        SIZE.1,
        bytes / 1000,
        SPAN.as_secs(),
        load_average()
    );
    println!("| | us CPU per frame | ratio | RSS MiB | ratio |\n| --- | ---: | ---: | ---: | ---: |");
    let reference = motion(pictures.clone()).map_err(|why| eprintln!("peers: motion: {why}")).ok();
    if let Some(figures) = &reference {
        print("motion", figures, figures);
    }
    match lookout(&pictures) {
        Ok(figures) => print("lookout", &figures, reference.as_ref().unwrap_or(&figures)),
        Err(why) => eprintln!("peers: lookout: {why}"),
    }
}

fn print(name: &str, figures: &Figures, reference: &Figures) {
    println!(
        "| {name} | {:.0} | {:.2} | {:.1} | {:.2} |",
        figures.us_per_frame,
        figures.us_per_frame / reference.us_per_frame,
        figures.rss as f64 / f64::from(1 << 20),
        figures.rss as f64 / reference.rss as f64
    );
}

/// The demo's scene as JPEG pictures.
fn pictures() -> Vec<Vec<u8>> {
    let settings = source::Settings {
        spec: format!("scene:width={},height={},fps={FPS}", SIZE.0, SIZE.1)
            .parse()
            .expect("a scene"),
        ..source::Settings::default()
    };
    let opened = source::open(&settings, Pace::Fast, Arc::new(SystemClock::default()));
    let mut frames = opened.expect("a scene").frames;
    let mut pictures = Vec::with_capacity(FRAMES);
    while pictures.len() < FRAMES {
        let Ok(Some(frame)) = frames.next(Duration::ZERO) else { continue };
        pictures.push(netcam::picture(frame.data, SIZE, QUALITY));
    }
    pictures
}

fn lookout(pictures: &[Vec<u8>]) -> io::Result<Figures> {
    let clip = Path::new(FOLDER).canonicalize()?.join("clip.mjpeg");
    std::fs::write(&clip, pictures.concat())?;
    let more = format!(
        "[camera]\nsource = \"replay:{},loop,fps={FPS}\"\nwidth = {}\nheight = {}\n[media]\nsnapshots = false\nclips = false\n\
         [memory]\nbudget = \"64MiB\"\n",
        clip.display(),
        SIZE.0,
        SIZE.1
    );
    let service = Service::start(&configuration(8, &more))?;
    if !service.comes_to(Duration::from_secs(10), |health| health["pipeline"]["camera"] == "live") {
        return Err(io::Error::other("its camera does not come up"));
    }
    Ok(measure(service.pid()))
}

fn motion(pictures: Arc<Vec<Vec<u8>>>) -> io::Result<Figures> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || serve(&listener, &pictures));
    let folder = Path::new(FOLDER).canonicalize()?;
    let config = folder.join("motion.conf");
    let text = format!(
        "daemon off\nlog_level 3\ntarget_dir {}\nnetcam_url http://{address}/\nwidth {}\nheight {}\nframerate {FPS}\n\
         picture_output off\nmovie_output off\nstream_port 0\nwebcontrol_port 0\n",
        folder.display(),
        SIZE.0,
        SIZE.1
    );
    std::fs::write(&config, text)?;
    let child = Command::new("motion")
        .args(["-n", "-c"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut motion = Ended(child);
    let figures = measure(motion.0.id());
    match motion.0.try_wait()? {
        None => Ok(figures),
        Some(status) => Err(io::Error::other(format!("it ended by itself, {status}"))),
    }
}

fn measure(pid: u32) -> Figures {
    thread::sleep(SETTLE);
    let before = process_cpu_ns(pid);
    thread::sleep(SPAN);
    let spent = process_cpu_ns(pid).saturating_sub(before);
    Figures {
        us_per_frame: spent as f64 / 1000.0 / (SPAN.as_secs_f64() * f64::from(FPS)),
        rss: Resident::of(pid).rss,
    }
}

/// Plays the pictures to whoever connects, again and again.
fn serve(listener: &TcpListener, pictures: &[Vec<u8>]) {
    for socket in listener.incoming().flatten() {
        let _ = netcam::play(socket, pictures.iter().cycle(), FPS, |_| ()); // it ends when the other side does
    }
}
