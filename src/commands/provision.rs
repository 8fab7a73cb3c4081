//! `lookout provision`: the first boot, and the clock of a machine that keeps none.

use std::io;
use std::path::PathBuf;

use clap::Args;

use crate::board::Board;
use crate::clock;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::Timestamp;
use crate::provision;
use crate::provision::Places;
use crate::provision::ProvisionError;
use crate::provision::Provisioned;
use crate::provision::disk::RealDisk;

/// Arguments of `provision`.
#[derive(Args, Clone, Debug)]
pub struct ProvisionArgs {
    /// Folder of the boot partition, with lookout.toml
    #[arg(long, value_name = "DIR")]
    boot: PathBuf,
    /// Folder of the data partition
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Configuration of the service where none is kept yet
    #[arg(long, value_name = "FILE", default_value = "/usr/share/lookout/lookout.toml")]
    base: PathBuf,
    /// Where the service listens once there is a password
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8000")]
    listen: String,
    /// Where it listens instead when it speaks TLS; who comes to the other port is sent on
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8443")]
    listen_tls: String,
    /// Set the clock if it is behind the last known time, or this program's build
    #[arg(long)]
    set_clock: bool,
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] ProvisionError),
    /// The file on the boot partition is wrong.
    #[error("{} was not taken: {}", provision::INPUT, .0.join("; "))]
    Refused(Vec<String>),
    /// The clock cannot be set.
    #[error("the clock: {0}")]
    Clock(io::Error),
}

/// `lookout provision`
pub fn provision(args: &ProvisionArgs) -> Result<(), Failed> {
    if args.set_clock {
        set_clock(provision::earliest(&args.data, clock::built())).map_err(Failed::Clock)?;
    }
    let places = Places {
        boot: args.boot.clone(),
        data: args.data.clone(),
        base: args.base.clone(),
        listen: args.listen.clone(),
        listen_tls: args.listen_tls.clone(),
    };
    match provision::provision(&places, &Board::here(&args.data), &RealDisk)? {
        Provisioned::Nothing => println!("there is no {}", places.boot.join(provision::INPUT).display()),
        Provisioned::Done(0) => println!("everything is as {} says", provision::INPUT),
        Provisioned::Done(files) => println!("{files} files were written"),
        Provisioned::Refused(complaints) => return Err(Failed::Refused(complaints)),
    }
    Ok(())
}

fn set_clock(earliest: Timestamp) -> io::Result<()> {
    if SystemClock::default().wall().at < earliest {
        clock::set_wall(earliest)?;
        println!("the clock was behind; it is {earliest} now, or later");
    }
    Ok(())
}
