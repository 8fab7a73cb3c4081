//! The recorder by its promises: what is announced is durable, in order, with the right time; what cannot be written waits.

mod stored;

use std::sync::Arc;
use std::time::Duration;

use lookout::clock::BootId;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SimClock;
use lookout::clock::Timestamp;
use lookout::clock::Wall;
use lookout::event::model::Change;
use lookout::event::model::ClockState;
use lookout::event::model::EndReason;
use lookout::event::model::Event;
use lookout::event::model::Phase;
use lookout::event::model::Trigger;
use lookout::hub::Cursor;
use lookout::hub::Hub;
use lookout::hub::Next;
use lookout::limits::RECORD_QUEUE_MAX;
use lookout::media;
use lookout::motion::Score;
use lookout::motion::ZoneSet;
use lookout::recorder::Parts;
use lookout::recorder::Recorded;
use lookout::recorder::Recorder;
use lookout::recorder::scribe::Identity;
use lookout::recorder::scribe::Scribe;
use lookout::records::CameraChange;
use lookout::records::Notice;
use lookout::records::Record;
use lookout::records::RecordQueue;
use lookout::records::detail;
use lookout::status::Status;
use lookout::store::EventQuery;
use lookout::store::PictureKind;
use lookout::store::Reader;
use lookout::store::Saved;
use lookout::store::Store;
use lookout::wire::Topics;
use serde_json::Value;
use stored::medium::SimDisk;

/// Where the wall clock of a board without a battery begins.
const EPOCH: Wall = Wall {
    at: Timestamp(0),
    synced: false,
};

/// A recorder on a simulated disk, and all that is around it.
struct Desk {
    recorder: Recorder,
    queue: Arc<RecordQueue>,
    clock: SimClock,
    status: Arc<Status>,
    reader: Reader,
    cursor: Cursor,
}

fn desk(disk: &SimDisk, dir: &std::path::Path, clock: SimClock) -> Desk {
    let (store, opened) = Store::open_on(Box::new(disk.clone()), &stored::settings(dir), clock.wall()).expect("opens");
    let hub = Arc::new(Hub::new(store.next_seq() - 1));
    let (queue, status) = (Arc::new(RecordQueue::default()), Arc::new(Status::default()));
    let identity = Identity {
        camera_id: "yard".try_into().expect("short"),
        boot_id: BootId::NIL,
        zones: Default::default(),
    };
    let cursor = hub.subscribe(Topics::EVENTS);
    let reader = store.reader();
    let scribe = Scribe::new(identity, Arc::new(clock.clone()));
    let parts = Parts {
        store,
        opened,
        scribe,
        hub,
        queue: queue.clone(),
        clock: Arc::new(clock.clone()),
        status: status.clone(),
        desk: Arc::new(media::Desk::new(&Default::default(), dir)),
        free: None,
    };
    Desk {
        recorder: Recorder::new(parts).expect("readable"),
        queue,
        clock,
        status,
        reader,
        cursor,
    }
}

impl Desk {
    /// What was announced since the last call.
    fn announced(&mut self) -> Vec<Value> {
        let next = || match self.cursor.try_next() {
            Next::Message(message) => Some(serde_json::from_str(&message.text).expect("JSON")),
            Next::Lagged(count) => panic!("{count} messages were missed"),
            Next::Empty => None,
        };
        std::iter::from_fn(next).collect()
    }

    fn events(&self) -> Vec<Event> {
        self.reader.events(&EventQuery::default()).expect("readable").events
    }

    /// Numbers of all stored messages.
    fn journal(&self) -> Vec<u64> {
        let page = self.reader.messages_after(0, usize::MAX, usize::MAX).expect("readable");
        page.messages.iter().map(|(seq, _)| *seq).collect()
    }
}

fn change(key: u32, phase: Phase, began_ms: u64, at_ms: u64) -> Record {
    Record::Change(Change {
        key,
        phase,
        at: Mono::from_millis(at_ms),
        began: Mono::from_millis(began_ms),
        last_seen: Mono::from_millis(at_ms),
        frame: 1,
        trigger: Trigger::Pir,
        score: Score(0),
        zones: ZoneSet::EMPTY,
        boxes: Default::default(),
        pir: None,
        video: None,
        suppressed: 0,
        end_reason: (phase == Phase::End).then_some(EndReason::Quiet),
    })
}

fn lost() -> Record {
    Record::Notice(Mono::default(), Notice::Camera(CameraChange::Lost), detail("pulled"))
}

#[test]
fn what_is_announced_is_stored_in_the_same_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut desk = desk(&SimDisk::default(), dir.path(), SimClock::new(EPOCH));
    for record in [
        change(0, Phase::Start, 0, 10),
        lost(),
        change(0, Phase::Update, 0, 20),
        change(0, Phase::End, 0, 30),
    ] {
        desk.queue.push(record);
    }
    assert_eq!(desk.recorder.step(), Recorded::Open);
    let said = desk.announced();
    let seqs: Vec<u64> = said.iter().map(|message| message["seq"].as_u64().expect("a number")).collect();
    assert_eq!(seqs, desk.journal());
    assert_eq!(
        said.iter()
            .map(|message| message["type"].as_str().expect("text"))
            .collect::<Vec<_>>(),
        ["event", "camera_event", "event", "event"]
    );
    let [event] = &desk.events()[..] else { panic!("one event") };
    assert_eq!((event.id, event.seq, event.phase), (seqs[0], seqs[3], Phase::End));
    assert_eq!(desk.status.recorder().commits, 1, "one commit for all that was at hand");
}

#[test]
fn nothing_is_announced_before_it_is_durable() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = SimDisk::default();
    let mut desk = desk(&disk, dir.path(), SimClock::new(EPOCH));
    disk.fail(true);
    desk.queue.push(change(0, Phase::Start, 0, 10));
    for _ in 0..3 {
        assert_eq!(desk.recorder.step(), Recorded::Open);
        assert_eq!(desk.announced(), [Value::Null; 0]);
        assert!(!desk.status.recorder().writable && desk.status.recorder().fault.is_some());
    }
    desk.queue.push(change(0, Phase::End, 0, 20));
    disk.fail(false);
    desk.recorder.step();
    desk.recorder.step();
    let phases: Vec<Value> = desk.announced().iter().map(|message| message["data"]["phase"].clone()).collect();
    assert_eq!(phases, ["start", "end"]);
    assert!(desk.status.recorder().writable);
}

#[test]
fn stopping_with_a_dead_disk_ends_and_says_what_is_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = SimDisk::default();
    let mut desk = desk(&disk, dir.path(), SimClock::new(EPOCH));
    desk.queue.push(change(0, Phase::Start, 0, 10));
    disk.fail(true);
    desk.queue.close();
    assert_eq!(desk.recorder.step(), Recorded::GaveUp { messages: 1 });
}

#[test]
fn a_closed_and_empty_queue_is_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut desk = desk(&SimDisk::default(), dir.path(), SimClock::new(EPOCH));
    desk.queue.push(lost());
    desk.queue.close();
    assert_eq!(desk.recorder.step(), Recorded::Open);
    assert_eq!(desk.announced().len(), 1);
    assert_eq!(desk.recorder.step(), Recorded::Closed);
}

#[test]
fn times_are_set_right_once_the_clock_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = SimClock::new(EPOCH);
    let mut desk = desk(&SimDisk::default(), dir.path(), clock.clone());
    clock.advance(Duration::from_secs(60));
    desk.queue.push(change(0, Phase::Start, 20_000, 21_000));
    desk.queue.push(change(0, Phase::End, 20_000, 25_000));
    desk.queue.push(change(1, Phase::Start, 50_000, 51_000)); // still runs when the clock is set
    desk.recorder.step();
    assert!(desk.events().iter().all(|event| event.clock == ClockState::Unsynced));

    let now = Timestamp::parse("2026-07-01T12:01:00.000Z").expect("a time");
    desk.clock.set_wall(Wall { at: now, synced: true });
    desk.recorder.step(); // corrects
    desk.recorder.step(); // says so
    let times: Vec<(String, ClockState)> = desk
        .events()
        .iter()
        .map(|event| (event.timestamp.to_string(), event.clock))
        .collect();
    let right = |time: &str| (format!("2026-07-01T12:{time}.000Z"), ClockState::Synced);
    assert_eq!(times, [right("00:50"), right("00:20")]);
    assert_eq!(desk.announced().last().expect("an alert")["alert_type"], "clock_synchronized");

    desk.queue.push(change(1, Phase::End, 50_000, 59_000));
    desk.recorder.step();
    assert_eq!(desk.announced()[0]["data"]["timestamp"], "2026-07-01T12:00:50.000Z");
}

#[test]
fn the_time_of_an_event_stays_when_the_clock_is_stepped() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = SimClock::new(Wall {
        at: Timestamp(1_000_000),
        synced: true,
    });
    let mut desk = desk(&SimDisk::default(), dir.path(), clock);
    desk.queue.push(change(0, Phase::Start, 0, 0));
    desk.recorder.step();
    desk.clock.set_wall(Wall {
        at: Timestamp(5_000_000),
        synced: true,
    });
    desk.queue.push(change(0, Phase::End, 0, 0));
    desk.recorder.step();
    let times: Vec<Value> = desk
        .announced()
        .iter()
        .map(|message| message["data"]["timestamp"].clone())
        .collect();
    assert_eq!(times, ["1970-01-01T00:16:40.000Z"; 2]);
}

#[test]
fn midnight_begins_a_new_count_and_a_restart_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = SimDisk::default();
    let evening = Wall {
        at: Timestamp::parse("2026-07-01T23:59:00.000Z").expect("a time"),
        synced: true,
    };
    let mut evenings = desk(&disk, dir.path(), SimClock::new(evening));
    let counted = |desk: &Desk| desk.status.today().clone().at(desk.clock.wall().at).events;
    evenings.queue.push(change(0, Phase::Start, 0, 0));
    evenings.queue.push(change(0, Phase::End, 0, 10));
    evenings.queue.push(change(1, Phase::Start, 50_000, 50_000));
    evenings.recorder.step();
    assert_eq!(counted(&evenings), 2);
    evenings.clock.advance(Duration::from_secs(61));
    assert_eq!(counted(&evenings), 0, "before anything happens on the new day");
    evenings.queue.push(change(1, Phase::End, 50_000, 61_000)); // it began yesterday
    evenings.queue.push(change(2, Phase::Start, 61_000, 61_000));
    evenings.queue.push(change(2, Phase::End, 61_000, 61_500));
    evenings.recorder.step();
    assert_eq!(counted(&evenings), 1);
    drop(evenings);
    let morning = Wall {
        at: Timestamp::parse("2026-07-02T06:00:00.000Z").expect("a time"),
        synced: true,
    };
    assert_eq!(counted(&desk(&disk, dir.path(), SimClock::new(morning))), 1);
}

#[test]
fn an_event_that_a_crash_left_open_is_closed() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = SimDisk::default();
    let mut first = desk(&disk, dir.path(), SimClock::new(EPOCH));
    first.queue.push(change(0, Phase::Start, 0, 10));
    first.recorder.step();
    let id = first.events()[0].id;
    drop(first);
    let mut second = desk(&disk, dir.path(), SimClock::new(EPOCH));
    second.recorder.step();
    let [event] = &second.events()[..] else { panic!("one event") };
    assert_eq!(
        (event.id, event.phase, event.end_reason),
        (id, Phase::End, Some(EndReason::Interrupted))
    );
    assert_eq!(second.announced()[0]["data"]["end_reason"], "interrupted");
}

#[test]
fn a_full_queue_keeps_events_and_counts_what_it_loses() {
    let queue = RecordQueue::default();
    queue.push(change(7, Phase::Start, 0, 0));
    for _ in 1..RECORD_QUEUE_MAX {
        queue.push(lost());
    }
    queue.push(change(7, Phase::Update, 0, 1)); // into the start that waits
    assert_eq!((queue.counters().coalesced, queue.counters().dropped), (1, 0));
    queue.push(change(8, Phase::Start, 0, 2)); // no room and nothing like it: the oldest goes
    assert_eq!((queue.counters().coalesced, queue.counters().dropped), (1, 1));
    let mut taken = Vec::new();
    while let Some(batch) = queue.take(Duration::ZERO).filter(|batch| !batch.is_empty()) {
        taken.extend(batch);
    }
    assert_eq!(taken.len(), RECORD_QUEUE_MAX);
    let last = taken.pop();
    assert!(matches!(last, Some(Record::Change(change)) if change.key == 8));
}

#[test]
fn losses_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut desk = desk(&SimDisk::default(), dir.path(), SimClock::new(EPOCH));
    for _ in 0..RECORD_QUEUE_MAX + 3 {
        desk.queue.push(lost());
    }
    for _ in 0..6 {
        desk.recorder.step();
    }
    let said = desk.announced();
    let alert = said.iter().find(|message| message["type"] == "alert").expect("an alert");
    assert_eq!(alert["alert_type"], "records_dropped");
    assert_eq!(desk.status.recorder().records_dropped, 3);
}

#[test]
fn a_full_disk_costs_old_pictures_and_no_event() {
    let (dir, disk) = (tempfile::tempdir().expect("a directory"), SimDisk::default());
    let (mut store, _) = Store::open_on(Box::new(disk.clone()), &stored::settings(dir.path()), EPOCH).expect("opens");
    let (id, kind) = (1, PictureKind::Snapshot);
    let bytes = store.files().begin("one").and_then(|part| part.finish(id, kind)).expect("a file");
    let mut entry = stored::entry(id);
    entry.event.iter_mut().for_each(|event| event.snapshot_url = Some(kind.url(id)));
    entry.saved = Some(Saved { id, kind, bytes });
    store.commit(&[entry]).expect("committed");
    store.files().settle(id, kind).expect("settled");
    let files = store.files().clone();
    drop(store);
    let mut desk = desk(&disk, dir.path(), SimClock::new(EPOCH));
    let full = disk.medium_len();
    disk.medium().capacity = Some(full);
    let mut pushed = 0;
    while desk.recorder.step() == Recorded::Open && (pushed == 0 || desk.status.recorder().writable) {
        (0..32).for_each(|n| desk.queue.push(change(pushed + n, Phase::End, 1000, 2000)));
        pushed += 32;
        assert!(pushed < 20_000, "it is never full");
    }
    assert!(files.open(id, kind).is_err(), "the picture made room");
    disk.medium().capacity = None;
    for _ in 0..8 {
        desk.recorder.step();
    }
    assert!(desk.status.recorder().writable);
    assert_eq!(
        desk.reader.figures().expect("readable").events,
        u64::from(pushed) + 1,
        "no event is lost"
    );
    assert_eq!(
        desk.reader.event(id).expect("readable").expect("there").snapshot_url,
        None,
        "nor points at nothing"
    );
}
