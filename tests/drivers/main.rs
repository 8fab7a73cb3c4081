//! Cameras and sensor lines against the kernel's own drivers: vivid and uvcvideo for V4L2, gpio-sim for GPIO; and the whole service on them.
//! `tools/drivers` boots a guest that has them; elsewhere what needs them is skipped, and says so.
//!
//! A harness of its own, because the checks share the devices and so run one after another, and because a skipped
//! check has to be seen.

mod camera;
mod kernel;
mod mjpeg;
mod negotiation;
mod pir;
#[path = "../common/usb_webcam.rs"]
mod usb_webcam;
mod webcam;
mod whole;

use std::panic;
use std::process::ExitCode;

use lookout::clock::Clock;
use lookout::clock::SystemClock;

/// One property.
pub struct Check {
    name: &'static str,
    /// Says what is missing on this machine, if anything.
    missing: fn() -> Option<&'static str>,
    run: fn(),
}

/// A [`Check`] named as its function is.
#[macro_export]
macro_rules! checks {
    ($missing:path: $($name:ident),+ $(,)?) => {
        &[$($crate::Check { name: concat!(module_path!(), "::", stringify!($name)), missing: $missing, run: $name }),+]
    };
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, filters): (Vec<&str>, Vec<&str>) = arguments.iter().map(String::as_str).partition(|argument| argument.starts_with('-'));
    let chosen = |check: &&Check| filters.is_empty() || filters.iter().any(|filter| check.name.contains(filter));
    let groups = [
        negotiation::CHECKS,
        camera::CHECKS,
        mjpeg::CHECKS,
        pir::CHECKS,
        pir::HOST_CHECKS,
        whole::CHECKS,
    ];
    let checks: Vec<&Check> = groups.into_iter().flatten().filter(chosen).collect();
    if options.contains(&"--list") {
        checks.iter().for_each(|check| println!("{}: test", check.name));
        return ExitCode::SUCCESS;
    }
    run(&checks)
}

fn run(checks: &[&Check]) -> ExitCode {
    let clock = SystemClock::default();
    let required = std::env::var_os("LOOKOUT_DRIVERS").is_some_and(|value| value == "required");
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    println!("\nrunning {} tests", checks.len());
    for check in checks {
        let missing = (check.missing)();
        let began = clock.now();
        let result = match missing {
            Some(what) if required => Err(format!("FAILED: there is no {what}")),
            Some(what) => Ok(format!("skipped: there is no {what}")),
            None => match panic::catch_unwind(check.run) {
                Ok(()) => Ok(format!("ok ({} ms)", clock.now().since(began).as_millis())),
                Err(_) => Err("FAILED".to_owned()),
            },
        };
        println!("test {} ... {}", check.name, result.as_deref().unwrap_or_else(|said| said));
        match (result, missing) {
            (Err(_), _) => failed.push(check.name),
            (Ok(_), Some(_)) => skipped += 1,
            (Ok(_), None) => passed += 1,
        }
    }
    if skipped > 0 {
        println!("\n{skipped} need drivers that this machine lacks: tools/drivers runs them in a guest that has them");
    }
    failed.iter().for_each(|name| println!("failed: {name}"));
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {} failed; {skipped} skipped\n",
        failed.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
