//! The fault matrix: what becomes of an event under each kind of fault, counted log by log, by the forwarder's process
//! and over real HTTP.
//!
//! A row is one event under one fault. After the invocation each log has to be accepted by the intake, in a queue, or in an
//! event that Lambda still has because the invocation failed. Then all is well again, Lambda gives the event once more if
//! it still has it, the queue's messages come back, and each log has to have arrived: once, unless the intake took it and the
//! function was not told.
//!
//! `cargo test -p forwarder --test deadlines faults -- --nocapture` prints the table. `docs/reliability.md` has it, and is compared with what happened.

mod fault;
mod world;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use testkit::aws::AwsBehavior;
use testkit::events::now;

use fault::{FAULTS, Fault, PAYLOAD, Size};
use world::{Invoked, LONG, World, event_at, event_of};

/// How many rows run at once: most of their time is waiting.
const AT_ONCE: usize = 6;

/// What became of an event, in logs.
#[derive(Debug)]
struct Row {
    fault: &'static str,
    size: Size,
    accepted: usize,
    queued: usize,
    dead: usize,
    /// In an event that Lambda gives again.
    left: usize,
    lost: usize,
    twice: usize,
    time: Duration,
}

impl Row {
    /// As it stands in the table, without the seconds.
    fn cells(&self) -> String {
        let Row { fault, size, accepted, queued, dead, left, lost, twice, .. } = self;
        format!(
            "| {fault} | {} | {} | {accepted} | {queued} | {dead} | {left} | {lost} | {twice} |",
            size.name(),
            size.logs()
        )
    }
}

/// Gives more time where the machine needed it.
fn run(fault: (&'static str, Fault), size: Size, event: &[u8]) -> Row {
    for time in size.times() {
        if let Some(row) = run_within(fault, size, event, time) {
            return row;
        }
    }
    panic!("{}, {}: after its deadline each time, or this machine has too much else to do", fault.0, size.name());
}

/// `None` if the machine was too slow for the fault to show. Nothing may be lost all the same.
fn run_within((name, fault): (&'static str, Fault), size: Size, event: &[u8], time: Duration) -> Option<Row> {
    let row = format!("{name}, {}", size.name());
    let mut world = World::start(fault, size);
    let started = Instant::now();
    let invoked = if fault == Fault::Killed {
        world.kill_in_mid_send(event);
        Invoked { answer: Err("killed".to_owned()), timeouts: 0 }
    } else {
        world.invoke(event, time)
    };
    let took = started.elapsed();

    let accepted = world.accepted();
    let (queued, dead) = (world.in_queue("undelivered"), world.in_queue("dead"));
    let left = if invoked.answer.is_err() { size.logs() } else { 0 };
    let is_somewhere = |id: &usize| accepted.contains_key(id) || queued.contains(id) || dead.contains(id) || left > 0;
    let lost = (0..size.logs()).filter(|id| !is_somewhere(id)).count();
    assert_eq!(lost, 0, "{row}");
    if let Ok(numbers) = &invoked.answer {
        if numbers["unread"].as_u64().is_some_and(|unread| unread > 0) {
            // It took so long to read the event that this became a fault of its own.
            return None;
        }
        // The answer says what is so, as far as the function can know it.
        let numbers = ["delivered", "queued", "dead"].map(|name| numbers[name].as_u64().unwrap() as usize);
        assert_eq!(numbers[1..], [queued.len(), dead.len()], "{row}");
        assert_eq!(numbers.iter().sum::<usize>(), size.logs(), "{row}");
    }
    // A slow machine misses the deadline, too: only what misses the longest as well is a bug.
    if took >= time || !world.is_the_faults_doing(fault, &invoked) {
        return None;
    }
    assert_eq!(world.refused_a_key(), matches!(fault, Fault::Rotated | Fault::WrongKey | Fault::Disliked), "{row}");
    let told = fault.is_answered();
    if told {
        let overlap = accepted.keys().filter(|id| queued.contains(id) || dead.contains(id)).count();
        assert_eq!(overlap, 0, "{row}: what was accepted is in a queue");
    }

    world.make_well(fault);
    if let Err(problem) = invoked.answer {
        world.invoke(event, LONG).answer.unwrap_or_else(|again| panic!("{row}: {problem}, then {again}"));
    }
    world.drain("undelivered");
    assert_eq!(world.in_queue("dead"), dead, "{row}");
    // By hand, once somebody has seen to it.
    world.drain("dead");
    let arrived = world.accepted();
    assert_eq!(arrived.len(), size.logs(), "{row}: not all arrived in the end");
    let twice = arrived.values().filter(|count| **count > 1).count();
    assert!(twice == 0 || !told, "{row}: {twice} arrived more than once");
    let (accepted, queued, dead) = (accepted.len(), queued.len(), dead.len());
    Some(Row { fault: name, size, accepted, queued, dead, left, lost, twice, time: took })
}

const HEAD: &str = "| fault | event | sent | accepted | queued | dead | Lambda has it | lost | twice | s |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

#[test]
fn no_log_is_lost_and_none_that_was_answered_for_is_sent_twice() {
    let _alone = crate::alone();
    // The small ones first: they have little time, and the large ones take all processors.
    let mut waiting = VecDeque::new();
    for size in [Size::Small, Size::Large] {
        let event = Arc::new(event_of(0, size.logs()));
        waiting.extend(FAULTS.into_iter().enumerate().map(|(number, fault)| {
            let ahead_ms = fault.1.ahead_ms();
            let is_ahead = ahead_ms > 0;
            let event = if is_ahead { Arc::new(event_at(now() + ahead_ms, 0, size.logs())) } else { event.clone() };
            (number, fault, size, event)
        }));
    }
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let next = || waiting.lock().unwrap().pop_front();
                while let Some((number, fault, size, event)) = next() {
                    let row = run(fault, size, &event);
                    done.lock().unwrap().push((number, row));
                }
            });
        }
    });
    let mut rows = done.into_inner().unwrap();
    rows.sort_by_key(|(number, row)| (*number, row.size.logs()));
    let rows: Vec<(String, f64)> = rows.iter().map(|(_, row)| (row.cells(), row.time.as_secs_f64())).collect();
    println!("{HEAD}");
    rows.iter().for_each(|(cells, seconds)| println!("{cells} {seconds:.1} |"));

    let docs = std::fs::read_to_string(format!("{}/docs/reliability.md", testkit::ROOT)).unwrap();
    let table = docs.lines().skip_while(|line| Some(*line) != HEAD.lines().next());
    let in_docs: Vec<&str> = table.skip(2).take_while(|line| line.starts_with('|')).collect();
    // The last cell is how long it took this time.
    let in_docs: Vec<&str> =
        in_docs.iter().map(|line| line.trim_end_matches('|').trim_end_matches(|c| c != '|')).collect();
    let happened: Vec<&str> = rows.iter().map(|(cells, _)| cells.as_str()).collect();
    assert_eq!(in_docs, happened, "the table of docs/reliability.md is not what happened");
}

/// What a warm function remembers, another one does not know: the promise that nothing is lost is kept, the other is not.
#[test]
fn another_sandbox_sends_again_what_the_first_had_done() {
    let _alone = crate::alone();
    let size = Size::Large;
    let event = event_of(0, size.logs());
    // The queue takes none or two messages, and then the whole event comes to a function that knows nothing of it.
    for (behavior, in_queue) in [(AwsBehavior::Down, 0), (AwsBehavior::TakesOnly(2), 2 * PAYLOAD)] {
        let fault = Fault::Status(503, Some("600"));
        let mut world = World::start(fault, size);
        world.aws.set(behavior);
        assert!(world.invoke(&event, LONG).answer.is_err());
        let saved = world.in_queue("undelivered").len();
        assert_eq!(saved, in_queue);
        world.make_well(fault);
        world.start_another_sandbox();
        world.invoke(&event, LONG).answer.unwrap();
        world.drain("undelivered");
        let arrived = world.accepted();
        let delivered = size.logs() - size.hit() * PAYLOAD;
        assert_eq!(arrived.len(), size.logs());
        assert_eq!(arrived.values().filter(|count| **count == 2).count(), delivered + saved);
        assert!(arrived.values().all(|count| *count <= 2));
    }
}
