//! What the commands that call AWS share: the flags that say which account, the way in, and a question before anything is
//! changed.

use std::io::{BufRead, IsTerminal, Write};

use clap::{Args, ValueEnum};

use super::CommandError;
use crate::aws::account::{Access, Account};
use forwarder::settings::{Environment, Settings};

/// Which account, and how to print.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS and output")]
pub(super) struct AccountFlags {
    /// AWS region [default: that of the SDK's chain: AWS_REGION, or the profile's].
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Profile in ~/.aws/config to take credentials and region from [default: that of AWS_PROFILE].
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Where to reach AWS instead of its own addresses, for stand-ins.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// How to print: for people, or for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
}

impl AccountFlags {
    /// The account that the flags and the SDK's chain say.
    pub(super) async fn open(&self) -> Result<Account, CommandError> {
        let AccountFlags { region, profile, endpoint_url, .. } = self.clone();
        if let Some(url) = &endpoint_url
            && !reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            let problem = "--endpoint-url: must be a URL such as http://127.0.0.1:5000";
            return Err(CommandError::Refused(problem.to_owned()));
        }
        let access = Access { region, profile, endpoint_url };
        Ok(Account::open(&access, Settings::read_proxies(&Environment)?).await?)
    }
}

/// Asks before something is changed; only an answer that begins with `y` is a yes. Without a terminal there is nobody to ask,
/// and `--yes` has to be given.
pub(super) fn confirm(question: &str) -> Result<bool, CommandError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let problem =
            "there is no terminal to ask on: give --yes to go on without being asked, or --dry-run to only look";
        return Err(CommandError::Refused(problem.to_owned()));
    }
    Ok(asked(question, &mut stdin.lock(), &mut anstream::stderr())?)
}

fn asked(question: &str, input: &mut impl BufRead, out: &mut impl Write) -> std::io::Result<bool> {
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, expected) in
            [("y\n", true), ("YES\n", true), ("\n", false), ("", false), ("n\n", false), ("yo\n", false)]
        {
            let mut out = Vec::new();
            assert_eq!(asked("Go on?", &mut answer.as_bytes(), &mut out).unwrap(), expected, "{answer:?}");
            assert_eq!(out, b"Go on? [y/N] ");
        }
    }
}
