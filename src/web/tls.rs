//! TLS 1.2 and 1.3 by rustls: the certificate, made on first boot or the user's own, and the handshake.
//!
//! No session is resumed: neither tickets nor a cache take memory, and each connection costs one signature. What one client
//! holds is bounded by the buffers named in `limits`.

mod certificate;
mod own;

pub use certificate::Certificate;

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::server::TlsStream;

use crate::identity;
use crate::limits::TLS_BUFFER_BYTES;
use crate::limits::TLS_FILE_BYTES_MAX;
use crate::limits::TLS_RECORD_BYTES;

/// Files of the certificate that is made on first boot, in the data folder.
const CERTIFICATE: &str = "tls-certificate.pem";
const KEY: &str = "tls-key.pem";

/// What is spoken below HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Nothing: who is on the network can read.
    #[default]
    Off,
    /// TLS with a certificate of the device's own making.
    SelfSigned,
    /// TLS with the user's certificate and key.
    Files,
}

/// Where certificate and key come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// What is spoken.
    pub mode: TlsMode,
    /// The user's certificate, and those that vouch for it, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file holds no certificate or key, or they do not belong together.
    #[error("{}: {why}", .file.display())]
    Unusable {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No certificate can be made.
    #[error("no certificate can be made: {0}")]
    Making(rcgen::Error),
}

/// Certificate and key, ready for clients.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificate: Arc<Certificate>,
}

impl Tls {
    /// What `settings` ask for; `None` for no TLS. A certificate of the device's own is made once, for `addresses` and for the
    /// machine's name, and kept in `folder`.
    pub fn open(settings: &TlsSettings, folder: &Path, addresses: &[IpAddr]) -> Result<Option<Tls>, TlsError> {
        match settings.mode {
            TlsMode::Off => Ok(None),
            TlsMode::Files => Tls::read(&settings.certificate, &settings.key).map(Some),
            TlsMode::SelfSigned => {
                let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
                if !(certificate.exists() && key.exists()) {
                    make(&certificate, &key, addresses)?;
                }
                Tls::read(&certificate, &key).map(Some)
            }
        }
    }

    /// SHA-256 of the certificate, in hexadecimal digits, as browsers show it.
    pub fn fingerprint(&self) -> &str {
        &self.certificate.fingerprint
    }

    /// The certificate that clients are shown.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn read(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let unusable = |file: &Path, why: &dyn ToString| TlsError::Unusable {
            file: file.to_owned(),
            why: why.to_string(),
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(certificate)?).collect();
        let chain = chain.map_err(|error| unusable(certificate, &error))?;
        let first = chain
            .first()
            .ok_or_else(|| unusable(certificate, &"there is no certificate in it"))?;
        let shown = Certificate::read(first);
        let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| unusable(key, &error))?;
        let config = config(chain, secret).map_err(|error| unusable(key, &error))?;
        Ok(Tls {
            config: Arc::new(config),
            certificate: Arc::new(shown),
        })
    }

    /// The handshake, within `time_max`.
    pub(super) async fn accept(&self, stream: TcpStream, time_max: Duration) -> io::Result<Greeting> {
        timeout(time_max, self.greet(stream)).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    async fn greet(&self, stream: TcpStream) -> io::Result<Greeting> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        // A method's name; TLS begins with a byte of 22.
        if first[0].is_ascii_uppercase() {
            return Ok(Greeting::Plain(stream));
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        let handshake = acceptor.accept_with(stream, |connection| connection.set_buffer_limit(Some(TLS_BUFFER_BYTES)));
        Ok(Greeting::Secure(Box::new(handshake.await?)))
    }
}

/// How a client began.
pub(super) enum Greeting {
    /// With a handshake that came about.
    Secure(Box<TlsStream<TcpStream>>),
    /// With HTTP: nothing of it is read yet.
    Plain(TcpStream),
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_fragment_size = Some(TLS_RECORD_BYTES);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn make(certificate: &Path, key: &Path, addresses: &[IpAddr]) -> Result<(), TlsError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(
        addresses
            .iter()
            .filter(|ip| !ip.is_unspecified() && !ip.is_loopback())
            .map(IpAddr::to_string),
    );
    if let Some(host) = host_name() {
        names.extend([format!("{host}.local"), host]);
    }
    let made = rcgen::generate_simple_self_signed(names).map_err(TlsError::Making)?;
    write(key, &made.signing_key.serialize_pem())?;
    write(certificate, &made.cert.pem())
}

/// The machine's name, if it can be one in a certificate.
fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    valid.then(|| name.to_owned())
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let bytes = identity::file::read_public(file, TLS_FILE_BYTES_MAX);
    bytes.map_err(|cause| TlsError::File {
        file: file.to_owned(),
        cause,
    })
}

fn write(file: &Path, pem: &str) -> Result<(), TlsError> {
    identity::file::replace(file, pem.as_bytes()).map_err(|cause| TlsError::File {
        file: file.to_owned(),
        cause,
    })
}
