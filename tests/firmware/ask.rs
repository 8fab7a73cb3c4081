//! Asks an HTTP server, for the firmware tests' guest, which has no program for it: `ask ADDRESS METHOD PATH FIELDS BODY` prints the
//! answer, header and all. FIELDS are those of the header, with `|` between them. It needs nothing but the standard library, so that
//! one call of the compiler builds it for the guest.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;

/// Longest time that the server may take.
const LIMIT: Duration = Duration::from_secs(60);
const PORT: u16 = 80;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, method, path, fields, body] = arguments.as_slice() else {
        return Err(io::Error::other("address, method, path, fields of the header, body"));
    };
    let server: IpAddr = address.parse().map_err(io::Error::other)?;
    let mut socket = TcpStream::connect_timeout(&SocketAddr::new(server, PORT), LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    let fields: String = fields
        .split('|')
        .filter(|field| !field.is_empty())
        .map(|field| format!("{field}\r\n"))
        .collect();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\n");
    let request = format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n{fields}\r\n{body}");
    socket.write_all(request.as_bytes())?; // in one packet
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    println!("{answer}");
    Ok(())
}
