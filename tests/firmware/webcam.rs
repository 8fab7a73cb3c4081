//! A webcam on USB as its owner meets it: it is plugged in and named in the configuration, seen by the kernel's uvcvideo, and watched like any
//! camera. What is plugged in is a program (`usbcam.rs`), for the kernel's virtual host controller; its pictures are MJPEG.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::time::Duration;

use serde_json::Value;

use crate::guest::Guest;
use crate::guest::PATIENCE;
use crate::guest::Stream;
use crate::guest::within;

/// While this file of the guest is there, something moves before the webcam.
const MOVES: &str = "/run/usbcam-moves";
/// The camera of the other chapters.
const VIVID: &str = "/dev/video0";

pub(crate) fn plugged_and_unplugged(guest: &mut Guest) {
    guest.sensor(false);
    let watched = catch_unwind(AssertUnwindSafe(|| watched(guest)));
    guest.run(&format!("rm -f {MOVES}; systemctl stop usbcam || true"));
    watch(guest, VIVID);
    watched.unwrap_or_else(|panic| resume_unwind(panic));
}

fn watched(guest: &mut Guest) {
    guest.run("modprobe vhci-hcd");
    let node = plug(guest);
    println!("  {node}: {}", guest.run(&format!("readlink -f {node}")));
    watch(guest, &node);
    assert_eq!(format(guest)["pixel"], "mjpeg", "what it gives");
    let mut stream = guest.connect("/ws/events");
    still(&mut stream);
    guest.run(&format!("touch {MOVES}"));
    let event = stream.until("an event of the webcam", |message| {
        message["type"] == "event" && message["data"]["phase"] == "start"
    });
    assert_eq!(event["data"]["trigger"], "video");
    guest.run(&format!("rm {MOVES}"));
    unplug(guest);
    stream.until("the loss of the webcam", |message| camera_is(message, "lost"));
    plug(guest);
    stream.until("its return", |message| camera_is(message, "restored"));
    within(PATIENCE, "frames after its return", || {
        camera(guest).filter(|camera| camera["state"] == "live")
    });
}

/// Plugs it in; gives its name, which is the same each time.
fn plug(guest: &mut Guest) -> String {
    guest.run(&format!("systemd-run --quiet --collect --unit usbcam /run/tools/usbcam {MOVES}"));
    within(PATIENCE, "the webcam's node", || {
        let found = guest.run("ls /dev/v4l/by-id/*Porch*index0 || true");
        found.starts_with("/dev/").then_some(found)
    })
}

/// Pulls the plug; back when the port is free.
fn unplug(guest: &mut Guest) {
    guest.run("systemctl stop usbcam");
    within(PATIENCE, "the free port", || {
        (guest.run("grep -c 'hs  0000 004' /sys/devices/platform/vhci_hcd.0/status || true") == "1").then_some(())
    });
}

/// Has the service watch this camera, by its owner's configuration; back when its frames flow.
fn watch(guest: &mut Guest, node: &str) {
    guest.run(&format!(
        "sed -i 's|v4l2:[^\"]*|v4l2:{node}|' /data/lookout/lookout.toml && systemctl restart lookout"
    ));
    within(PATIENCE, "frames of the camera", || {
        let of_it = |camera: &Value| camera["source"] == format!("v4l2:{node}") && camera["state"] == "live" && camera["fps"].is_number();
        camera(guest).filter(of_it)
    });
}

/// What the service tells of its camera, if it answers.
fn camera(guest: &Guest) -> Option<Value> {
    let (_, system) = guest.get("/api/system")?;
    Some(system["camera"].clone())
}

fn format(guest: &Guest) -> Value {
    camera(guest).expect("it answers")["format"].clone()
}

/// Waits for what was learned to be over; then a picture that stands still makes no event for a while.
fn still(stream: &mut Stream) {
    let mut events = |time| stream.during(time).iter().filter(|message| message["type"] == "event").count();
    within(PATIENCE, "silence", || (events(Duration::from_secs(5)) == 0).then_some(()));
    assert_eq!(events(Duration::from_secs(15)), 0, "nothing moves");
}

fn camera_is(message: &Value, state: &str) -> bool {
    message["type"] == "camera_event" && message.to_string().contains(state)
}
