//! Random configurations and hostile lines through a real Fluent Bit and through the model: to the byte, or `unknown`.
//!
//! `FLUENT_BIT=PATH` names a binary of 1.9 or 5.x; which one it is, it is asked. Without it, nothing is compared. `FLUENT_BIT_CASES` says how many
//! configurations are tried, `FLUENT_BIT_SEED` from which seed on, `FLUENT_BIT_JOBS` how many at once. A case that fails is made as small as it
//! stays failing, and shown with its seed.

pub(crate) mod case;
pub(crate) mod configurations;
mod dice;
mod fluent_bit;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use manifests::simulate::core::Core;
use manifests::simulate::not_started::NotStarted;
use manifests::simulate::pods::Pods;
use manifests::simulate::router::{LogFile, StepAction};
use manifests::simulate::simulation::{Outcome, Simulation};
use manifests::simulate::starting::{Stopped, stopped};
use manifests::simulate::time::Time;

use self::case::Case;
use self::fluent_bit::{Compared, Container, FluentBit, Ran};

/// How many lines a case has.
const LINES: usize = 40;

/// How long Fluent Bit runs for a case, in seconds; and where that made a difference, once more, to be sure that it had come to an end.
const SHORT: usize = 1;
const LONG: usize = 4;

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

/// What differs; `None` if nothing does.
fn difference(fluent_bit: &FluentBit, case: &Case, container: &Container, folder: &Path) -> Option<String> {
    let expected = expected(fluent_bit.core, case, container);
    let first = against(&expected, &fluent_bit.run(case, container, folder, SHORT));
    first.and_then(|_| against(&expected, &fluent_bit.run(case, container, folder, LONG)))
}

fn against(expected: &Expected, ran: &Ran) -> Option<String> {
    let outcome = match expected {
        Expected::Refused | Expected::Unknown(_) => return None,
        Expected::Stopped(reason) => return ran.has_started.then(|| format!("it starts, but {reason}")),
        Expected::Runs(outcome) if outcome.crashes => {
            return (!ran.has_crashed || !ran.records.is_empty()).then(|| "it does not crash".to_owned());
        }
        Expected::Runs(outcome) => outcome,
    };
    if !ran.has_started || ran.has_crashed {
        let what = if ran.has_crashed { "it crashes" } else { "it does not start" };
        return Some(format!("{what}: {}", ran.log));
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
    found.sort();
    modelled.sort();
    if found == modelled {
        return None;
    }
    let only = |these: &[Compared], those: &[Compared]| {
        let shown = |record: &&Compared| {
            format!("    {} {} {:?} {}\n", record.0, record.1.escape_ascii(), record.2, record.3.escape_ascii())
        };
        these.iter().filter(|record| !those.contains(record)).take(3).map(|record| shown(&record)).collect::<String>()
    };
    Some(format!(
        "{} records, {} of the model\n  Fluent Bit:\n{}  model:\n{}{}",
        found.len(),
        modelled.len(),
        only(&found, &modelled),
        only(&modelled, &found),
        ran.log
    ))
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
    if let Some(mut what) = found {
        while let Some((smaller, still)) = case
            .smaller()
            .into_iter()
            .find_map(|smaller| difference(fluent_bit, &smaller, &container, folder).map(|still| (smaller, still)))
        {
            (case, what) = (smaller, still);
        }
        let shown = format!("seed {seed} on {:?}: {what}\n{}", fluent_bit.core, case.shown());
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
