//! Every bound of the service, by name, unit last, with what it costs; nothing here computes or allocates.
//!
//! A bound that a user may lower or raise is a key of `config.rs`; the constant here is then the hard
//! ceiling that the key is checked against, or its default. What happens when a bound is reached stands
//! in its comment: *wait, drop oldest, drop newest, refuse, close*.

// ---- pictures ----

/// Widest picture accepted, in pixels. A larger format is refused when the source is opened.
pub const FRAME_WIDTH_MAX: u32 = 2592;
/// Highest picture accepted, in pixels. A larger format is refused when the source is opened.
pub const FRAME_HEIGHT_MAX: u32 = 1944;
/// Smallest side of a picture accepted, in pixels: eight cells.
pub const FRAME_SIDE_MIN: u32 = 64;
/// Side of a cell in pixels: the block of a JPEG, so that its DC coefficient is a cell's mean.
pub const CELL_SIDE_PX: u32 = 8;
/// Kernel buffers asked for per camera; each is one frame of the negotiated format (614 kB for 640x480 YUYV).
/// Full: the kernel drops the newest frame, seen as a gap in the sequence numbers.
pub const CAMERA_BUFFERS: u32 = 4;
/// Longest compressed frame accepted, as a fraction of the raw 4:2:0 picture (1 = as large as raw). Longer: skipped, counted as corrupt.
pub const JPEG_BYTES_PER_PIXEL_MAX: usize = 2;

/// Fewest kernel buffers with which a camera can stream: one is filled while the other is looked at. What a driver makes is
/// held to [`CAMERA_BUFFERS`] of the worst layout's size; a driver with larger buffers gets fewer, then is refused.
pub const CAMERA_BUFFERS_MIN: u32 = 2;
/// Bytes that a driver may add to a picture in each of its buffers (UVC cameras add about 600). More: as above.
pub const CAMERA_BUFFER_SLACK_BYTES: usize = 4096;
/// Rows of a raw picture begin at multiples of so many bytes at most. Coarser: as above.
pub const CAMERA_ROW_ALIGN_BYTES: usize = 64;
/// Entries read of a list that a camera's driver offers (layouts, sizes, rates). More: not looked at.
pub const CAMERA_ENUM_MAX: u32 = 64;

// ---- motion ----

/// Regions (boxes) reported per frame, largest first. Full: the smallest are left out.
pub const REGIONS_MAX: usize = 8;
/// Zones of one camera; a set of them is a 16-bit mask. More: the configuration is refused.
pub const ZONES_MAX: usize = 16;
/// Masks (parts of the picture that are never looked at) of one camera. More: the configuration is refused.
pub const MASKS_MAX: usize = 16;
/// Corners of one polygon. More: the configuration is refused.
pub const POLYGON_POINTS_MAX: usize = 32;
/// Bytes of a zone's or camera's name in UTF-8. Longer: the configuration is refused.
pub const NAME_BYTES_MAX: usize = 32;

// ---- PIR ----

/// Edges taken from a trigger source in one step. More stay in the kernel's buffer for the next step.
pub const EDGES_PER_STEP_MAX: usize = 16;
/// Edges that a scripted source (scene, recording) holds between two steps. Full: the oldest is dropped and counted as missed.
pub const SCRIPTED_EDGES_MAX: usize = 64;
/// Edges that the kernel keeps for the service, 48 bytes each (rppal asks for 1024 by itself). Full: the kernel drops the
/// oldest; a gap in its numbers shows it, and they are counted as missed.
pub const KERNEL_EDGES_MAX: u32 = 64;

// ---- threads and queues ----

/// Records between the pipeline and the recorder, 512 bytes each. Full: an update is coalesced into its event's
/// newest record; failing that the oldest record goes, counted in `records_dropped`.
pub const RECORD_QUEUE_MAX: usize = 64;
/// Commands (arm, manual trigger) between the network and the pipeline. Full: the request is refused with 503.
pub const COMMAND_QUEUE_MAX: usize = 8;
/// Longest time that one pipeline step waits for a frame, in milliseconds; edges and commands are looked at between steps.
pub const STEP_WAIT_MS_MAX: u64 = 100;
/// Records written in one commit. More: the next commit.
pub const COMMIT_RECORDS_MAX: usize = 32;
/// Stack of each of the service's threads, in bytes.
pub const THREAD_STACK_BYTES: usize = 256 * 1024;

// ---- camera state ----

/// Pause between two attempts to open a lost camera, in milliseconds: it is back within 2 s of its return.
pub const CAMERA_REOPEN_MS: u64 = 500;

// ---- hub and clients ----

/// Messages in the hub's ring. Full: the oldest goes; a client that had not read it is told `lagged`.
pub const RING_MESSAGES_MAX: usize = 256;
/// Bytes of messages in the hub's ring. Full: as above.
pub const RING_BYTES_MAX: usize = 256 * 1024;
/// Most clients that a configuration may ask for.
pub const CLIENTS_MAX: usize = 1024;
/// Longest message that the service itself makes, in bytes: an event with every box and zone at its longest.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1024;

const _: () = assert!(ZONES_MAX <= u16::BITS as usize, "a set of zones is a u16");
const _: () = assert!(
    CAMERA_BUFFERS_MIN >= 2 && CAMERA_BUFFERS_MIN <= CAMERA_BUFFERS,
    "one is filled, one is looked at"
);
const _: () = assert!(FRAME_SIDE_MIN >= 8 * CELL_SIDE_PX);
const _: () = assert!(COMMIT_RECORDS_MAX <= RECORD_QUEUE_MAX);
const _: () = assert!(MESSAGE_BYTES_MAX <= RING_BYTES_MAX / 16, "one message never empties the ring");
