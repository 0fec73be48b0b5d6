//! What a preset would write of lines that another has written: to 1 % what Fluent Bit 5.1.1 did write of the same lines.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{CONTAINERS, billed, corpus, counted, messages};
use cost::line::Preset;

/// Whether two numbers of bytes are within 1 % of each other.
fn are_close(one: u64, other: u64) -> bool {
    one.abs_diff(other) * 100 <= other
}

/// What the lines are in truth under each preset, from what was captured under its ConfigMap; as to time, those of `shape`.
fn truth(container: &str, preset: Preset, shape: &str) -> u64 {
    match preset {
        // `kept` is `standard` with the time of the line in each record.
        Preset::Standard => {
            let content = corpus("kept", container);
            let without_time = |message: &&str| {
                let record: Value = serde_json::from_str(message).unwrap();
                let time = record["time"].as_str().map_or(0, |time| r#""time":"","#.len() + time.len());
                (message.len() - time + 26) as u64
            };
            messages(&content).iter().map(without_time).sum()
        }
        Preset::Lean => {
            let content = corpus("once", container);
            billed(messages(&content).into_iter().filter(|message| !message.starts_with(r#"{"kubernetes""#)))
        }
        Preset::Merged => billed(messages(&corpus("parsed", container))),
        Preset::Seed => billed(messages(&corpus("bare", container))),
        // The rate of the capture was higher than the preset's: at most two records in a window of the throttle.
        Preset::Compact => {
            let content = corpus("once", container);
            let messages = messages(&content);
            let metadata = messages.iter().find(|one| one.starts_with(r#"{"kubernetes""#)).unwrap();
            let name = r#","cluster_name":"prod-eu""#.len();
            truth(container, Preset::Lean, shape) + 2 * windows(shape, container) * (metadata.len() + name + 26) as u64
        }
    }
}

/// In how many windows of the throttle lines were written.
fn windows(shape: &str, container: &str) -> u64 {
    let content = corpus(shape, container);
    let times = content["logEvents"].as_array().unwrap().iter().map(|event| event["timestamp"].as_i64().unwrap());
    times.map(|time| time / 30_000).collect::<BTreeSet<i64>>().len() as u64
}

#[test]
fn lines_of_each_shape_are_sized_under_each_preset_within_a_hundredth() {
    for container in CONTAINERS {
        for shape in ["kept", "parsed", "once"] {
            let sums = counted(&[corpus(shape, container)]).total;
            assert_eq!(sums.assumed_lines, 0, "{shape}/{container}");
            for preset in Preset::ALL {
                let (found, truth) = (sums.under(preset), truth(container, preset, shape));
                assert!(are_close(found, truth), "{shape}/{container} as {}: {found}, not {truth}", preset.name());
            }
        }
    }
}

/// No metadata is known of these; the lines themselves are.
#[test]
fn lines_without_metadata_are_sized_as_far_as_they_are_known() {
    for container in CONTAINERS {
        let sums = counted(&[corpus("bare", container)]).total;
        assert_eq!(sums.assumed_lines, sums.lines);
        for preset in [Preset::Lean, Preset::Seed] {
            let (found, truth) = (sums.under(preset), truth(container, preset, "bare"));
            assert!(are_close(found, truth), "bare/{container} as {}: {found}, not {truth}", preset.name());
        }
    }
}

#[test]
fn what_is_billed_now_is_counted_exactly() {
    for shape in ["bare", "kept", "logkey", "once", "parsed"] {
        let contents = CONTAINERS.map(|container| corpus(shape, container));
        let found = counted(&contents);
        let truth: u64 = contents.iter().map(|content| billed(messages(content))).sum();
        assert_eq!(found.total.billed, truth, "{shape}");
        // Each byte is in one row, and in one pattern or the rest.
        assert_eq!(found.rows.iter().map(|row| row.sums.billed).sum::<u64>(), truth);
        for row in &found.rows {
            let patterns: u64 = row.patterns.iter().map(|one| one.slice.billed).sum();
            assert_eq!(patterns + row.rest.billed, row.sums.billed);
        }
    }
}

/// The presets have the names that `generate logging` takes.
#[test]
fn the_presets_are_those_that_are_generated() {
    use clap::ValueEnum;
    let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
    for known in manifests::preset::LoggingPreset::value_variants() {
        assert!(names.contains(&known.to_string().as_str()), "{known}");
    }
}

/// The throttle that is counted with is the one that is written.
#[test]
fn the_throttle_is_the_one_that_is_generated() {
    let path = format!("{}/fluentbit/compact.yaml", testkit::ROOT);
    let text = std::fs::read_to_string(path).unwrap();
    let throttle = text.split("[FILTER]").find(|filter| filter.contains("Name throttle")).unwrap();
    let value = |name: &str| {
        let line = throttle.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.trim().trim_end_matches('s').parse::<u64>().unwrap()
    };
    let (rate, window, interval) = (value("Rate "), value("Window "), value("Interval "));
    assert_eq!(rate * window * 60 / (window * interval), cost::copies::PASS_IN_MINUTE);
}
