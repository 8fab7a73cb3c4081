//! `lookout network`: looks after Wi-Fi, and opens an access point where no network is known.

use std::convert::Infallible;
use std::fs;
use std::fs::Permissions;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::UnixListener;
use tokio::runtime::Builder;

use crate::clock::SystemClock;
use crate::clock::Trust;
use crate::health;
use crate::network::Iwd;
use crate::network::Keeper;
use crate::network::Links;
use crate::network::Parts;
use crate::network::files::Files;
use crate::network::machine::Times;

/// Arguments of `network`.
#[derive(Args, Clone, Debug)]
pub struct NetworkArgs {
    /// iwd's folder
    #[arg(long, value_name = "DIR", default_value = "/var/lib/iwd")]
    state: PathBuf,
    /// Where the service connects to
    #[arg(long, value_name = "FILE", default_value = "/run/lookout-network/socket")]
    socket: PathBuf,
    /// Address that the device has as an access point
    #[arg(long, value_name = "ADDR")]
    own_address: Option<IpAddr>,
}

/// `lookout network`
pub fn network(args: &NetworkArgs) -> io::Result<Infallible> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let door = open(args)?;
        let keeper = Keeper::new(Parts {
            radio: Iwd,
            sight: Links { own: args.own_address },
            files: Files::new(&args.state),
            times: Times::default(),
            clock: Arc::new(SystemClock::new(Trust::default())),
        });
        health::ready("looking after the network");
        Ok(keeper.run(door).await)
    })
}

/// The socket, for those of the process's group.
fn open(args: &NetworkArgs) -> io::Result<UnixListener> {
    match fs::remove_file(&args.socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let door = UnixListener::bind(&args.socket)?;
    fs::set_permissions(&args.socket, Permissions::from_mode(0o660))?;
    Ok(door)
}
