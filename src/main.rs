//! Index of commands. What each does is in `commands/`.

use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;
use lookout::commands;
use lookout::config::Overrides;
use lookout::heap;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// A motion-sensing camera: V4L2 frames and a PIR sensor in, durable events out, over WebSocket and REST.
#[derive(Parser)]
#[command(name = "lookout", version, args_conflicts_with_subcommands = true, after_help = commands::AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Overrides,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service (what happens without a command, too)
    Run(Overrides),
    /// Check the configuration and print the memory ledger
    Check(Overrides),
    /// Play a clip through the pipeline as fast as it goes, and print what is found
    Replay(commands::ReplayArgs),
    /// Record frames and PIR edges on one time line, for replay
    Record(commands::RecordArgs),
    /// Print stored events as JSON lines or CSV
    Export(commands::ExportArgs),
    /// Give the device its first password, read from standard input
    Claim(Overrides),
    /// Take what someone wrote to the boot partition, and set the clock no earlier than it can be
    Provision(commands::provision::ProvisionArgs),
    /// Look after Wi-Fi, and open an access point where no network is known
    Network(commands::network::NetworkArgs),
    /// Print the version
    Version,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => commands::run(&args),
        Command::Check(args) => commands::check(&args),
        Command::Replay(args) => commands::replay(&args),
        Command::Record(args) => commands::record(&args),
        Command::Export(args) => commands::export(&args),
        Command::Claim(args) => commands::claim(&args),
        Command::Provision(args) => commands::provision::provision(&args).map_err(commands::CommandError::from),
        Command::Network(args) => commands::network(&args),
        Command::Version => commands::version(),
    };
    commands::exit(outcome)
}
