//! The flags by which operators say which log groups, and which function.

use clap::Args;

use super::error::CommandError;
use super::spinner;
use crate::aws::account::Account;
use crate::aws::function::Function;
use crate::aws::groups::{LogGroupSelection, LogGroupTag};
use manifests::cluster::ClusterOptions;

/// The help of GROUP where a command needs none.
pub(super) const GROUPS_OR_SUBSCRIBED: &str =
    "Log groups, by name or ARN [default: log_groups in podferry.yaml, otherwise all that are subscribed]";

/// Which log groups.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SelectionFlags {
    /// Log groups, by name or ARN [default: log_groups in podferry.yaml].
    #[arg(value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// Log groups whose names begin with this text; repeatable.
    #[arg(long = "prefix", value_name = "TEXT")]
    pub(crate) prefixes: Vec<String>,
    /// Log groups whose full names match, with `*` for any text and `?` for one character; repeatable.
    #[arg(long = "pattern", value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,
    /// Only log groups with this tag, among those selected above or, if none are, among all; repeat to require several tags.
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    pub(crate) tags: Vec<String>,
}

/// Which function.
#[derive(Debug, Clone, Args)]
pub(super) struct FunctionFlag {
    /// The forwarder's function, by name or ARN; append a version or alias after a colon [default: podferry.yaml, then the
    /// only function whose name begins with `podferry`, or which has a variable that begins with `PODFERRY_`].
    #[arg(long, value_name = "NAME|ARN")]
    pub(crate) function: Option<String>,
}

impl FunctionFlag {
    /// Takes from the file what the flag does not say.
    pub(super) fn fill(&mut self, file: &ClusterOptions) {
        self.function = self.function.take().or_else(|| file.function.clone());
    }

    pub(super) async fn find(&self, account: &Account) -> Result<Function, CommandError> {
        Ok(spinner::during("Looking for the function…", Function::find(account, self.function.as_deref())).await?)
    }
}

/// The log groups that a file says are operated on.
pub(super) fn groups_of(file: &ClusterOptions) -> Vec<String> {
    if file.log_groups.is_empty() { file.log_group.iter().cloned().collect() } else { file.log_groups.clone() }
}

impl SelectionFlags {
    /// Takes from the file what the flags do not say.
    pub(super) fn fill(&mut self, file: &ClusterOptions) {
        if self.groups.is_empty() && self.prefixes.is_empty() && self.patterns.is_empty() && self.tags.is_empty() {
            self.groups = groups_of(file);
        }
    }

    /// What the flags say; ARNs have to be of this account and region.
    pub(super) fn selection(&self, account: &Account) -> Result<LogGroupSelection, CommandError> {
        let names = self.groups.iter().map(|given| group_name(given, account)).collect::<Result<_, _>>()?;
        let tags = self.tags.iter().map(|given| match given.split_once('=') {
            Some((key, value)) => LogGroupTag { key: key.to_owned(), value: Some(value.to_owned()) },
            None => LogGroupTag { key: given.clone(), value: None },
        });
        let (prefixes, patterns) = (self.prefixes.clone(), self.patterns.clone());
        Ok(LogGroupSelection { names, prefixes, patterns, tags: tags.collect() })
    }

    /// `--prefix /aws/eks/ --tag team`, as it was given: for what is said if nothing was found.
    pub(super) fn said(&self) -> String {
        let flags = |flag: &'static str, values: &[String]| {
            values.iter().map(|value| format!("{flag} {value}")).collect::<Vec<_>>()
        };
        let all = [
            self.groups.clone(),
            flags("--prefix", &self.prefixes),
            flags("--pattern", &self.patterns),
            flags("--tag", &self.tags),
        ];
        all.concat().join(" ")
    }
}

/// The name of a group that was given as name or ARN.
pub(super) fn group_name(given: &str, account: &Account) -> Result<String, CommandError> {
    if !given.starts_with("arn:") {
        // Source: Amazon CloudWatch Logs API reference, `logGroupName`: 1 to 512 of these.
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte);
        if given.is_empty() || given.len() > 512 || !given.bytes().all(is_known) {
            let problem = format!("{given}: not the name of a log group; for several groups use --prefix or --pattern");
            return Err(CommandError::Refused(problem));
        }
        return Ok(given.to_owned());
    }
    let mut parts = given.splitn(6, ':').skip(2);
    let [Some("logs"), Some(region), Some(id), Some(rest)] = std::array::from_fn(|_| parts.next()) else {
        return Err(CommandError::Refused(format!("{given}: not the ARN of a log group")));
    };
    if region != account.region || id != account.id {
        return Err(CommandError::Refused(format!(
            "{given}: not in account {} and region {}. A subscription filter can only reach a function of its own account and region: \
             run the command there, with --region and --profile",
            account.id, account.region
        )));
    }
    let name = rest.strip_prefix("log-group:").map(|name| name.strip_suffix(":*").unwrap_or(name));
    name.map(str::to_owned).ok_or_else(|| CommandError::Refused(format!("{given}: not the ARN of a log group")))
}
