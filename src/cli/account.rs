//! What the commands that call AWS share: the flags that say which account, how it is reached, and a question before anything is
//! changed.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CommandError;
use super::output::{Output, OutputFlag};
use super::{project, spinner};
use crate::aws::account::{Access, Account};
use crate::aws::health::advice::{Advice, GivenFlags};
use forwarder::settings::{Environment, Settings};
use manifests::cluster::{ClusterOptions, FILE};

/// Which account, and how to print.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS and output")]
pub(super) struct AccountFlags {
    /// AWS region [default: podferry.yaml, then AWS_REGION or the AWS profile].
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// AWS profile in ~/.aws/config [default: AWS_PROFILE].
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Send AWS calls to this URL instead, for stand-ins such as moto.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// File with region, account, function and log groups; flags win [default: podferry.yaml, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: OutputFlag,
    /// The account that the file names: nothing is done in another.
    #[arg(skip)]
    expected: Option<String>,
    /// The region that the flag names, not the file.
    #[arg(skip)]
    given_region: Option<String>,
}

impl AccountFlags {
    /// Reads the file, for what these flags do not say and for what others may want.
    pub(super) fn read_file(&mut self) -> Result<ClusterOptions, CommandError> {
        let file = project::read(self.config.as_deref())?;
        self.given_region.clone_from(&self.region);
        self.region = self.region.take().or_else(|| file.region.clone());
        self.expected.clone_from(&file.account);
        Ok(file)
    }

    /// Writes commands that act on this account.
    pub(super) fn advice(&self, account: &Account) -> Advice {
        let given = GivenFlags {
            region: self.given_region.clone(),
            profile: self.profile.clone(),
            endpoint_url: self.endpoint_url.clone(),
            config: self.config.as_ref().map(|path| path.display().to_string()),
        };
        Advice::new(&account.region, &given)
    }

    /// Takes this region unless the flag names one: it is known better than the file can.
    pub(super) fn or_region(&mut self, region: &str) {
        if self.given_region.is_none() {
            self.region = Some(region.to_owned());
        }
    }

    /// The region that a flag or the file names.
    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// How to print.
    pub(super) fn output(&self) -> Output {
        self.output.format()
    }

    /// The account that the flags, the file and the SDK's chain say.
    pub(super) async fn open(&self) -> Result<Account, CommandError> {
        let AccountFlags { region, profile, endpoint_url, .. } = self.clone();
        if let Some(url) = &endpoint_url
            && !reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            let problem = "--endpoint-url: must be a URL such as http://127.0.0.1:5000";
            return Err(CommandError::Refused(problem.to_owned()));
        }
        let access = Access { region, profile, endpoint_url };
        let opening = Account::open(&access, Settings::read_network(&Environment)?);
        let account = spinner::during("Signing in to AWS…", opening).await?;
        match &self.expected {
            Some(expected) if *expected != account.id => Err(CommandError::Refused(format!(
                "the AWS credentials are for account {}, but {} says account {expected}. Choose other credentials with --profile, or another \
                 file with --config",
                account.id,
                self.config.as_deref().unwrap_or(Path::new(FILE)).display()
            ))),
            _ => Ok(account),
        }
    }
}

/// Asks before something is changed; only an answer that begins with `y` is a yes. Without a terminal there is nobody to ask,
/// and `--yes` has to be given.
pub(super) fn confirm(question: &str) -> Result<bool, CommandError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let problem =
            "there is no terminal to ask on: give --yes to proceed without a question, or --dry-run to change nothing";
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
