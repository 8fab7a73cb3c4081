//! Motion (Debian's package, its defaults) on the clips: they are given to it as network cameras' pictures, all at once and each at its own rate, as it plays
//! no files and judges by the clock. Its events are placed by the picture that had been sent when it told of them.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use super::FOLDER;
use super::score::Stretch;
use crate::netcam;
use crate::process::Ended;
use crate::process::process_cpu_ns;

/// Quality of the pictures: as good as cameras send them.
const QUALITY: u8 = 90;
/// Time in which it must have begun to read all of them, beside their length.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clip as a camera's pictures.
pub(super) struct Reel {
    pictures: Vec<Vec<u8>>,
    size: (u32, u32),
    fps: u32,
    /// The picture that was sent last.
    sent: AtomicU64,
}

/// What is heard of a camera, by its number.
enum News {
    /// An event began, or ended, after that picture.
    Told { camera: usize, begins: bool, frame: u64 },
    /// All was sent.
    Over { camera: usize },
}

impl Reel {
    /// Of pictures of so many pixels, and of their luma.
    pub(super) fn new(size: (u32, u32), luma: &[Vec<u8>], fps: u32) -> Reel {
        Reel {
            pictures: luma.iter().map(|luma| netcam::picture(luma, size, QUALITY)).collect(),
            size,
            fps,
            sent: AtomicU64::new(0),
        }
    }
    fn last(&self) -> u64 {
        self.pictures.len() as u64 - 1
    }
}

/// Its events on each reel, and microseconds of CPU a frame, of all of them.
pub(super) fn events(reels: Vec<Reel>) -> io::Result<(Vec<Vec<Stretch>>, f64)> {
    let folder = Path::new(FOLDER).canonicalize()?.join("motion");
    std::fs::create_dir_all(&folder)?;
    let reels = Arc::new(reels);
    let (news, heard) = mpsc::channel();
    let told = listen(&folder, reels.clone(), news.clone())?;
    let addresses = reels
        .iter()
        .enumerate()
        .map(|(camera, _)| serve(reels.clone(), camera, news.clone()));
    let addresses: Vec<String> = addresses.collect::<io::Result<_>>()?;
    let child = Command::new("motion")
        .args(["-n", "-c"])
        .arg(configure(&folder, &told, &reels, &addresses)?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut motion = Ended(child);
    let longest = reels.iter().map(|reel| Duration::from_secs(reel.last()) / reel.fps).max();
    let wait = longest.unwrap_or_default() + PATIENCE;
    let (mut events, mut is_on, mut over): (Vec<Vec<Stretch>>, _, _) =
        (vec![Vec::new(); reels.len()], vec![false; reels.len()], vec![false; reels.len()]);
    let mut spent = 0;
    while over.contains(&false) {
        let news = heard
            .recv_timeout(wait)
            .map_err(|_| io::Error::other("it does not read what it is given"))?;
        if let Some(status) = motion.0.try_wait()? {
            return Err(io::Error::other(format!("it ended by itself, {status}")));
        }
        spent = spent.max(process_cpu_ns(motion.0.id()));
        let (camera, begins, frame) = match news {
            News::Told { camera, begins, frame } if !over[camera] => (camera, begins, frame),
            News::Told { .. } => continue,
            News::Over { camera } => {
                over[camera] = true;
                (camera, false, reels[camera].last())
            }
        };
        if begins && !is_on[camera] {
            events[camera].push((frame, frame));
        } else if let Some(last) = events[camera].last_mut().filter(|_| is_on[camera]) {
            last.1 = frame;
        }
        is_on[camera] = begins;
    }
    let frames: usize = reels.iter().map(|reel| reel.pictures.len()).sum();
    Ok((events, spent as f64 / 1e3 / frames as f64))
}

/// A pipe for what it tells; each line is `begin` or `end` and the number of a camera, from 1 on.
fn listen(folder: &Path, reels: Arc<Vec<Reel>>, news: Sender<News>) -> io::Result<PathBuf> {
    let path = folder.join("told");
    let _ = std::fs::remove_file(&path);
    if !Command::new("mkfifo").arg(&path).status()?.success() {
        return Err(io::Error::other("no pipe could be made"));
    }
    // Open for both, it does not end when one of those who tell closes it.
    let pipe = File::options().read(true).write(true).open(&path)?;
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let Some((what, number)) = line.split_once(' ') else { continue };
            let camera = number.trim().parse::<usize>().unwrap_or(0).wrapping_sub(1);
            let Some(reel) = reels.get(camera) else { continue };
            let told = News::Told {
                camera,
                begins: what == "begin",
                frame: reel.sent.load(Ordering::Relaxed),
            };
            if news.send(told).is_err() {
                return;
            }
        }
    });
    Ok(path)
}

/// Plays a reel to whoever connects first; where that is.
fn serve(reels: Arc<Vec<Reel>>, camera: usize, news: Sender<News>) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        let reel = &reels[camera];
        for socket in listener.incoming().flatten() {
            let sent = |number| reel.sent.store(number, Ordering::Relaxed);
            if netcam::play(socket, reel.pictures.iter(), reel.fps, sent).is_ok() {
                let _ = news.send(News::Over { camera });
                return;
            }
        }
    });
    Ok(address)
}

/// Where pictures come from and who is told; no files are made of events, and nobody watches. All else is what the program does by itself: with the example
/// that Debian puts into `/etc`, which takes specks away, it finds half as many.
fn configure(folder: &Path, told: &Path, reels: &[Reel], addresses: &[String]) -> io::Result<PathBuf> {
    let mut main = format!(
        "daemon off\nlog_level 3\nlog_file {}\ntarget_dir {}\npicture_output off\nmovie_output off\nstream_port 0\nwebcontrol_port 0\n\
         on_event_start echo begin %t >{}\non_event_end echo end %t >{}\n",
        folder.join("log").display(),
        folder.display(),
        told.display(),
        told.display()
    );
    for (number, (reel, address)) in (1..).zip(reels.iter().zip(addresses)) {
        let path = folder.join(format!("{number}.conf"));
        let camera = format!(
            "camera_id {number}\nnetcam_url http://{address}/\nwidth {}\nheight {}\nframerate {}\n",
            reel.size.0, reel.size.1, reel.fps
        );
        std::fs::write(&path, camera)?;
        let _ = writeln!(main, "camera {}", path.display());
    }
    let path = folder.join("motion.conf");
    std::fs::write(&path, main)?;
    Ok(path)
}
