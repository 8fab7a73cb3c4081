//! What others would have written: plain tokio-tungstenite in this process, FastAPI and Node's `ws` in their own.
//! The latter are told what to say line by line, and are passed over where they are not installed.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::servers::HELLO;
use super::servers::HELLO_OF_BROWSER;
use super::servers::Server;
use crate::process::process_cpu_ns;
use crate::process::this_thread;
use crate::process::thread_cpu_ns;

/// Messages that a client of the broadcast channel may be behind; as many as Lookout's ring has.
const BACKLOG: usize = 256;

/// tokio-tungstenite as its examples use it: a task a client, a broadcast channel, every setting at its default.
pub(super) struct Tungstenite {
    address: SocketAddr,
    task: String,
    clients: usize,
    opened: Arc<AtomicUsize>,
    say: broadcast::Sender<Utf8Bytes>,
    stop: Option<oneshot::Sender<()>>,
}

impl Tungstenite {
    pub(super) fn start(clients: usize) -> Tungstenite {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("it is bound");
        let (say, opened) = (broadcast::Sender::new(BACKLOG), Arc::new(AtomicUsize::new(0)));
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, task) = mpsc::channel();
        let (sender, counter) = (say.clone(), Arc::clone(&opened));
        std::thread::spawn(move || {
            tell.send(this_thread()).expect("it is waited for");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, sender, counter) => {}
                    _ = stopped => {}
                }
            });
        });
        Tungstenite {
            address,
            task: task.recv().expect("the thread says it first"),
            clients,
            opened,
            say,
            stop: Some(stop),
        }
    }
}

async fn accept(listener: TcpListener, say: broadcast::Sender<Utf8Bytes>, opened: Arc<AtomicUsize>) {
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime with I/O");
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("a socket");
        tokio::spawn(serve(stream, say.clone(), Arc::clone(&opened)));
    }
}

async fn serve(stream: TcpStream, say: broadcast::Sender<Utf8Bytes>, opened: Arc<AtomicUsize>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let mut messages = say.subscribe();
    opened.fetch_add(1, Ordering::AcqRel);
    loop {
        let done = tokio::select! {
            Ok(text) = messages.recv() => socket.send(Message::Text(text)).await.is_err(),
            message = socket.next() => !matches!(message, Some(Ok(_))),
        };
        if done {
            return;
        }
    }
}

impl Server for Tungstenite {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn hello(&self) -> &'static str {
        HELLO
    }
    fn ready(&mut self) {
        while self.opened.load(Ordering::Acquire) < self.clients {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    fn publish(&mut self, text: String) {
        self.say.send(text.into()).expect("clients that listen");
    }
    fn cpu_ns(&self) -> u64 {
        thread_cpu_ns(&self.task)
    }
}

impl Drop for Tungstenite {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

/// A server in a process of its own.
pub(super) struct Peer {
    address: SocketAddr,
    hello: &'static str,
    clients: usize,
    child: Child,
    lines: BufReader<ChildStdout>,
    say: ChildStdin,
}

impl Peer {
    /// The same bytes as the others': uvicorn is told not to compress. `None` where it is not installed; `tools/bench/run` does that.
    pub(super) fn fastapi(clients: usize) -> Option<Peer> {
        Peer::start(Path::new(".cache/peers/bin/python"), &["fastapi_peer.py", "plain"], HELLO, clients)
    }

    /// At its defaults, asked by browsers: uvicorn takes their offer of compressed messages.
    pub(super) fn fastapi_of_browsers(clients: usize) -> Option<Peer> {
        Peer::start(
            Path::new(".cache/peers/bin/python"),
            &["fastapi_peer.py"],
            HELLO_OF_BROWSER,
            clients,
        )
    }

    /// `None` where it is not installed.
    pub(super) fn node(clients: usize) -> Option<Peer> {
        let installed = Path::new(".cache/node/node_modules/ws").exists();
        installed
            .then(|| Peer::start(Path::new("node"), &["ws_peer.cjs"], HELLO, clients))
            .flatten()
    }

    fn start(program: &Path, script: &[&str], hello: &'static str, clients: usize) -> Option<Peer> {
        let mut child = Command::new(program)
            .arg(Path::new("tools/bench/peers").join(script[0]))
            .args(&script[1..])
            .env("NODE_PATH", ".cache/node/node_modules")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(child.stdout.take()?);
        let mut port = String::new();
        lines.read_line(&mut port).ok()?;
        Some(Peer {
            address: SocketAddr::from(([127, 0, 0, 1], port.trim().parse().ok()?)),
            hello,
            clients,
            say: child.stdin.take()?,
            child,
            lines,
        })
    }
}

impl Server for Peer {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn hello(&self) -> &'static str {
        self.hello
    }
    fn ready(&mut self) {
        for _ in 0..self.clients {
            self.lines.read_line(&mut String::new()).expect("a line per client");
        }
    }
    fn publish(&mut self, text: String) {
        self.say.write_all(format!("{text}\n").as_bytes()).expect("a peer that reads");
    }
    fn cpu_ns(&self) -> u64 {
        process_cpu_ns(self.child.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
