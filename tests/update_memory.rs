//! What an update costs, counted: within the ledger's line, and nothing once it is done.

mod common;
mod rauc;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lookout::clock::SystemClock;
use lookout::heap;
use lookout::hub::Hub;
use lookout::ota;
use lookout::ota::Installer;
use lookout::ota::Parts;
use lookout::ota::Refusal;
use lookout::ota::Settings;
use lookout::ota::Updater;
use lookout::records::RecordQueue;
use rauc::Device;
use rauc::Recipe;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// A bundle of many times the memory that it may take.
const IMAGE_BYTES: usize = 8 << 20;

#[test]
fn an_upload_and_the_installers_answer_stay_within_their_line() {
    let (device, data) = (Device::new("A"), tempfile::tempdir().expect("a folder"));
    let file = device.path("toaster.raucb");
    let image: Vec<u8> = (0..IMAGE_BYTES as u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let bundle = device.bundle(&Recipe {
        compatible: "toaster",
        version: "9.1.0",
        image: &image,
        signer: "owner",
    });
    fs::write(&file, &bundle).expect("written");
    drop((image, bundle));
    let address = device.environment()[0].1.to_owned();
    // SAFETY: nothing else in this program reads or writes its environment meanwhile.
    unsafe { std::env::set_var("DBUS_SYSTEM_BUS_ADDRESS", address) };
    let settings = Settings {
        installer: Installer::Rauc,
        reserve_bytes: 0,
        ..Settings::default()
    };
    let (updater, _jobs) = Updater::new(Parts {
        settings: settings.clone(),
        folder: data.path().to_owned(),
        hub: Arc::new(Hub::new(0)),
        records: Arc::new(RecordQueue::default()),
        clock: Arc::new(SystemClock::default()),
    });
    let runtime = lookout::web::runtime().expect("a runtime");
    let update = || runtime.block_on(upload(&updater, &file));
    while !matches!(update(), Err(Refusal::Incompatible { .. })) {} // until the installer is up, and tables have grown
    let before = heap::in_use_bytes();
    let most = (0..3).map(|_| update_peak(&update, before)).max().unwrap_or(0);
    let footprint = ota::footprint(&settings);
    println!("an update: {most} bytes on the heap of {footprint} with its stack");
    assert!(most <= footprint, "{most} bytes");
    assert!(most > 4096, "nothing was measured");
    let after = heap::in_use_bytes();
    assert!(after <= before + 4096, "{before} bytes became {after}");
}

/// Most bytes in use at the looks that an update takes, beyond `before`.
fn update_peak(update: &impl Fn() -> Result<usize, Refusal>, before: usize) -> usize {
    SEEN.store(0, Ordering::SeqCst);
    let refused = update();
    assert!(matches!(refused, Err(Refusal::Incompatible { .. })), "{refused:?}");
    SEEN.load(Ordering::SeqCst).saturating_sub(before)
}

static SEEN: AtomicUsize = AtomicUsize::new(0);

fn look() {
    SEEN.fetch_max(heap::in_use_bytes(), Ordering::SeqCst);
}

/// Sends the file as a socket would, in pieces, and has it judged; bytes sent.
async fn upload(updater: &Updater, file: &Path) -> Result<usize, Refusal> {
    let lane = updater.claim()?;
    let length = fs::metadata(file).expect("the file").len();
    let upload = updater.receive(length)?;
    let mut reader = fs::File::open(file).expect("the file");
    let mut sent = 0;
    loop {
        let mut piece = vec![0; lookout::limits::HTTP_BUFFER_BYTES];
        let count = reader.read(&mut piece).expect("read");
        if count == 0 {
            break;
        }
        piece.truncate(count);
        assert!(upload.add(piece.into()).await);
        sent += count;
        look();
    }
    let bundle = upload.finish().await.map_err(|error| Refusal::Disk(error.to_string()))?;
    let judge = updater.take_file(lane, bundle);
    tokio::pin!(judge);
    loop {
        tokio::select! {
            judged = &mut judge => return judged.map(|_| sent),
            () = tokio::time::sleep(Duration::from_millis(1)) => look(),
        }
    }
}
