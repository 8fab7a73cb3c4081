//! What the hub promises to those who publish and those who read, on many threads.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lookout::hub::Hub;
use lookout::hub::Message;
use lookout::hub::Next;
use lookout::hub::PublishError;
use lookout::limits::MESSAGE_BYTES_MAX;
use lookout::limits::RING_BYTES_MAX;
use lookout::limits::RING_MESSAGES_MAX;
use lookout::wire::Topic;
use lookout::wire::Topics;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;

fn message(seq: u64, bytes: usize) -> Message {
    Message {
        seq: Some(seq),
        topic: Topic::Event,
        text: "x".repeat(bytes).into(),
        facts: Default::default(),
    }
}

/// Reads all that `cursor` has: sequence numbers, and how many were missed.
fn drain(cursor: &mut lookout::hub::Cursor) -> (Vec<u64>, u64) {
    let (mut seqs, mut missed) = (Vec::new(), 0);
    loop {
        match cursor.try_next() {
            Next::Message(message) => seqs.extend(message.seq),
            Next::Lagged(count) => missed += count,
            Next::Empty => return (seqs, missed),
        }
    }
}

#[test]
fn every_reader_sees_an_ascending_part_and_is_told_of_the_rest() {
    const PUBLISHERS: u64 = 4;
    const EACH: u64 = 5000;
    let hub = Arc::new(Hub::new(0));
    let order = Mutex::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..6)
            .map(|n| {
                let (mut cursor, done) = (hub.subscribe(Topics::EVENTS), &done);
                scope.spawn(move || {
                    let (mut seen, mut missed, mut last) = (0, 0, 0);
                    loop {
                        let over = done.load(Ordering::SeqCst);
                        match cursor.try_next() {
                            Next::Message(message) => {
                                assert!(message.seq.unwrap() > last);
                                (seen, last) = (seen + 1, message.seq.unwrap());
                            }
                            Next::Lagged(count) => missed += count,
                            Next::Empty if over => return (seen, missed, last),
                            Next::Empty => std::thread::sleep(Duration::from_micros(50 * n)),
                        }
                    }
                })
            })
            .collect();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        let mut newest = order.lock().unwrap();
                        *newest += 1;
                        hub.publish(message(*newest, 100)).unwrap();
                    }
                })
            })
            .collect();
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        done.store(true, Ordering::SeqCst);
        let ends: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        for (seen, missed, last) in &ends {
            assert_eq!(seen + missed, PUBLISHERS * EACH);
            assert_eq!(*last, PUBLISHERS * EACH, "the newest is always read");
        }
        let counters = hub.counters();
        assert_eq!(counters.published, PUBLISHERS * EACH);
        assert_eq!(counters.delivered, ends.iter().map(|(seen, ..)| seen).sum::<u64>());
        assert_eq!(counters.lagged, ends.iter().map(|(_, missed, _)| missed).sum::<u64>());
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a model: a list of all that was published, and each reader's place in it.
    #[test]
    fn a_cursor_gives_everything_from_where_it_stands_once(steps in proptest::collection::vec((0..4_u8, any::<u16>()), 1..200)) {
        let hub = Arc::new(Hub::new(10));
        let (mut published, mut cursor) = (Vec::new(), hub.subscribe(Topics::EVENTS));
        let (mut accounted, mut began) = (0, 0);
        for (step, size) in steps {
            match step {
                0 | 1 => for _ in 0..size % 100 {
                    let seq = 11 + published.len() as u64;
                    hub.publish(message(seq, usize::from(size) % MESSAGE_BYTES_MAX)).unwrap();
                    published.push(seq);
                },
                2 => {
                    let (seqs, missed) = drain(&mut cursor);
                    prop_assert_eq!(&seqs[..], &published[published.len() - seqs.len()..]);
                    accounted += seqs.len() + missed as usize;
                    prop_assert_eq!(accounted, published.len() - began);
                }
                _ => {
                    let wanted = 10 + u64::from(size) % (published.len() as u64 + 1);
                    match cursor.seek(wanted) {
                        Ok(()) => {
                            let (seqs, missed) = drain(&mut cursor);
                            prop_assert_eq!(missed, 0);
                            prop_assert_eq!(&seqs[..], &published[(wanted - 10) as usize..]);
                            (accounted, began) = (0, published.len());
                        }
                        Err(before) => {
                            prop_assert!(wanted < before.floor_seq);
                            prop_assert!(cursor.seek(before.floor_seq).is_ok());
                            (accounted, began) = (0, (before.floor_seq - 10) as usize);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_ring_is_bounded_in_messages_and_in_bytes() {
    let check = |bytes: usize, expected: usize| {
        let hub = Arc::new(Hub::new(0));
        let mut cursor = hub.subscribe(Topics::EVENTS);
        (1..=1000).for_each(|seq| hub.publish(message(seq, bytes)).unwrap());
        let (seqs, missed) = drain(&mut cursor);
        assert_eq!((seqs.len(), missed), (expected, 1000 - expected as u64), "of {bytes} bytes");
        assert_eq!(seqs.last(), Some(&1000));
    };
    check(1, RING_MESSAGES_MAX);
    check(2000, RING_BYTES_MAX / 2000);
    check(MESSAGE_BYTES_MAX, RING_BYTES_MAX / MESSAGE_BYTES_MAX);
}

#[test]
fn what_would_break_the_order_is_refused() {
    let hub = Arc::new(Hub::new(5));
    let mut cursor = hub.subscribe(Topics::EVENTS);
    let refused = hub.publish(message(5, 1));
    assert_eq!(refused, Err(PublishError::Disordered { seq: 5, newest: 5 }));
    let bytes = MESSAGE_BYTES_MAX + 1;
    assert_eq!(hub.publish(message(6, bytes)), Err(PublishError::TooLong { bytes }));
    hub.publish(message(9, 1)).unwrap();
    assert_eq!(hub.publish(message(8, 1)), Err(PublishError::Disordered { seq: 8, newest: 9 }));
    assert_eq!(drain(&mut cursor), (vec![9], 0));
    assert_eq!((hub.counters().published, hub.newest_seq()), (1, 9));
}

#[test]
fn a_reader_gets_its_topics_only() {
    const THREE: [Topic; 3] = [Topic::Event, Topic::CameraEvent, Topic::Alert];
    let hub = Arc::new(Hub::new(0));
    let mut alerts = hub.subscribe(Topics::of(&[Topic::Alert]));
    for seq in 1..=30 {
        let topic = THREE[seq as usize % 3];
        hub.publish(Message { topic, ..message(seq, 1) }).unwrap();
    }
    let expected: Vec<u64> = (1..=30).filter(|seq| THREE[*seq as usize % 3] == Topic::Alert).collect();
    assert_eq!(drain(&mut alerts), (expected, 0));
}

#[tokio::test]
async fn whoever_waits_is_woken_from_any_thread() {
    let hub = Arc::new(Hub::new(0));
    let mut cursor = hub.subscribe(Topics::EVENTS);
    for seq in 1..=100 {
        let publisher = std::thread::spawn({
            let hub = hub.clone();
            move || hub.publish(message(seq, 1)).unwrap()
        });
        tokio::time::timeout(Duration::from_secs(10), hub.published()).await.expect("woken");
        assert_eq!(drain(&mut cursor), (vec![seq], 0));
        publisher.join().unwrap();
    }
}
