//! `podferry completions` and `podferry man`: what a shell and `man` know of the command, made from the same table as `--help`.

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::error::CommandError;
use super::exit::Exit;

/// Print a shell completion script
///
/// The script lets your shell complete podferry's commands and options.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  source <(podferry completions bash)              # in ~/.bashrc
  podferry completions zsh > ~/.zfunc/_podferry    # in a folder of $fpath
  podferry completions fish > ~/.config/fish/completions/podferry.fish")]
pub(super) struct CompletionsOptions {
    /// Shell to print the script for.
    shell: Shell,
}

impl CompletionsOptions {
    /// Writes the script to standard output.
    pub(super) fn run(self, command: Command) -> Result<Exit, CommandError> {
        let mut script = Vec::new();
        let mut command = without_hidden(&command).version(env!("PODFERRY_VERSION")).propagate_version(true);
        clap_complete::generate(self.shell, &mut command, "podferry", &mut script);
        std::io::stdout().lock().write_all(&script)?;
        Ok(Exit::Done)
    }
}

/// The same command without old spellings, which `clap_complete` would offer; and without what only `--help` shows.
fn without_hidden(command: &Command) -> Command {
    let visible: Vec<_> = command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned().collect();
    let is_visible = |id: &&clap::Id| visible.iter().any(|argument| argument.get_id() == *id);
    let groups: Vec<_> = command
        .get_groups()
        .map(|group| {
            let ids: Vec<_> = group.get_args().filter(is_visible).cloned().collect();
            ArgGroup::new(group.get_id().clone()).args(ids).multiple(true)
        })
        .collect();
    // A name has to live as long as the process, which ends soon.
    let name: &'static str = command.get_name().to_owned().leak();
    let mut same = Command::new(name).groups(groups).args(visible);
    if let Some(about) = command.get_about() {
        same = same.about(about.clone());
    }
    same.subcommands(command.get_subcommands().filter(|below| !below.is_hide_set()).map(without_hidden))
}

/// Print the manual pages
///
/// Prints podferry(1), or writes one page for each command into a folder.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry man | man -l -
  podferry man --out ~/.local/share/man/man1")]
pub(super) struct ManOptions {
    /// Write a page for each command into this folder: podferry.1, podferry-preview.1, …
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ManOptions {
    /// Writes the page of the command itself to standard output, or all pages into the folder.
    pub(super) fn run(self, mut command: Command) -> Result<Exit, CommandError> {
        command.build();
        let Some(folder) = self.out else {
            std::io::stdout().lock().write_all(&page("podferry", command)?)?;
            return Ok(Exit::Done);
        };
        std::fs::create_dir_all(&folder).map_err(|error| CommandError::file(&folder, error))?;
        for (name, command) in pages(command) {
            let path = folder.join(format!("{name}.1"));
            std::fs::write(&path, page(&name, command)?).map_err(|error| CommandError::file(&path, error))?;
        }
        Ok(Exit::Done)
    }
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
