//! How the steps look: a line each as soon as it is known, or JSON at the end.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::aws::doctor::{Area, Outcome, Step};
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::show;

/// The version of the JSON's form: members may be added, and this counts what is not compatible.
const VERSION: u32 = 1;

/// All steps so far.
#[derive(Debug)]
pub(super) struct Report {
    output: Output,
    /// With signs, not words.
    is_utf8: bool,
    steps: Vec<Step>,
}

impl Report {
    pub(super) fn new(output: Output, is_utf8: bool) -> Report {
        Report { output, is_utf8, steps: Vec::new() }
    }

    /// Takes steps, and shows them to people.
    pub(super) fn add(&mut self, steps: impl IntoIterator<Item = Step>) -> Result<(), CommandError> {
        for step in steps {
            if self.output == Output::Text {
                let heading = self.steps.last().is_none_or(|before| before.area != step.area).then_some(step.area);
                self.show(heading, &step)?;
            }
            self.steps.push(step);
        }
        Ok(())
    }

    /// How many steps came out so.
    pub(super) fn count(&self, outcome: Outcome) -> usize {
        self.steps.iter().filter(|step| step.outcome == outcome).count()
    }

    /// The sum, or all as JSON.
    pub(super) fn end(&self) -> Result<(), CommandError> {
        const ALL: [Outcome; 5] = [Outcome::Right, Outcome::Note, Outcome::Wrong, Outcome::Unknown, Outcome::Skipped];
        if self.output == Output::Json {
            let step = |step: &Step| {
                json!({
                    "area": step.area.title(), "name": step.name, "outcome": step.outcome.word(), "detail": step.detail,
                    "remedy": step.remedy,
                })
            };
            let sums: serde_json::Map<String, Value> =
                ALL.iter().map(|outcome| (outcome.word().to_owned(), self.count(*outcome).into())).collect();
            let steps: Vec<Value> = self.steps.iter().map(step).collect();
            return Ok(show::json(&json!({ "version": VERSION, "steps": steps, "summary": sums }))?);
        }
        let sums: Vec<String> = ALL
            .iter()
            .filter(|outcome| self.count(**outcome) > 0)
            .map(|outcome| format!("{} {}", self.count(*outcome), outcome.word()))
            .collect();
        Ok(writeln!(anstream::stdout().lock(), "\n{}", sums.join(", "))?)
    }

    fn show(&self, heading: Option<Area>, step: &Step) -> Result<(), CommandError> {
        let mut out = anstream::stdout().lock();
        if let Some(area) = heading {
            show::title(&mut out, area.title())?;
        }
        let (style, arrow) = (style(step.outcome), if self.is_utf8 { "→" } else { "->" });
        let sign = if self.is_utf8 { step.outcome.sign().to_owned() } else { format!("{:<7}", step.outcome.word()) };
        let indent = 3 + sign.chars().count();
        let mut lines =
            show::wrapped(&format!("{}: {}", step.name, step.detail), show::width().saturating_sub(indent)).into_iter();
        writeln!(out, "  {style}{sign}{style:#} {}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "{:indent$}{line}", "")?;
        }
        if let Some(remedy) = &step.remedy {
            // In one line, so that a command can be copied.
            writeln!(out, "{:indent$}{arrow} {}", "", show::harmless(remedy))?;
        }
        Ok(())
    }
}

fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Right => AnsiColor::Green.on_default(),
        Outcome::Note | Outcome::Unknown => AnsiColor::Yellow.on_default(),
        Outcome::Wrong => show::ERROR,
        Outcome::Skipped => Style::new().dimmed(),
    }
}
