//! What real programs wrote, with the times at which they wrote it: each log whole, and none joined with another.
//!
//! `tests/fixtures/field/programs` has a folder a program: `timed.tsv` (microseconds since the first line, TAB, the line) and
//! `labels.txt` (the same lines; `===` between two logs, `=?=` where either is right). `logs` has texts of public reports,
//! labelled the same way, without times; `reports` has such with the time at some marks: `=== 9us`. A label is right if one log has all of it and nothing else, joined if a log has
//! text of it and of another, else split.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use pipeline::PipelineSettings;
use serde_json::json;
use testkit::events::*;

/// Microseconds since 1970 of the first line.
const BASE_US: i64 = 1_795_379_888_000_123;

/// Which times the records have.
#[derive(Clone, Copy, PartialEq)]
enum Clock {
    /// As containerd writes them.
    Nanoseconds,
    /// As the `standard` preset leaves them.
    Milliseconds,
    /// One microsecond between two lines.
    Steps,
}

#[derive(Default, Clone, Copy, PartialEq, Debug)]
struct Score {
    right: usize,
    split: usize,
    joined: usize,
}

struct Labelled {
    lines: Vec<(i64, String)>,
    /// Before which lines a mark stands, and whether it is `===`.
    marks: HashMap<usize, bool>,
}

fn labelled(folder: &Path) -> Labelled {
    let text = |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let (marks, texts) = marked(&text(folder.join("labels.txt")));
    let timed = text(folder.join("timed.tsv"));
    let lines: Vec<(i64, String)> = timed
        .split_terminator('\n')
        .map(|line| line.split_once('\t').unwrap())
        .map(|(time, line)| (time.parse().unwrap(), line.to_owned()))
        .collect();
    assert!(lines.iter().map(|(_, line)| line).eq(&texts), "{}: the same lines twice", folder.display());
    Labelled { lines, marks }
}

fn marked(text: &str) -> (HashMap<usize, bool>, Vec<String>) {
    let (mut marks, mut texts) = (HashMap::new(), Vec::new());
    for line in text.split_terminator('\n') {
        match line {
            "===" => _ = marks.insert(texts.len(), true),
            "=?=" => _ = marks.insert(texts.len(), false),
            line => texts.push(line.to_owned()),
        }
    }
    (marks, texts)
}

/// Places of the lines that begin a log.
fn begun(lines: &[(i64, String)], clock: Clock) -> BTreeSet<usize> {
    let mut records: Vec<(usize, i64, String)> = Vec::new();
    for (place, (time, line)) in lines.iter().enumerate() {
        let microseconds = BASE_US + if clock == Clock::Steps { i64::try_from(place).unwrap() } else { *time };
        let time = jiff::Timestamp::from_microsecond(microseconds).unwrap();
        let time = if clock == Clock::Milliseconds { format!("{time:.3}") } else { format!("{time:.9}") };
        // containerd cuts a line after 16 KiB.
        let mut rest = line.as_str();
        loop {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(16_384));
            let flag = if more.is_empty() { 'F' } else { 'P' };
            let record = json!({ "log": format!("{time} stdout {flag} {piece}") }).to_string();
            records.push((place, microseconds / 1_000, record));
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
    }
    let messages: Vec<(i64, &str)> = records.iter().map(|(_, time, record)| (*time, record.as_str())).collect();
    let (logs, _) = forward_from(GROUP, &stream(), &messages, &PipelineSettings::default());
    let place = |log: &serde_json::Value| log["id"].as_str().unwrap().parse::<usize>().unwrap() - 37_000;
    let begun: Vec<usize> = logs.iter().map(|log| records[place(log)].0).collect();
    assert!(begun.is_sorted(), "logs come in the order of their lines");
    texts_are_kept(lines, &logs, &begun);
    begun.into_iter().collect()
}

/// No text is lost, none comes twice.
fn texts_are_kept(lines: &[(i64, String)], logs: &[serde_json::Value], begun: &[usize]) {
    let text = |text: &str| text.split_whitespace().collect::<String>();
    for (number, (log, first)) in logs.iter().zip(begun).enumerate() {
        let end = begun.get(number + 1).copied().unwrap_or(lines.len());
        let wanted: String = lines[*first..end].iter().map(|(_, line)| text(line)).collect();
        let got = log["message"].as_str().map_or_else(|| log["message"].to_string(), str::to_owned);
        if !wanted.starts_with('{') {
            assert_eq!(text(&got), wanted, "the log that begins at line {}", first + 1);
        }
    }
}

/// Judges each label; says of what is not right where.
fn judge(labelled: &Labelled, begun: &BTreeSet<usize>) -> (Score, Vec<String>) {
    let Labelled { lines, marks } = labelled;
    let full: Vec<usize> = (0..lines.len()).filter(|at| !lines[*at].1.trim().is_empty()).collect();
    let mark = |after: usize, upto: usize| (after + 1..=upto).filter_map(|at| marks.get(&at)).max().copied();
    let mut labels: Vec<Vec<usize>> = Vec::new();
    for (number, at) in full.iter().enumerate() {
        let begins = number == 0 || mark(full[number - 1], *at) == Some(true);
        if begins {
            labels.push(Vec::new());
        }
        labels.last_mut().unwrap().push(*at);
    }
    let (mut score, mut faults) = (Score::default(), Vec::new());
    let show = |at: usize| {
        let before = full[..full.iter().position(|other| *other == at).unwrap()].last().copied().unwrap_or(at);
        let short = |at: usize| lines[at].1.chars().take(110).collect::<String>();
        format!("+{} µs\n      {:?}\n      {:?}", lines[at].0 - lines[before].0, short(before), short(at))
    };
    for (number, label) in labels.iter().enumerate() {
        let is_glued = number > 0 && !begun.contains(&label[0]);
        let is_left_open = labels.get(number + 1).is_some_and(|next| !begun.contains(&next[0]));
        let cut = label.windows(2).find(|two| begun.contains(&two[1]) && mark(two[0], two[1]).is_none());
        if is_glued {
            faults.push(format!("joined at line {} {}", label[0] + 1, show(label[0])));
        }
        match cut {
            _ if is_glued || is_left_open => score.joined += 1,
            Some(cut) => {
                score.split += 1;
                faults.push(format!("split  at line {} {}", cut[1] + 1, show(cut[1])));
            }
            None => score.right += 1,
        }
    }
    (score, faults)
}

/// Runs all programs with one clock; prints a table, and what is not right.
fn programs(folder: &str, clock: Clock) -> Score {
    let folder = PathBuf::from(format!("{}/tests/fixtures/field/{folder}", testkit::ROOT));
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut sum = Score::default();
    println!("{:<34} {:>6} {:>6} {:>6} {:>6}", "program", "lines", "right", "split", "joined");
    for folder in folders {
        let labelled = labelled(&folder);
        let (score, faults) = judge(&labelled, &begun(&labelled.lines, clock));
        let name = folder.file_name().unwrap().to_str().unwrap();
        println!("{name:<34} {:>6} {:>6} {:>6} {:>6}", labelled.lines.len(), score.right, score.split, score.joined);
        faults.iter().for_each(|fault| println!("    {fault}"));
        sum =
            Score { right: sum.right + score.right, split: sum.split + score.split, joined: sum.joined + score.joined };
    }
    let all = sum.right + sum.split + sum.joined;
    println!("{all} logs: {sum:?}, {:.1} % right", 100.0 * sum.right as f64 / all as f64);
    sum
}

#[test]
fn programs_with_nanoseconds() {
    let score = programs("programs", Clock::Nanoseconds);
    assert!(score.right >= 649 && score.joined == 0, "{score:?}");
}

#[test]
fn programs_with_milliseconds() {
    let score = programs("programs", Clock::Milliseconds);
    assert!(score.right >= 649 && score.joined == 0, "{score:?}");
}

/// Labels of two logs that look like one: a line that was printed by itself came within microseconds of a log before it, and nothing
/// tells it from the next line of a message.
const BACK_TO_BACK: usize = 10;

#[test]
fn own_programs_with_nanoseconds() {
    let score = programs("own", Clock::Nanoseconds);
    assert!(score.right >= 779 && score.joined <= BACK_TO_BACK, "{score:?}");
}

#[test]
fn own_programs_with_milliseconds() {
    let score = programs("own", Clock::Milliseconds);
    assert!(score.right >= 770 && score.joined <= BACK_TO_BACK + 4, "{score:?}");
}

#[test]
fn texts_of_public_reports() {
    let folder = format!("{}/tests/fixtures/field/logs", testkit::ROOT);
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (marks, texts) = marked(&std::fs::read_to_string(&path).unwrap());
        let lines: Vec<(i64, String)> = texts.into_iter().map(|line| (0, line)).collect();
        let labelled = Labelled { lines, marks };
        let (_, faults) = judge(&labelled, &begun(&labelled.lines, Clock::Steps));
        wrong.extend(faults.iter().map(|fault| format!("{}: {fault}", path.file_name().unwrap().display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as labelled: behind a log that speaks of no failure a trace is a stranger's.
const UNLIKE_LABELLED: [&str; 1] = ["19-instana-banner-pip.txt"];

/// The lines of a report, and their labels. A mark may say how much later the next line came; else it is 20 ms, and within a log some microseconds.
fn report(text: &str) -> Labelled {
    let (mut lines, mut marks): (Vec<(i64, String)>, _) = (Vec::new(), HashMap::new());
    let (mut time, mut gap) = (0, 0);
    for line in text.split_terminator('\n') {
        let (mark, after) = line.split_once(' ').unwrap_or((line, ""));
        if mark != "===" && mark != "=?=" {
            time += gap;
            gap = 1 + i64::try_from(lines.len()).unwrap() * 7 % 19;
            lines.push((time, line.replace("\\e", "\u{1b}")));
            continue;
        }
        marks.insert(lines.len(), mark == "===");
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        gap = match (after.split_at(digits), mark) {
            (("", _), "===") => 20_000,
            (("", _), _) => gap,
            ((number, unit), _) => {
                number.parse::<i64>().unwrap()
                    * [("us", 1), ("ms", 1_000), ("s", 1_000_000)].iter().find(|(name, _)| *name == unit).unwrap().1
            }
        };
    }
    Labelled { lines, marks }
}

#[test]
fn public_reports_with_times() {
    let folder = format!("{}/tests/fixtures/field/reports", testkit::ROOT);
    let (mut wrong, mut sum) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let labelled = report(&std::fs::read_to_string(&path).unwrap());
        let (score, faults) = judge(&labelled, &begun(&labelled.lines, Clock::Nanoseconds));
        assert_eq!(score.joined, 0, "{name}: {faults:?}");
        sum += score.right;
        if !UNLIKE_LABELLED.contains(&name.as_str()) {
            wrong.extend(faults.iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(sum >= 205, "{sum}");
}
