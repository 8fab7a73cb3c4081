//! `lookout export`: stored events, oldest first, as JSON lines or as CSV (RFC 4180).

use std::io;
use std::io::Write;
use std::ops::ControlFlow;

use crate::event::model::Event;
use crate::store::Reader;
use crate::store::StoreError;

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line, as REST has it
    #[default]
    Jsonl,
    /// Comma-separated, with a header line
    Csv,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// What was read cannot be written.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// The columns of CSV.
const HEADER: &str = "id,timestamp,clock,camera_id,trigger,phase,duration_ms,score,zones,end_reason,boot_id,uptime_ms";

/// Writes all events with an id of at least `from_id` to `out`; gives how many there were.
pub fn export(reader: &Reader, format: Format, from_id: u64, out: &mut dyn Write) -> Result<u64, ExportError> {
    if format == Format::Csv {
        writeln!(out, "{HEADER}")?;
    }
    let (mut count, mut failed) = (0, None);
    reader.for_each_event(from_id, |event| {
        let written = match format {
            Format::Jsonl => write_json(out, &event),
            Format::Csv => write_csv(out, &event),
        };
        count += 1;
        failed = written.err();
        if failed.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    failed.map_or(Ok(()), Err)?;
    out.flush()?;
    Ok(count)
}

fn write_json(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")
}

fn write_csv(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    let zones: Vec<&str> = event.zones.iter().map(|zone| zone.as_str()).collect();
    let reason = event.end_reason.map(|reason| word(&reason)).unwrap_or_default();
    writeln!(
        out,
        "{},{},{},{},{},{},{},{},{},{reason},{},{}",
        event.id,
        event.timestamp,
        word(&event.clock),
        quoted(&event.camera_id),
        word(&event.trigger),
        word(&event.phase),
        event.duration_ms,
        word(&event.score),
        quoted(&zones.join(" ")),
        event.boot_id.as_str(),
        event.uptime_ms,
    )
}

/// A plain value as JSON writes it, without the quotes.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().trim_matches('"').to_owned()
}

/// A field that may hold commas, quotes or line breaks.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
