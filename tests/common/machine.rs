//! The machine that the tests run on: how programs built for it are started, and how slow it is when it is an emulated one.

#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::ffi::OsStr;
use std::process::Command;

/// The variable by which cargo is told what runs programs of a 64-bit Raspberry Pi elsewhere (`Cross.toml`).
const RUNNER: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER";
/// So many times as long as a desktop may take what runs tests on the processor of a Raspberry Pi: a board, or an emulator of one.
pub const SLOWNESS: u64 = if cfg!(target_arch = "aarch64") { 4 } else { 1 };

/// Starts `lookout`.
pub fn lookout() -> Command {
    program(env!("CARGO_BIN_EXE_lookout"))
}

/// Starts this test program once more.
pub fn this_test() -> Command {
    program(std::env::current_exe().expect("it runs"))
}

/// Whether this machine has a program. (An emulated program that starts one that is not there learns it from the exit status alone.)
pub fn has(name: &str, argument: &str) -> bool {
    let output = Command::new(name).arg(argument).output();
    output.is_ok_and(|output| output.status.success())
}

/// Starts a program that was built as this test was: as it is, or by the emulator that runs this test.
fn program(path: impl AsRef<OsStr>) -> Command {
    let Some(runner) = runner() else { return Command::new(path) };
    let mut words = runner.split_whitespace();
    let mut command = Command::new(words.next().expect("a runner"));
    command.args(words).arg(path);
    command
}

fn runner() -> Option<String> {
    std::env::var(RUNNER).ok().filter(|_| cfg!(target_arch = "aarch64"))
}
