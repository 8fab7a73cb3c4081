//! Every bound of the service, by name, unit last, with what it costs; nothing here computes or allocates.
//!
//! A bound that a user may lower or raise is a key of `config.rs`; the constant here is then the hard
//! ceiling that the key is checked against, or its default. What happens when a bound is reached stands
//! in its comment: *wait, drop oldest, drop newest, refuse, close*.

mod network;

pub use network::*;

// ---- pictures ----

/// Widest picture accepted, in pixels. A larger format is refused when the source is opened.
pub const FRAME_WIDTH_MAX: u32 = 2592;
/// Highest picture accepted, in pixels. A larger format is refused when the source is opened.
pub const FRAME_HEIGHT_MAX: u32 = 1944;
/// Smallest side of a picture accepted, in pixels: eight cells.
pub const FRAME_SIDE_MIN: u32 = 64;
/// Side of a cell in pixels: the block of a JPEG, so that its DC coefficient is a cell's mean.
pub const CELL_SIDE_PX: u32 = 8;
/// Side of a cell in pixels in small pictures, so that a small thing is not lost in one cell.
pub const CELL_SIDE_SMALL_PX: u32 = 4;
/// Pictures with fewer rows than this have small cells: the grid then has about as many cells as that of a 480-row picture.
pub const PICTURE_SMALL_BELOW_PX: u32 = 400;
/// Kernel buffers asked for per camera; each is one frame of the negotiated format (614 kB for 640x480 YUYV).
/// Full: the kernel drops the newest frame, seen as a gap in the sequence numbers.
pub const CAMERA_BUFFERS: u32 = 4;
/// Longest compressed frame accepted, as a fraction of the raw 4:2:0 picture (1 = as large as raw). Longer: skipped, counted as corrupt.
pub const JPEG_BYTES_PER_PIXEL_MAX: usize = 2;

/// Highest frame rate accepted, in frames a second. A higher one is refused when the source is opened.
pub const FRAME_RATE_MAX: u32 = 240;

// ---- clips in place of a camera ----

/// Bytes read from a clip at once; larger wants go past this buffer, straight into the frame.
pub const CLIP_BUFFER_BYTES: usize = 64 * 1024;
/// Longest header line (YUV4MPEG2, PGM, recording), in bytes. Longer: the file is damaged.
pub const CLIP_HEADER_BYTES_MAX: usize = 4 * 1024;
/// Bytes between two pictures of an MJPEG stream that are searched for the next. More: the file is damaged.
pub const CLIP_GAP_BYTES_MAX: usize = 64 * 1024;
/// Chunks of an AVI file before its first picture. More: the file is damaged.
pub const AVI_HEADER_CHUNKS_MAX: usize = 256;
/// Pictures in a folder that is played, their names about 64 bytes each. More: the folder is refused.
pub const CLIP_FILES_MAX: usize = 10_000;
/// Late pictures passed over in one call, so that a call ends. More: the rest is passed over in the next.
pub const CLIP_LATE_FRAMES_MAX: u64 = 64;
/// Time after which what was recorded is forced to the disk, in milliseconds: what a power cut may cost.
pub const RECORDING_SYNC_MS: u64 = 5_000;
/// Longest recording, in seconds: a year. A record later than that is damaged.
pub const RECORDING_SECONDS_MAX: u64 = 366 * 24 * 3600;
/// Edges of one burst that a scene injects. More: the script is refused.
pub const SCENE_BURST_EDGES_MAX: u32 = 1_000;
/// Visits, lights, edges and faults of a scene's script, each. More: the script is refused.
pub const SCENE_SCRIPT_MAX: usize = 256;
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
/// Cells from which the change of light is estimated in a frame, spread over the picture; a larger grid is sampled more thinly.
pub const LIGHT_SAMPLES_MAX: usize = 512;
/// Longest list of Huffman tables and other headers looked through for a JPEG picture's size, in segments. More: the frame is refused.
pub const JPEG_SEGMENTS_MAX: usize = 64;
/// Zones of one camera; a set of them is a 16-bit mask. More: the configuration is refused.
pub const ZONES_MAX: usize = 16;
/// Masks (parts of the picture that are never looked at) of one camera. More: the configuration is refused.
pub const MASKS_MAX: usize = 16;
/// Corners of one polygon. More: the configuration is refused.
pub const POLYGON_POINTS_MAX: usize = 32;
/// Bytes of a zone's or camera's name in UTF-8. Longer: the configuration is refused.
pub const NAME_BYTES_MAX: usize = 32;

/// Seconds of which it is kept how strong motion was, 2 bytes each: an hour. Full: the oldest goes.
pub const SCORES_SECONDS_MAX: usize = 3600;

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
/// Bytes of the words that go with a notice (why the camera was lost, say). Longer: cut.
pub const DETAIL_BYTES_MAX: usize = 160;
/// Records written in one commit. More: the next commit.
pub const COMMIT_RECORDS_MAX: usize = 32;
/// Longest time that the recorder waits for a record before it looks after the store, in milliseconds.
pub const RECORDER_WAIT_MS_MAX: u64 = 250;
/// Pause between two attempts at a commit that failed, in milliseconds.
pub const RECORDER_RETRY_MS: u64 = 1_000;
/// Events that may be open at once: the automatic one and the one by hand, and as many whose end was lost on the way.
pub const EVENTS_OPEN_MAX: usize = 4;
/// Threads beside the caller's: pipeline, recorder. The studio's is on its own line of the ledger. (The one that reads the store for the network is the server's.)
pub const SERVICE_THREADS: usize = 2;
/// Longest time from the wish to stop until the process is gone, in milliseconds.
pub const STOP_MS_MAX: u64 = 2_000;
/// Time after which the start of the service is over, in milliseconds: what only it used of the program is given back then.
pub const START_MS: u64 = 1_000;
/// Stack of each of the service's threads, in bytes; 76 KiB of one are touched.
pub const THREAD_STACK_BYTES: usize = 224 * 1024;

/// Longest time without a step of a thread, or without a frame of a camera that is open, in milliseconds. Longer: the
/// watchdog is no longer fed.
pub const HANG_MS_MAX: u64 = 10_000;

// ---- camera and sensor state ----

/// Time without motion after which fewer frames are looked at, where `motion.idle_fps` says so, in milliseconds.
pub const LULL_AFTER_MS: u64 = 5000;
/// Pause between two attempts to open a lost camera, in milliseconds: it is back within 2 s of its return.
pub const CAMERA_REOPEN_MS: u64 = 500;

/// Pause between two attempts to open a lost PIR sensor, in milliseconds.
pub const SENSOR_REOPEN_MS: u64 = 2_000;
// ---- store ----

/// Rows that one call reads at most from the store, to filter or to correct them. More: the caller is given a cursor to go on from.
pub const STORE_SCAN_ROWS_MAX: usize = 1024;
/// Ids taken from the time index for one query, 8 bytes each. More in that span of time: the events are scanned instead.
pub const STORE_TIME_IDS_MAX: usize = 4096;
/// Events of one page. A larger page asked for is cut to this; the cursor goes on.
pub const STORE_PAGE_EVENTS_MAX: usize = 256;
/// Rows removed together once a table is full: each removal costs page writes, so it is done seldom and for many.
pub const STORE_TRIM_ROWS: u64 = 64;
/// Rows that one commit or one piece of upkeep removes from a table at most. More: the next one.
pub const STORE_TRIM_ROWS_MAX: usize = 128;
/// Events that are looked for, and found, without an end after a crash. One runs at a time, so more are never left open.
pub const STORE_UNFINISHED_MAX: usize = 16;
/// Damaged database files kept beside the new one. Full: the oldest is deleted.
pub const STORE_DAMAGED_FILES_MAX: usize = 2;
/// Least free space in the database file, in bytes, for which it is compacted.
pub const STORE_COMPACT_FREE_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// Part of the store's limit in bytes that is written between two measurements of the bytes in use, which read the whole file:
/// one in so many. It is also what is removed beyond the limit when that is passed.
pub const STORE_MEASURE_PART: u64 = 16;

/// Bookmarked events, which outlast the others. Full: another bookmark is refused with 409.
pub const BOOKMARKS_MAX: u64 = 1000;
/// Pictures that one piece of upkeep removes at most, and files. More: the next one.
pub const PICTURES_REMOVED_MAX: usize = 32;
/// Files on their way that are looked at when the service starts. One run leaves a handful; more: the next start.
pub const PICTURES_SWEPT_MAX: usize = 256;

/// Wishes (delete, bookmark) between the network and the recorder. Full: the request is refused with 503.
pub const WISH_QUEUE_MAX: usize = 8;

// ---- pictures for people ----

/// Shortest limit of a picture's JPEG, in bytes: small pictures take more bits a pixel.
pub const PICTURE_BYTES_MIN: usize = 32 * 1024;
/// Worst quality that a picture is made at to fit its limit. Still too long: left out, counted in `pictures.failed`.
pub const PICTURE_QUALITY_MIN: u8 = 20;
/// Time without motion after which the next motion is looked at afresh for a best moment, in milliseconds.
pub const PICTURE_CALM_MS: u64 = 2_000;
/// Changes of events that wait for the studio, and ids that it is told, 32 bytes each. Full: a change goes into a waiting one of
/// its event, else the oldest goes, and with it an event's pictures.
pub const PICTURE_NEWS_MAX: usize = 16;
/// Finished pictures that wait to be indexed. Full: the next is removed, counted in `pictures.lost`.
pub const PICTURES_SAVED_MAX: usize = 8;
/// Events that pictures are taken of at once: the automatic one, the one by hand, and one whose clip goes on. More: none of the
/// newest.
pub const TAKES_MAX: usize = 3;
/// Longest time that the studio waits for something to do, in milliseconds.
pub const STUDIO_WAIT_MS_MAX: u64 = 100;
/// Longest time that the studio saves what was begun once the service stops, in milliseconds. Longer: lost.
pub const STUDIO_CLOSE_MS_MAX: u64 = 500;
/// Longest time that a picture waits for its event to be durable, in milliseconds. Longer: removed, counted in `pictures.lost`.
pub const TAKE_WAIT_MS_MAX: u64 = 30_000;
/// Pictures in a clip, 8 bytes each while it is made; five minutes at four a second. More: the clip ends there.
pub const CLIP_FRAMES_MAX: usize = 1200;
/// Longest index of a clip that is read, in bytes. Longer: it is not one of ours.
pub const CLIP_INDEX_BYTES_MAX: u64 = 64 * 1024;
/// Most viewers of the live picture that a configuration may ask for.
pub const VIEWERS_MAX: usize = 32;
/// Live pictures a second that a viewer may ask for. More: 400, or an `error`.
pub const LIVE_FPS_MAX: u32 = 30;
/// Live pictures a second for a viewer who does not say.
pub const LIVE_FPS_DEFAULT: u32 = 5;
/// Longest time that a request waits for a picture of now, in milliseconds. Longer: 503.
pub const LIVE_WAIT_MS_MAX: u64 = 3_000;
/// Bytes of a file that are read at once for an answer; a client holds one such piece.
pub const FILE_PIECE_BYTES: usize = 8 * 1024;

// ---- configuration ----

/// Longest configuration file read, in bytes. Longer: refused at start.
pub const CONFIG_BYTES_MAX: u64 = 64 * 1024;

/// Addresses whose rate of connections is remembered, 48 bytes each. Full: the one that was quiet longest is forgotten.
pub const ADDRESSES_MAX: usize = 64;
/// What a rate allows at once after a pause, in seconds of that rate. More: refused, or closed.
pub const RATE_BURST_S: u64 = 5;

// ---- log ----

/// Lines of the log that are kept in memory. Full: the oldest goes.
pub const LOG_LINES_MAX: usize = 256;
/// Bytes of one of them, all of which it takes. Longer: cut.
pub const LOG_LINE_BYTES_MAX: usize = 240;

// ---- updates ----

/// Pieces of a bundle between the socket and the thread that writes it, at most [`HTTP_BUFFER_BYTES`] each. Full: the sender waits.
pub const UPDATE_PIECES_MAX: usize = 4;
/// Bytes of a bundle after which what is written is forced to the disk, so that little is left to do at its end.
pub const UPDATE_SYNC_BYTES: u64 = 4 * 1024 * 1024;
/// Longest time between two pieces of a bundle, in milliseconds. Longer: 408.
pub const UPDATE_STALL_MS_MAX: u64 = 30_000;
/// Longest time that a bundle may take to come in, in milliseconds: an hour. Longer: 408.
pub const UPDATE_UPLOAD_MS_MAX: u64 = 3_600_000;
/// Longest address of a bundle, in bytes. Longer: 400.
pub const UPDATE_URL_BYTES_MAX: usize = 2048;
/// Longest time that RAUC, iwd or systemd may take to answer a question, in milliseconds. Longer: 503 of an update; the radio counts as broken.
pub const BUS_CALL_MS_MAX: u64 = 10_000;
/// Longest time that logind may take to begin a restart of the machine, in milliseconds: it may itself have to be started first. Longer: 503.
pub const BUS_RESTART_MS_MAX: u64 = 60_000;
/// Longest time that RAUC may take to look at a bundle, of which it hashes all in the older format, in milliseconds. Longer: 503.
pub const UPDATE_INSPECT_MS_MAX: u64 = 120_000;
/// Longest time that RAUC may take to install a bundle, in milliseconds: an hour. Longer: the task failed.
pub const UPDATE_INSTALL_MS_MAX: u64 = 3_600_000;
/// Time between two looks at how far RAUC is, in milliseconds.
pub const UPDATE_PROGRESS_MS: u64 = 500;
/// Messages of the bus that wait to be read. Full: the bus waits.
pub const BUS_MESSAGES_MAX: usize = 8;
/// What a connection to the bus holds, with the longest answer of RAUC's; measured, and doubled.
pub const BUS_BYTES: usize = 48 * 1024;
/// Slots that are shown. More: the rest is left out.
pub const UPDATE_SLOTS_MAX: usize = 8;
/// Time for which RAUC is looked for after the start, in milliseconds. Longer: the system is not marked good by this run.
pub const UPDATE_BUS_MS_MAX: u64 = 60_000;
/// Time between two looks at whether a new system does what it is for, in milliseconds.
pub const SELFTEST_LOOK_MS: u64 = 500;
/// Longest time that the server may take to answer the service itself, in milliseconds. Longer: it does not answer.
pub const SERVER_ANSWER_MS_MAX: u64 = 5_000;
/// Oldest frame that proves that frames flow, in milliseconds.
pub const SELFTEST_FRAME_MS_MAX: u64 = 2_000;
/// Frames after which they are said to flow.
pub const SELFTEST_FRAMES_MIN: u64 = 5;
/// Time that an alert has to become durable before the machine is restarted, in milliseconds.
pub const UPDATE_LAST_WORDS_MS: u64 = 2_000;
/// Longest record of the last update, in bytes. Longer: as if there were none.
pub const ATTEMPT_BYTES_MAX: u64 = 16 * 1024;

// ---- the time, and the first boot ----

/// Time between two notes of what time it is, in milliseconds: so much may be lost of it by a power cut.
pub const LAST_TIME_MS: u64 = 600_000;
/// Longest file of the boot partition that is read, in bytes. Longer: refused.
pub const FIRST_BOOT_BYTES_MAX: u64 = 16 * 1024;

const _: () = assert!(
    6 * ANNOUNCEMENT_CHARS_MAX < MESSAGE_BYTES_MAX,
    "a byte of text is six of JSON at most"
);
const _: () = assert!(SHUTDOWN_MS_MAX > CLOSE_MS_MAX);
const _: () = assert!(HTTP_BUFFER_BYTES >= 8192, "hyper takes no less");
const _: () = assert!(ZONES_MAX <= u16::BITS as usize, "a set of zones is a u16");
const _: () = assert!(
    CAMERA_BUFFERS_MIN >= 2 && CAMERA_BUFFERS_MIN <= CAMERA_BUFFERS,
    "one is filled, one is looked at"
);
const _: () = assert!(FRAME_SIDE_MIN >= 8 * CELL_SIDE_PX);
const _: () = assert!(COMMIT_RECORDS_MAX <= RECORD_QUEUE_MAX);
const _: () = assert!(MESSAGE_BYTES_MAX <= RING_BYTES_MAX / 16, "one message never empties the ring");
const _: () = assert!(
    STORE_TRIM_ROWS as usize + COMMIT_RECORDS_MAX <= STORE_TRIM_ROWS_MAX,
    "removal keeps pace with commits"
);
