//! How commands print: `--output`, and the options of all commands, `--color` and `--quiet`.

use clap::{Args, ValueEnum};

use super::notes;

/// The form of a result: for people, or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OutputFlag {
    /// Output format.
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    format: Output,
    /// The old spelling of `--output json`.
    #[arg(long, hide = true, conflicts_with = "format")]
    json: bool,
}

impl OutputFlag {
    pub(super) fn format(&self) -> Output {
        if self.json { Output::Json } else { self.format }
    }

    pub(super) fn is_json(&self) -> bool {
        self.format() == Output::Json
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalFlags {
    /// When to use colors; `auto` follows the terminal, NO_COLOR and CLICOLOR.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Do not print progress, hints or warnings to standard error; errors, questions and reports are still printed.
    #[arg(short, long, global = true)]
    quiet: bool,
}

impl GlobalFlags {
    /// Both choices hold for the whole process.
    pub(super) fn apply(&self) {
        match self.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        if self.quiet {
            notes::be_quiet();
        }
    }
}
