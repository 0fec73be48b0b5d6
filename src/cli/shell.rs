//! `podferry completions` and `podferry man`: what a shell and `man` know of the command, made from the same table as `--help`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Arguments, CommandError};

/// Writes the script by which a shell completes commands and flags to standard output.
pub(super) fn completions(shell: Shell) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "podferry", &mut script);
    Ok(std::io::stdout().lock().write_all(&script)?)
}

/// Writes the page of the command itself to standard output, or one page for each command into a folder.
pub(super) fn man(out: Option<PathBuf>) -> Result<(), CommandError> {
    let mut command = Arguments::command();
    command.build();
    let Some(folder) = out else {
        return Ok(std::io::stdout().lock().write_all(&page("podferry", command)?)?);
    };
    let failed = |path: &Path, error| CommandError::File { path: path.display().to_string(), error };
    std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
    for (name, command) in pages(command) {
        let path = folder.join(format!("{name}.1"));
        std::fs::write(&path, page(&name, command)?).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// A command and all below it, each with the name of its page: `podferry-generate-secret`.
fn pages(command: Command) -> Vec<(String, Command)> {
    let mut found = Vec::new();
    let mut waiting = vec![("podferry".to_owned(), command)];
    while let Some((name, command)) = waiting.pop() {
        // `help` repeats the others.
        let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
        waiting.extend(below.map(|below| (format!("{name}-{}", below.get_name()), below.clone())));
        found.push((name, command));
    }
    found
}

fn page(name: &str, command: Command) -> Result<Vec<u8>, CommandError> {
    let version = command.get_version().unwrap_or_default().to_owned();
    let mut page = Vec::new();
    Man::new(command.display_name(name.to_owned()))
        .title(name.to_owned())
        .source(format!("podferry {version}"))
        .render(&mut page)?;
    Ok(page)
}
