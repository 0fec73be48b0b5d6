//! A fleet in an outage: 500 streams, as many sandboxes as they need, the intake down for an hour and well again. How many
//! invocations run at once, how much waits in the queue, and how long it takes to empty.
//!
//! A simulation in steps of a tenth of a second, with random numbers from a seed, over the real decisions: the delivery's schedule
//! within an invocation, [`backoff`] between rounds. `docs/sizing.md` has its table, and says what it assumes.
//!
//! `cargo test -p forwarder --lib fleet -- --nocapture` prints the table.

use std::collections::HashMap;
use std::time::Duration;

use super::outage::MEMORY;
use super::rounds::backoff;
use super::simulation::{Random, is_on_the_sizing_page};
use crate::delivery::intake::{IntakeAnswer, IntakeProblem};
use crate::delivery::retry::RetryPolicy;
use crate::delivery::schedule::Terms;
use crate::delivery::simulated::{Request, play};
use pipeline::batch::{Batcher, Limits, Payload};
use pipeline::compress::Compression;

/// Steps a second.
const STEPS: usize = 10;
const MINUTE: usize = 60 * STEPS;
const HOUR: usize = 60 * MINUTE;

/// A pod's stream brings an event every so many seconds, give or take half of it.
const EVENT_EVERY: f64 = 10.0;

/// An account's concurrency, unless it asked for more. Source: AWS, "Lambda quotas".
const ACCOUNT: usize = 1000;

/// How many messages may be out at once: those that are hidden count. Source: AWS, "Amazon SQS message quotas".
const IN_FLIGHT: usize = 120_000;

/// What the mapping hands out at once: `template.yaml`.
const BATCH: usize = 10;

/// The simulation begins well, and the outage lasts so long.
const CALM: usize = 10 * MINUTE;
const OUTAGE: usize = HOUR;

/// When to give up hope of emptying the queue.
const END: usize = CALM + OUTAGE + 12 * HOUR;

/// The template's 120 s, less what is kept back for saving and for ending in order.
const TO_THE_END: Duration = Duration::from_secs(108);

#[derive(Debug, Clone, Copy)]
struct Setting {
    streams: usize,
    /// The intake does not answer, rather than 503.
    is_silent: bool,
    /// Invocations try until their timeout, as they do without a queue.
    tries_to_the_end: bool,
    /// `UndeliveredQueueConcurrency`.
    queue_concurrency: usize,
    /// `ReservedConcurrency`, or what the account has.
    concurrency: usize,
}

const SETTINGS: [Setting; 10] = {
    let base =
        Setting { streams: 500, is_silent: false, tries_to_the_end: false, queue_concurrency: 2, concurrency: ACCOUNT };
    [
        Setting { tries_to_the_end: true, ..base },
        base,
        Setting { queue_concurrency: 5, ..base },
        Setting { queue_concurrency: 10, ..base },
        Setting { queue_concurrency: 25, ..base },
        Setting { queue_concurrency: 5, concurrency: 100, ..base },
        Setting { streams: 100, ..base },
        Setting { is_silent: true, tries_to_the_end: true, ..base },
        Setting { is_silent: true, queue_concurrency: 5, ..base },
        Setting { is_silent: true, queue_concurrency: 5, concurrency: 100, ..base },
    ]
};

/// What a setting came to.
#[derive(Debug, Default)]
struct Figures {
    /// Invocations at once: before the outage, in its first minute at most, in the rest of it on average, and at most after it.
    calm: f64,
    first: usize,
    outage: f64,
    recovery: usize,
    /// Requests a second that the intake gets in the outage.
    requests: f64,
    /// Events that wait with Lambda for a free sandbox, and messages that wait in the queue, when the outage is over.
    waiting: usize,
    depth: usize,
    /// How long after the outage both are empty.
    drained: Option<usize>,
}

/// How an invocation goes.
#[derive(Debug, Clone, Copy)]
struct Course {
    steps: usize,
    requests: usize,
}

/// Courses to draw from, of an event and of a batch: to compute them takes longer than all the rest.
#[derive(Clone)]
struct Courses {
    well: [Vec<Course>; 2],
    /// The intake is down, and the sandbox does not know it yet; and it does.
    unaware: [Vec<Course>; 2],
    aware: [Vec<Course>; 2],
}

fn steps(seconds: f64) -> usize {
    (seconds * STEPS as f64).round() as usize
}

/// So many payloads, each of a log.
fn payloads(count: usize) -> Vec<Payload> {
    let payload = |_| {
        let mut batcher = Batcher::new(Limits::default(), Compression::None);
        batcher.add_written(b"{}", 0, None, None);
        batcher.finish().remove(0)
    };
    (0..count).map(payload).collect()
}

impl Courses {
    fn of(setting: Setting) -> Courses {
        let mut random = Random(7);
        let mut many = |is_down, was_down| {
            [1, BATCH].map(|count| (0..60).map(|_| setting.course(count, is_down, was_down, &mut random)).collect())
        };
        Courses { well: many(false, false), unaware: many(true, false), aware: many(true, true) }
    }
}

impl Setting {
    /// How it goes with so many payloads.
    fn course(&self, count: usize, is_down: bool, was_down: bool, random: &mut Random) -> Course {
        let terms = Terms { policy: RetryPolicy::default(), workers: 8, can_wait: !self.tries_to_the_end, was_down };
        let (mut answers, mut waits) = (Random(random.0 ^ 1), Random(random.0 ^ 2));
        let answer = match (is_down, self.is_silent) {
            (false, _) => Some(IntakeAnswer::Accepted),
            (true, false) => Some(IntakeAnswer::Retry { problem: IntakeProblem::Status(503), after: None }),
            (true, true) => None,
        };
        let intake = |_: &Request| Some((answer?, Duration::from_secs_f64(answers.between(0.05, 0.2))));
        let played = play(payloads(count), terms, TO_THE_END, intake, || waits.next());
        let reading = random.between(0.1, 0.25);
        let saving = if is_down { random.between(0.05, 0.2) } else { 0.0 };
        Course {
            steps: steps(reading + played.took.as_secs_f64() + saving).max(1),
            requests: played.report.tally.requests,
        }
    }
}

/// A sandbox, and when it was last seen that the intake is down.
#[derive(Debug, Clone, Copy, Default)]
struct Sandbox {
    down_at: Option<usize>,
}

/// What an invocation has to do.
enum Task {
    Event,
    /// Messages, by the number of rounds that each had.
    Batch(Vec<u32>),
}

struct Running {
    sandbox: Sandbox,
    task: Task,
    succeeds: bool,
}

/// What happens in which step, as far ahead as anything happens.
struct Calendar<T> {
    steps: Vec<Vec<T>>,
}

impl<T> Calendar<T> {
    fn new(ahead: usize) -> Calendar<T> {
        Calendar { steps: (0..=ahead).map(|_| Vec::new()).collect() }
    }

    fn add(&mut self, step: usize, one: T) {
        let length = self.steps.len();
        self.steps[step % length].push(one);
    }

    fn take(&mut self, step: usize) -> Vec<T> {
        let length = self.steps.len();
        std::mem::take(&mut self.steps[step % length])
    }
}

struct Fleet {
    setting: Setting,
    random: Random,
    courses: Courses,
    now: usize,
    streams: Calendar<()>,
    ends: Calendar<Running>,
    /// New messages that SQS holds back, and those that were handed out and hidden.
    delayed: Calendar<u32>,
    hidden: Calendar<u32>,
    visible: Vec<u32>,
    idle: Vec<Sandbox>,
    running: usize,
    batches: usize,
    in_flight: usize,
    /// All messages.
    depth: usize,
    /// Events that found no sandbox.
    waiting: usize,
    requests: usize,
}

impl Fleet {
    fn new(setting: Setting, courses: Courses) -> Fleet {
        let mut random = Random(14);
        let mut streams = Calendar::new(steps(2.0 * EVENT_EVERY));
        (0..setting.streams).for_each(|_| streams.add(steps(random.between(0.0, EVENT_EVERY)), ()));
        Fleet {
            setting,
            random,
            courses,
            now: 0,
            streams,
            ends: Calendar::new(steps(TO_THE_END.as_secs_f64() * 2.0)),
            delayed: Calendar::new(steps(900.0)),
            hidden: Calendar::new(HOUR),
            visible: Vec::new(),
            idle: Vec::new(),
            running: 0,
            batches: 0,
            in_flight: 0,
            depth: 0,
            waiting: 0,
            requests: 0,
        }
    }

    fn is_down(&self) -> bool {
        (CALM..CALM + OUTAGE).contains(&self.now)
    }

    fn step(&mut self) {
        let now = self.now;
        for running in self.ends.take(now) {
            self.end(running);
        }
        let shown = self.hidden.take(now);
        self.in_flight -= shown.len();
        self.visible.extend(shown);
        self.visible.extend(self.delayed.take(now));
        self.hand_out();
        for () in self.streams.take(now) {
            self.waiting += 1;
            let next = steps(self.random.between(EVENT_EVERY * 0.5, EVENT_EVERY * 1.5));
            self.streams.add(now + next, ());
        }
        while self.waiting > 0 && self.running < self.setting.concurrency {
            self.waiting -= 1;
            self.start(Task::Event);
        }
        self.now += 1;
    }

    /// What the mapping does: it waits up to five seconds for ten messages.
    fn hand_out(&mut self) {
        let is_time = self.now.is_multiple_of(5 * STEPS);
        while self.batches < self.setting.queue_concurrency
            && self.running < self.setting.concurrency
            && (self.visible.len() >= BATCH || is_time && !self.visible.is_empty())
            && self.in_flight + BATCH <= IN_FLIGHT
        {
            // A queue has no order.
            let count = self.visible.len().min(BATCH);
            let batch = (0..count).map(|_| {
                let at = (self.random.next() * self.visible.len() as f64) as usize;
                self.visible.swap_remove(at)
            });
            let batch: Vec<u32> = batch.collect();
            self.in_flight += count;
            self.batches += 1;
            self.start(Task::Batch(batch));
        }
    }

    fn start(&mut self, task: Task) {
        // The one that was used last is used first.
        let sandbox = self.idle.pop().unwrap_or_default();
        let knows = sandbox.down_at.is_some_and(|down_at| self.now - down_at < steps(MEMORY.as_secs_f64()));
        let courses = match (self.is_down(), knows) {
            (false, _) => &self.courses.well,
            (true, false) => &self.courses.unaware,
            (true, true) => &self.courses.aware,
        };
        let courses = &courses[usize::from(matches!(task, Task::Batch(_)))];
        let mut course = courses[(self.random.next() * courses.len() as f64) as usize];
        // Whoever still tries when the intake is well again succeeds, at the next attempt.
        let recovers = CALM + OUTAGE;
        let mut succeeds = !self.is_down();
        if self.is_down() && self.now + course.steps > recovers + steps(8.0) {
            course.steps = recovers + steps(8.0) - self.now;
            succeeds = true;
        }
        self.requests += course.requests;
        self.running += 1;
        self.ends.add(self.now + course.steps.max(1), Running { sandbox, task, succeeds });
    }

    fn end(&mut self, running: Running) {
        let Running { mut sandbox, task, succeeds } = running;
        self.running -= 1;
        sandbox.down_at = Some(self.now).filter(|_| !succeeds);
        self.idle.push(sandbox);
        match task {
            Task::Event if succeeds => {}
            Task::Event => {
                self.depth += 1;
                self.delayed.add(self.now + steps(backoff(1).as_secs_f64()), 1);
            }
            Task::Batch(messages) => {
                self.batches -= 1;
                if succeeds {
                    self.depth -= messages.len();
                    self.in_flight -= messages.len();
                    return;
                }
                for rounds in messages {
                    let rounds = rounds + 1;
                    self.hidden.add(self.now + steps(backoff(rounds).as_secs_f64()), rounds);
                }
            }
        }
    }
}

fn simulate_fleet(setting: Setting, courses: Courses) -> Figures {
    let mut fleet = Fleet::new(setting, courses);
    let mut figures = Figures::default();
    let (mut calm, mut outage) = (0, 0);
    let mut requests_before = 0;
    // The first minute fills the sandboxes.
    while fleet.now < END {
        let now = fleet.now;
        fleet.step();
        match now {
            now if now < MINUTE => {}
            now if now < CALM => calm += fleet.running,
            now if now < CALM + MINUTE => figures.first = figures.first.max(fleet.running),
            now if now < CALM + OUTAGE => outage += fleet.running,
            _ => figures.recovery = figures.recovery.max(fleet.running),
        }
        if now == CALM {
            requests_before = fleet.requests;
        }
        if now + 1 == CALM + OUTAGE {
            figures.requests = (fleet.requests - requests_before) as f64 / (OUTAGE / STEPS) as f64;
            (figures.waiting, figures.depth) = (fleet.waiting, fleet.depth);
        }
        if now > CALM + OUTAGE && fleet.depth == 0 && fleet.waiting == 0 {
            figures.drained = Some(now - CALM - OUTAGE);
            break;
        }
    }
    figures.calm = calm as f64 / (CALM - MINUTE) as f64;
    figures.outage = outage as f64 / (OUTAGE - MINUTE) as f64;
    figures
}

/// A row of the table.
fn row(setting: Setting, figures: &Figures) -> String {
    let Setting { streams, is_silent, tries_to_the_end, queue_concurrency, concurrency } = setting;
    let Figures { calm, first, outage, recovery, requests, waiting, depth, drained } = figures;
    let drained = drained.map_or("not in 12 h".to_owned(), |steps| format!("{} min", steps.div_ceil(MINUTE)));
    let intake = if is_silent { "no answer" } else { "503" };
    let gives_up = if tries_to_the_end { "at the timeout" } else { "after 15 s" };
    format!(
        "| {streams} | {intake} | {gives_up} | {concurrency} | {queue_concurrency} | {calm:.0} | {first} | {outage:.0} \
         | {recovery} | {requests:.0} | {waiting} | {depth} | {drained} |"
    )
}

const HEAD: &str = "| streams | the intake | gives up | concurrency | queue's | before | first minute | outage | recovery | requests/s | with Lambda | in the queue | empty after |";

#[test]
fn the_fleet_is_what_the_sizing_page_says() {
    let mut courses = HashMap::new();
    let mut figures = |setting: Setting| {
        let courses = courses.entry((setting.is_silent, setting.tries_to_the_end));
        simulate_fleet(setting, courses.or_insert_with(|| Courses::of(setting)).clone())
    };
    let all: Vec<Figures> = SETTINGS.into_iter().map(&mut figures).collect();
    let rows: Vec<String> = SETTINGS.into_iter().zip(&all).map(|(setting, figures)| row(setting, figures)).collect();
    is_on_the_sizing_page(HEAD, &rows);

    let [to_the_end, two, five, ten, many, reserved, small, silent_to_the_end, silent, silent_reserved] = &all[..]
    else {
        panic!("other settings")
    };
    // What the page concludes. An invocation that tries to its end takes the whole account.
    assert!(
        [to_the_end, silent_to_the_end].iter().all(|all| all.first == ACCOUNT && all.outage > 0.99 * ACCOUNT as f64)
    );
    // One that gives up takes what 15 s of events take, once, and then hardly more than before.
    for figures in [two, five, ten, many] {
        assert!(figures.first < 50 * 16 && figures.outage < 3.1 * figures.calm && figures.waiting == 0);
    }
    // A reserve of some times what is needed on a good day costs nothing in such an outage.
    let minutes = |figures: &Figures| figures.drained.unwrap() as f64 / MINUTE as f64;
    assert!(reserved.first == 100 && reserved.waiting == 0 && minutes(reserved) < minutes(five) + 1.0);
    // An intake that does not answer at all costs ten seconds each time.
    assert!(silent.outage < 50.0 * 11.0 && silent_reserved.waiting > 100_000);
    // The last messages are hidden for 32 minutes; more than 5 at once empty the queue no sooner than that.
    assert!(minutes(two) > 50.0 && minutes(five) < 40.0 && minutes(ten) > 31.0 && minutes(small) < 35.0);
    assert_eq!(ten.drained.map(|steps| steps / MINUTE), many.drained.map(|steps| steps / MINUTE));
}
