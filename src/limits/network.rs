//! Bounds of whatever has a socket: streams, requests, TLS, and who may come in.

// ---- hub and clients ----

/// Messages in the hub's ring. Full: the oldest goes; a client that had not read it is told `lagged`.
pub const RING_MESSAGES_MAX: usize = 256;
/// Bytes of messages in the hub's ring. Full: as above.
pub const RING_BYTES_MAX: usize = 256 * 1024;
/// Messages out of the ring of which it is still known whom they would have been for, 32 bytes each. Full: the oldest is
/// forgotten, and counts as one that everybody wanted.
pub const RING_GONE_MAX: usize = 1024;
/// Most clients that a configuration may ask for.
pub const CLIENTS_MAX: usize = 1024;
/// Longest message that the service itself makes, in bytes: an event with every box and zone at its longest.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1024;

// ---- TLS ----

/// Longest record that is sent, in bytes: what a client must hold to read the first byte of it.
pub const TLS_RECORD_BYTES: usize = 4 * 1024;
/// Plain or encrypted bytes that wait in a TLS connection, each. Full: the writer waits, see `client_stall_max`.
pub const TLS_BUFFER_BYTES: usize = 8 * 1024;
/// What rustls holds for a client beside those: keys, hashes, a record that comes in (a client may send 16 KiB), the
/// handshake; measured.
pub const TLS_STATE_BYTES: usize = 28 * 1024;
/// Longest file of certificates or keys, in bytes. What is beyond is not read.
pub const TLS_FILE_BYTES_MAX: u64 = 64 * 1024;
/// Names of a certificate that are shown. More: left out.
pub const TLS_NAMES_MAX: usize = 32;

// ---- identity ----

/// Shortest password, in bytes of UTF-8. Shorter: refused.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Longest password, in bytes of UTF-8. Longer: refused, before anything is computed from it.
pub const PASSWORD_BYTES_MAX: usize = 128;
/// Memory that Argon2id fills to check a password, in KiB; one password is checked at a time.
pub const ARGON2_MEMORY_KIB: u32 = 4 * 1024;
/// Passes of Argon2id over that memory: many, as the memory is little. Cost: about 4 ms each on a two-core x86-64.
pub const ARGON2_PASSES: u32 = 10;
/// Logins that may wait while another one's password is checked. Full: 503.
pub const LOGINS_WAITING_MAX: usize = 2;
/// Failed logins of one address before it has to wait.
pub const LOGIN_FAILURES_FREE: u32 = 3;
/// Longest wait of an address after a failed login, in seconds; it doubles from one second with every failure.
pub const LOGIN_WAIT_S_MAX: u64 = 900;
/// Addresses whose failed logins are remembered, 48 bytes each. Full: the one that failed the longest ago is forgotten.
pub const LOGIN_ADDRESSES_MAX: usize = 64;
/// Failed logins of all addresses together that may come at once. More: 429.
pub const LOGIN_FAILURES_BURST: u32 = 20;
/// Time after which one more failed login is allowed to all addresses together, in seconds.
pub const LOGIN_FAILURE_S: u64 = 6;
/// Browsers logged in at once, about 200 bytes each. Full: the one that was silent the longest is logged out.
pub const SESSIONS_MAX: usize = 16;
/// Time without a request after which a browser is logged out, in seconds: a week.
pub const SESSION_IDLE_S: u64 = 7 * 24 * 3600;
/// Time after which a browser is logged out in any case, in seconds: thirty days.
pub const SESSION_S_MAX: u64 = 30 * 24 * 3600;
/// Tokens for programs, about 200 bytes each. Full: no more are made, 409.
pub const TOKENS_MAX: usize = 32;
/// Longest lifetime of a token, in seconds: ten years. Longer: refused.
pub const TOKEN_S_MAX: u64 = 10 * 366 * 24 * 3600;
/// Longest token that is looked at, in bytes. Longer: not valid.
pub const TOKEN_BYTES_MAX: usize = 1024;
/// Longest file of passwords and tokens, in bytes. Longer: damaged.
pub const IDENTITY_BYTES_MAX: u64 = 64 * 1024;
/// Time between two looks at whether the session or token of an open stream holds still, in milliseconds: so long a revoked one
/// goes on.
pub const CREDENTIAL_CHECK_MS: u64 = 2_000;
/// How exactly it is known when a session or token was last used, in seconds: each notice of it is a write to the card.
pub const LAST_USED_GRAIN_S: i64 = 3600;

// ---- sockets ----

/// Bytes of what a client calls its request (`X-Request-Id`). Longer: it is named by us.
pub const REQUEST_ID_BYTES_MAX: usize = 64;
/// Characters of an announcement. Longer: 400.
pub const ANNOUNCEMENT_CHARS_MAX: usize = 240;

/// Bytes that the kernel may hold for a client that does not read; it takes twice as much for its own bookkeeping.
/// Full: the client's messages wait in the ring, see `client_stall_max`.
pub const SOCKET_SEND_BYTES: usize = 16 * 1024;
/// Buffer for a request's line and header, and the same again for an answer's. Longer header: 431.
pub const HTTP_BUFFER_BYTES: usize = 8 * 1024;
/// Header fields of a request. More: 431.
pub const HTTP_HEADERS_MAX: usize = 64;
/// Bytes of a request's body that brings settings. Longer: 413.
pub const SETTINGS_BYTES_MAX: usize = 16 * 1024;
/// Bytes of any other request's body. Longer: 413.
pub const REQUEST_BODY_BYTES_MAX: usize = 4 * 1024;
/// Bytes of events in one answer; a page ends early rather than exceed it by more than one event.
pub const RESPONSE_BYTES_MAX: usize = 32 * 1024;
/// Events in one page. More asked for: 400.
pub const PAGE_EVENTS_MAX: usize = 100;
/// Buffer that a WebSocket reads into. It is filled with zeros before every read, so a large one costs time too.
pub const SOCKET_READ_BYTES: usize = 512;
/// Bytes that a WebSocket gathers before it writes, when several messages are ready. Full: written at once.
pub const SOCKET_WRITE_BYTES: usize = 4 * 1024;
/// Batches sent to one client before the next client has its turn: all that the ring holds. More: its own session goes on.
pub const FANOUT_BATCHES_MAX: usize = RING_MESSAGES_MAX.div_ceil(BATCH_MESSAGES_MAX);
/// Messages handed to a client before its own messages are looked at again.
pub const BATCH_MESSAGES_MAX: usize = 32;
/// Bytes of stored messages that a replaying client holds at once; at least one message.
pub const REPLAY_PAGE_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
/// Messages that a replaying client holds at once.
pub const REPLAY_PAGE_MESSAGES_MAX: usize = 32;
/// Reads of the store that wait or whose answer is not yet sent. Full: a request is refused with 503, a replay waits.
pub const STORE_READS_MAX: usize = 8;
/// Longest time that a request waits for the store, in milliseconds. Longer: 503.
pub const STORE_READ_MS_MAX: u64 = 5_000;
/// Longest time that a closing handshake takes, in milliseconds. Longer: closed without.
pub const CLOSE_MS_MAX: u64 = 500;
/// Longest time from the request to stop until every client is gone, in milliseconds. Longer: dropped.
pub const SHUTDOWN_MS_MAX: u64 = 1_000;
/// Pause after an accept that failed for want of descriptors or memory, in milliseconds.
pub const ACCEPT_PAUSE_MS: u64 = 100;
/// When a client that was refused or sent away should come back, in seconds.
pub const RETRY_AFTER_S: u64 = 2;

/// Time between two `statistics_update`, in milliseconds.
pub const STATISTICS_MS: u64 = 5_000;
/// Time between two `telemetry`, in milliseconds.
pub const TELEMETRY_MS: u64 = 2_000;
/// Least time between two `overlay`, in milliseconds.
pub const OVERLAY_MS_MIN: u64 = 200;
/// Overlays of which one carries the heat of the picture.
pub const OVERLAY_HEAT_EVERY: u64 = 5;
/// Fields of the heat of a picture, across.
pub const HEAT_COLUMNS: usize = 16;
/// Fields of the heat of a picture, down.
pub const HEAT_ROWS: usize = 12;
/// Longest time between two `presence`, in milliseconds.
pub const PRESENCE_MS_MAX: u64 = 10_000;
/// Least time between two `presence`, in milliseconds, however many come and go.
pub const PRESENCE_MS_MIN: u64 = 1_000;
/// Clients listed in a `presence`, those furthest behind first. More: counted only.
pub const PRESENCE_CLIENTS_MAX: usize = 32;

// ---- Wi-Fi, and the access point of set-up ----

/// Time with neither a known network nor an address by cable after which the access point is opened, in milliseconds.
pub const SETUP_WAIT_MS: u64 = 60_000;
/// Time between two looks at cable, addresses and known networks, in milliseconds.
pub const SETUP_LOOK_MS: u64 = 1_000;
/// Time between two looks at whether the access point is still there, in milliseconds.
pub const SETUP_CHECK_MS: u64 = 15_000;
/// Time that the answer to a wish has to leave the device before the access point that carries it is closed, in milliseconds.
pub const SETUP_LEAVE_MS: u64 = 1_500;
/// Longest time that a network is looked for, in milliseconds. Longer: it is not there.
pub const WIFI_FIND_MS_MAX: u64 = 45_000;
/// Longest time that the radio takes to do one thing (a scan, a change of mode, to join), in milliseconds. Longer: it failed.
pub const WIFI_CALL_MS_MAX: u64 = 45_000;
/// Longest time from joining a network to an address in it, in milliseconds. Longer: given up.
pub const WIFI_ADDRESS_MS_MAX: u64 = 60_000;
/// Longest time in which a client has to come over a network that is tried, in milliseconds: long enough to take the phone back to
/// that network, and to log in. Longer: given up.
pub const WIFI_TEST_MS_MAX: u64 = 300_000;
/// Networks in sight that are listed, the strongest first. More: the rest is left out.
pub const WIFI_SEEN_MAX: usize = 32;
/// Bytes of a network's name.
pub const SSID_BYTES_MAX: usize = 32;
/// Longest line between the service and who looks after the network, in bytes: a report with every name at its longest. Longer:
/// hung up on.
pub const NETWORK_LINE_BYTES_MAX: usize = 12 * 1024;
/// Reports and wishes that wait on their way, each. Full: a wish is refused with 503.
pub const NETWORK_QUEUE_MAX: usize = 4;
/// Programs that may be connected to who looks after the network. More: hung up on.
pub const NETWORK_CLIENTS_MAX: usize = 4;
/// Pause between two attempts to reach who looks after the network, in milliseconds.
pub const NETWORK_RETRY_MS: u64 = 5_000;
/// Longest file of iwd's that is read, in bytes. Longer: not looked at.
pub const WIFI_FILE_BYTES_MAX: u64 = 16 * 1024;
