//! What a command says on standard error besides errors and questions: progress, hints, warnings. `--quiet` leaves it out.
//!
//! The choice holds for the whole process, as `anstream` has it for colours.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Leaves notes out from now on.
pub(super) fn be_quiet() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

pub(super) fn is_quiet() -> bool {
    IS_QUIET.load(Ordering::Relaxed)
}

/// Whether there is a person to show something that moves.
pub(super) fn can_animate() -> bool {
    !is_quiet() && std::io::stderr().is_terminal()
}

/// A line on standard error, or several, unless `--quiet`. What a terminal would take as a command is made visible: names in it are anybody's.
macro_rules! note {
    ($($text:tt)*) => {
        if !$crate::cli::notes::is_quiet() {
            anstream::eprintln!("{}", $crate::cli::show::harmless_lines(&format!($($text)*)));
        }
    };
}

pub(super) use note;
