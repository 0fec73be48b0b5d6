//! The exit codes of all commands. `docs/commands.md` has the same table; a test holds them equal.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Done = 0,
    Findings = 1,
    /// clap ends with this code, too, where it refuses arguments.
    Failed = 2,
    /// As shells have it for a process that SIGINT has ended: 128 and the signal's number.
    Interrupted = 130,
}

impl Exit {
    /// Of a command that looks for what is wrong.
    pub(super) fn of_findings(number: usize) -> Exit {
        if number == 0 { Exit::Done } else { Exit::Findings }
    }

    /// Ends the process, where only a signal does.
    pub(super) fn end(self) -> ExitCode {
        // Shells tell a process that was ended by Ctrl-C from one that says so, and end a script or a loop with it.
        #[cfg(unix)]
        if self == Exit::Interrupted {
            let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGINT);
        }
        ExitCode::from(self as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_have_the_same_table() {
        let meaning = |exit| match exit {
            Exit::Done => "The work is done, and nothing is wrong.",
            Exit::Findings => "The work is done, and something needs your attention.",
            Exit::Failed => {
                "The work could not be done: an argument, a file, the network or a permission is wrong. The reason is on standard error."
            }
            Exit::Interrupted => "You pressed Ctrl-C. The process ends by the signal, which shells show as this code.",
        };
        let row = |exit: Exit| format!("| {} | {} |\n", exit as u8, meaning(exit));
        let rows: String = [Exit::Done, Exit::Findings, Exit::Failed, Exit::Interrupted].map(row).concat();
        let documented = include_str!("../../docs/commands.md");
        assert!(documented.contains(&format!("| Code | Meaning |\n| --- | --- |\n{rows}\n")), "{rows}");
    }
}
