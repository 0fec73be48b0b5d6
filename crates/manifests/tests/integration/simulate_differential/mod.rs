//! Random configurations and hostile lines through a real Fluent Bit and through the model: to the byte, or `unknown`.
//!
//! `FLUENT_BIT=PATH` names a binary of 1.9 or 5.x; which one it is, it is asked. Without it, nothing is compared. `FLUENT_BIT_CASES` says how many
//! configurations are tried, `FLUENT_BIT_SEED` from which seed on, `FLUENT_BIT_JOBS` how many at once. A case that fails is made as small as it
//! stays failing, and shown with its seed.

#![allow(clippy::disallowed_types, reason = "a real Fluent Bit is a process, where somebody gives one")]

pub(crate) mod case;
pub(crate) mod configurations;
mod dice;
mod fluent_bit;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use manifests::simulate::core::Core;
use manifests::simulate::not_started::NotStarted;
use manifests::simulate::outputs::Sent;
use manifests::simulate::pods::Pods;
use manifests::simulate::router::{LogFile, StepAction};
use manifests::simulate::simulation::{Outcome, Simulation};
use manifests::simulate::starting::{Stopped, stopped};
use manifests::simulate::time::Time;

use self::case::Case;
use self::fluent_bit::{Compared, Container, FluentBit, LONGEST, Ran, TO_DIE};

/// How many lines a case has.
const LINES: usize = 40;

/// What the model says of a case.
enum Expected {
    /// EKS does not take it, so that nobody runs it.
    Refused,
    /// Fluent Bit does not start.
    Stopped(String),
    Unknown(String),
    Runs(Outcome),
}

fn container() -> Container {
    let path = PathBuf::from(testkit::ROOT).join("tests/fixtures/router/pods/web-6d4cf56db6-x7k2p.json");
    let mut pod: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    pod["metadata"]["annotations"]["fluentbit.io/parser"] = "json_time".into();
    pod["metadata"]["annotations"]["fluentbit.io/exclude_stderr-nginx"] = "true".into();
    Container {
        tag: format!("kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_nginx-{}.log", "a".repeat(64)),
        namespace: "shop".to_owned(),
        pod: "web-6d4cf56db6-x7k2p".to_owned(),
        json: pod.to_string(),
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

pub(crate) fn model(core: Core, case: &Case, tag: &str, pod: &str) -> Result<(Simulation, Outcome), NotStarted> {
    let simulation = Simulation::new(core, &case.texts())?;
    let file = LogFile { tag: tag.to_owned(), lines: case.lines.clone() };
    let outcome = simulation.run(&[file], &Pods::only([pod.to_owned()]), Time { seconds: now(), nanoseconds: 0 });
    Ok((simulation, outcome))
}

fn expected(core: Core, case: &Case, container: &Container) -> Expected {
    match stopped(core, &case.manifest()) {
        Some(Stopped::ByEks(_)) => return Expected::Refused,
        Some(Stopped::ByFluentBit(reason)) => return Expected::Stopped(reason),
        None => {}
    }
    match model(core, case, &container.tag, &container.json) {
        Ok((_, outcome)) => Expected::Runs(outcome),
        Err(NotStarted::Because(reason)) => Expected::Stopped(reason),
        Err(NotStarted::Unknown(unknown)) => Expected::Unknown(unknown.to_string()),
    }
}

/// What differs; its kind, and how.
struct Difference {
    kind: &'static str,
    how: String,
}

/// What differs; `None` if nothing does.
fn difference(fluent_bit: &FluentBit, case: &Case, container: &Container, folder: &Path) -> Option<Difference> {
    let expected = expected(fluent_bit.core, case, container);
    if matches!(expected, Expected::Refused | Expected::Unknown(_)) {
        return None;
    }
    // What dies or does not start says so by ending.
    let may_run = matches!(&expected, Expected::Runs(outcome) if outcome.dies_of.is_none());
    let is_enough = |ran: &Ran| may_run && against(&expected, ran).is_none();
    let dies = matches!(&expected, Expected::Runs(outcome) if outcome.dies_of.is_some());
    let longest = if dies { TO_DIE } else { LONGEST };
    // Only what differs both times does: on a busy machine, seconds of `throttle` may pass.
    let run = || against(&expected, &fluent_bit.run(case, container, folder, longest, is_enough));
    run().and_then(|_| run())
}

fn against(expected: &Expected, ran: &Ran) -> Option<Difference> {
    let differs = |kind, how| Some(Difference { kind, how });
    let outcome = match expected {
        Expected::Refused | Expected::Unknown(_) => return None,
        Expected::Stopped(reason) if ran.has_started => return differs("it starts", reason.clone()),
        Expected::Stopped(_) => return None,
        Expected::Runs(outcome) if outcome.dies_of.is_some() && ran.has_crashed && ran.records.is_empty() => {
            return None;
        }
        Expected::Runs(outcome) if outcome.dies_of.is_some() => return differs("it does not crash", ran.log.clone()),
        Expected::Runs(outcome) => outcome,
    };
    if ran.has_crashed {
        return differs("it crashes", ran.log.clone());
    }
    if !ran.has_started {
        return differs("it does not start", ran.log.clone());
    }
    let mut found: Vec<Compared> = ran.records.clone();
    for record in &mut found {
        // A minute is more than it runs, and the lines are of other days.
        record.2 = record.2.filter(|time| (time / 1_000_000_000 - now()).abs() > 60);
    }
    let time = |time: Time| time.seconds * 1_000_000_000 + time.nanoseconds;
    let mut modelled: Vec<Compared> = outcome
        .deliveries
        .iter()
        .map(|one| (one.output, one.tag.clone(), one.time.map(time), one.record.clone()))
        .collect();
    modelled.retain(|record| ran.has_file(record.0));
    found.sort();
    modelled.sort();
    if found == modelled {
        return documents_differ(outcome, ran);
    }
    let only = |these: &[Compared], those: &[Compared]| {
        let shown = |record: &&Compared| {
            format!("    {} {} {:?} {}\n", record.0, record.1.escape_ascii(), record.2, record.3.escape_ascii())
        };
        these.iter().filter(|record| !those.contains(record)).take(3).map(|record| shown(&record)).collect::<String>()
    };
    let how = format!(
        "{} records, {} of the model\n  Fluent Bit:\n{}  model:\n{}{}",
        found.len(),
        modelled.len(),
        only(&found, &modelled),
        only(&modelled, &found),
        ran.log
    );
    differs("records differ", how)
}

/// Documents that have the day on which they are read are left out: what has no time gets that of reading.
fn documents_differ(outcome: &Outcome, ran: &Ran) -> Option<Difference> {
    let days = days();
    let is_compared = |document: &Vec<u8>| {
        let text = String::from_utf8_lossy(document);
        !days.iter().any(|day| text.contains(day))
    };
    let modelled = outcome.deliveries.iter().flat_map(|one| &one.sent).filter_map(|sent| match sent {
        Sent::Document(document) => Some(document.clone()),
        _ => None,
    });
    let mut modelled: Vec<Vec<u8>> = modelled.filter(is_compared).collect();
    let mut found: Vec<Vec<u8>> = ran.documents.iter().filter(|document| is_compared(document)).cloned().collect();
    found.sort();
    modelled.sort();
    let only = |these: &[Vec<u8>], those: &[Vec<u8>]| {
        let shown = |document: &Vec<u8>| format!("    {}\n", document.escape_ascii());
        these.iter().filter(|document| !those.contains(document)).take(3).map(shown).collect::<String>()
    };
    let how = format!("\n  Fluent Bit:\n{}  model:\n{}", only(&found, &modelled), only(&modelled, &found));
    (found != modelled).then_some(Difference { kind: "documents differ", how })
}

/// Today, and the days about it, as indices and times have them.
fn days() -> Vec<String> {
    let day = |days: i64| {
        let seconds = format!("@{}", now() + days * 86_400);
        let said = Command::new("date").args(["-u", "-d", &seconds, "+%Y-%m-%d"]).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    };
    (-1..=1).map(day).flat_map(|day| [day.replace('-', "."), day]).collect()
}

/// The lines of which the model says that it does not know what becomes of them, and why.
pub(crate) fn unknown_lines(outcome: &Outcome) -> BTreeMap<usize, String> {
    let steps = outcome.steps.iter().filter_map(|step| match step.action {
        StepAction::Unknown(reason) => Some((step.line.line, reason.to_string())),
        _ => None,
    });
    steps.collect()
}

/// How many lines were tried, and what became of them.
#[derive(Debug, Default)]
struct Tally {
    configurations: usize,
    refused: usize,
    stopped: usize,
    lines: usize,
    records: usize,
    unknown: BTreeMap<String, usize>,
    different: Vec<String>,
}

fn try_one(fluent_bit: &FluentBit, seed: u64, folder: &Path, tally: &Mutex<Tally>) {
    let container = container();
    let mut case = configurations::case(seed, LINES);
    let (mut unknown, mut lines, mut records) = (Vec::new(), LINES, 0);
    // What is not known is counted, and not asked.
    loop {
        match expected(fluent_bit.core, &case, &container) {
            Expected::Refused => {
                tally.lock().unwrap().refused += 1;
                return;
            }
            Expected::Stopped(_) => {
                tally.lock().unwrap().stopped += 1;
                lines = 0;
                break;
            }
            Expected::Unknown(reason) => {
                unknown.extend(vec![reason; case.lines.len()]);
                case.lines.clear();
                break;
            }
            Expected::Runs(outcome) => {
                let not_known = unknown_lines(&outcome);
                records = outcome.deliveries.len();
                if not_known.is_empty() {
                    break;
                }
                let places: BTreeSet<usize> = not_known.keys().copied().collect();
                unknown.extend(not_known.into_values());
                let kept = case.lines.iter().enumerate().filter(|(place, _)| !places.contains(place));
                case.lines = kept.map(|(_, line)| line.clone()).collect();
            }
        }
    }
    let found = if case.lines.is_empty() { None } else { difference(fluent_bit, &case, &container, folder) };
    {
        let mut tally = tally.lock().unwrap();
        tally.configurations += 1;
        tally.lines += lines;
        tally.records += records;
        unknown.into_iter().for_each(|reason| *tally.unknown.entry(reason).or_default() += 1);
    }
    if let Some(Difference { kind, mut how }) = found {
        let still = |smaller: Case| {
            let found = difference(fluent_bit, &smaller, &container, folder).filter(|found| found.kind == kind);
            found.map(|found| (smaller, found))
        };
        while let Some((smaller, found)) = case.smaller().into_iter().find_map(&still) {
            (case, how) = (smaller, found.how);
        }
        let shown = format!("seed {seed} on {:?}: {}: {}\n{}", fluent_bit.core, kind, how, case.shown());
        eprintln!("{shown}");
        tally.lock().unwrap().different.push(shown);
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn random_configurations_come_out_as_a_real_fluent_bit_has_them() {
    let Ok(binary) = std::env::var("FLUENT_BIT") else {
        eprintln!("skipped: FLUENT_BIT names no binary of Fluent Bit 1.9 or 5.x to compare with");
        return;
    };
    let fluent_bit = FluentBit::new(PathBuf::from(binary));
    let (first, cases, jobs) =
        (number("FLUENT_BIT_SEED", 1), number("FLUENT_BIT_CASES", 250), number("FLUENT_BIT_JOBS", 16));
    eprintln!("Fluent Bit {}: seeds {first} to {}", fluent_bit.core.version(), first + cases - 1);
    let (next, tally) = (AtomicU64::new(first), Mutex::new(Tally::default()));
    let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fluent-bit-{}", std::process::id()));
    std::thread::scope(|scope| {
        for job in 0..jobs {
            let folder = base.join(job.to_string());
            let (next, tally, fluent_bit) = (&next, &tally, &fluent_bit);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + cases {
                        break;
                    }
                    try_one(fluent_bit, seed, &folder, tally);
                }
            });
        }
    });
    _ = std::fs::remove_dir_all(base);
    let tally = tally.into_inner().unwrap();
    let unknown: usize = tally.unknown.values().sum();
    eprintln!(
        "{} configurations, {} of which stop it; {} that EKS does not take; {} lines, {unknown} of them unknown; {} records. {:#?}",
        tally.configurations, tally.stopped, tally.refused, tally.lines, tally.records, tally.unknown
    );
    assert!(tally.different.is_empty(), "{} differ\n{}", tally.different.len(), tally.different.join("\n"));
    assert!(unknown * 100 <= tally.lines * 2, "{unknown} of {} lines are unknown", tally.lines);
}
