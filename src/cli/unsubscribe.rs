//! `podferry unsubscribe`: deletes the filters that lead to the function, and the permission if nothing else needs it.

use clap::Args;

use super::account::AccountFlags;
use super::block_on::block_on;
use super::changes::{ChangeAction, ChangeFlags, ChangeRow, Changes};
use super::error::CommandError;
use super::exit::Exit;
use super::selection::{FunctionFlag, SelectionFlags};
use super::spinner;
use super::subscribe::{nothing_found, said};
use crate::aws::account::Account;
use crate::aws::error::SdkCallError;
use crate::aws::function::Function;
use crate::aws::groups::{self, FoundLogGroups, LogGroupSelection};
use crate::aws::subscribe::apply;
use crate::aws::subscribe::permission::STATEMENT;
use crate::aws::subscribe::plan::ours;

/// Remove the forwarder's subscription filters
///
/// Deletes the subscription filters whose destination is the function, whatever their names, and the permission that `subscribe`
/// created once nothing needs it. Shows what it would delete, and asks. Touches nothing else.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  podferry unsubscribe /aws/eks/prod/fargate
  podferry unsubscribe --all --dry-run

Exit codes:
  0  none of the selected log groups is subscribed, or with --dry-run, nothing is in conflict
  1  something is in conflict
  2  a call failed, or an argument is wrong")]
pub(super) struct UnsubscribeOptions {
    #[command(flatten)]
    selection: SelectionFlags,
    /// Unsubscribe all log groups of this region.
    #[arg(long, conflicts_with_all = ["groups", "prefixes", "patterns", "tags"])]
    all: bool,
    /// Delete the account policy instead, if its destination is the function; the filters of log groups stay.
    #[arg(long, conflicts_with_all = ["groups", "prefixes", "patterns", "tags", "all"])]
    whole_account: bool,
    /// The old spelling of --whole-account.
    #[arg(long = "account", hide = true, conflicts_with_all = ["groups", "prefixes", "patterns", "tags", "all", "whole_account"])]
    old_account: bool,
    #[command(flatten)]
    function: FunctionFlag,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    aws: AccountFlags,
}

enum UnsubscribeWork {
    Filter { group: String, filter: String },
    Policy(String),
    Permission,
}

impl UnsubscribeOptions {
    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        let file = self.aws.read_file()?;
        self.function.fill(&file);
        self.whole_account |= self.old_account;
        if !self.whole_account && !self.all {
            self.selection.fill(&file);
        }
        block_on(unsubscribe(self))
    }
}

async fn unsubscribe(options: UnsubscribeOptions) -> Result<Exit, CommandError> {
    let account = options.aws.open().await?;
    let selection = options.selection.selection(&account)?;
    if selection.is_empty() && !options.whole_account && !options.all {
        return Err(CommandError::Refused(
            "choose log groups by name, --prefix, --pattern or --tag, or list log_groups in podferry.yaml, or use --all for all that are \
             subscribed, or --whole-account for the account policy"
                .to_owned(),
        ));
    }
    let function = options.function.find(&account).await?;
    let mut changes = Changes::new(&account, &function);
    if options.whole_account {
        plan_account(&account, &function, &mut changes).await?;
    } else {
        plan_groups(&account, &function, &selection, &options.selection, &mut changes).await?;
    }
    plan_permission(&account, &function, &mut changes).await?;
    if changes.agreed(options.change, options.aws.output())? {
        make(&account, &function, &mut changes).await;
    }
    changes.report(options.change, options.aws.output())
}

async fn plan_groups(
    account: &Account,
    function: &Function,
    selection: &LogGroupSelection,
    flags: &SelectionFlags,
    changes: &mut Changes<UnsubscribeWork>,
) -> Result<(), CommandError> {
    let found = spinner::during("Looking for the log groups…", selection.find(account)).await?;
    if found == FoundLogGroups::default() && !selection.is_empty() {
        return Err(CommandError::Refused(nothing_found(account, flags)));
    }
    let reading = groups::filters_of(account, found.groups);
    for (group, filters) in spinner::during("Reading the subscription filters…", reading).await? {
        let ours = ours(&filters, &function.destination());
        for filter in &ours {
            let row = ChangeRow::new(&group.name, ChangeAction::Delete, Some(&filter.name), said(&filter.pattern));
            changes.rows.push(
                row.with_work(UnsubscribeWork::Filter { group: group.name.clone(), filter: filter.name.clone() }),
            );
        }
        if ours.is_empty() && selection.names.contains(&group.name) {
            changes.rows.push(ChangeRow::new(&group.name, ChangeAction::Leave, None, "not subscribed"));
        }
    }
    for name in found.missing {
        changes.rows.push(ChangeRow::new(name, ChangeAction::Leave, None, "no such log group"));
    }
    Ok(())
}

async fn plan_account(
    account: &Account,
    function: &Function,
    changes: &mut Changes<UnsubscribeWork>,
) -> Result<(), CommandError> {
    let subject = "all log groups, by an account policy";
    let row = |what, name: Option<&str>, detail: &str| ChangeRow::new(subject, what, name, detail);
    changes.rows.push(match apply::account_policy(account).await? {
        Some(Ok(policy)) if policy.leads_to(&function.arn) => {
            row(ChangeAction::Delete, Some(&policy.name), &said(&policy.pattern))
                .with_work(UnsubscribeWork::Policy(policy.name))
        }
        Some(Ok(policy)) => {
            row(ChangeAction::Leave, Some(&policy.name), &format!("has another destination: {}", policy.destination))
        }
        Some(Err(refusal)) => row(ChangeAction::Conflict, None, &refusal.to_string()),
        None => row(ChangeAction::Leave, None, "no such policy"),
    });
    Ok(())
}

/// The permission goes if it is ours and nothing that stays needs it. All groups have to be asked for that; so where something
/// cannot be read, it stays.
async fn plan_permission(
    account: &Account,
    function: &Function,
    changes: &mut Changes<UnsubscribeWork>,
) -> Result<(), CommandError> {
    if !apply::policy(account, function).await?.has(STATEMENT) {
        return Ok(());
    }
    let subject = format!("permission of {}", function.name);
    changes.rows.push(match spinner::during("Checking the permission…", needed_by(account, function, changes)).await {
        Ok(None) => {
            ChangeRow::new(subject, ChangeAction::Delete, None, STATEMENT).with_work(UnsubscribeWork::Permission)
        }
        Ok(Some(who)) => ChangeRow::new(subject, ChangeAction::Leave, None, format!("{STATEMENT}: needed by {who}")),
        Err(error) => {
            let warning = "could not check whether anything else needs the permission, so it stays";
            changes.warnings.push(format!("{warning}: {error}"));
            return Ok(());
        }
    });
    Ok(())
}

/// What still leads to the function when the work is done.
async fn needed_by(
    account: &Account,
    function: &Function,
    changes: &Changes<UnsubscribeWork>,
) -> Result<Option<String>, SdkCallError> {
    let is_deleted = |group: &str, filter: &str| {
        let is_it = |one: &UnsubscribeWork| matches!(one, UnsubscribeWork::Filter { group: g, filter: f } if g == group && f == filter);
        changes.work().any(is_it)
    };
    let is_policy_deleted = changes.work().any(|one| matches!(one, UnsubscribeWork::Policy(_)));
    if !is_policy_deleted
        && let Some(Ok(policy)) = apply::account_policy(account).await?
        && policy.leads_to(&function.arn)
    {
        return Ok(Some(format!("account policy {}", policy.name)));
    }
    for (group, filters) in groups::filters_of(account, groups::with_prefix(account, "").await?).await? {
        let mut stay =
            ours(&filters, &function.arn).into_iter().filter(|filter| !is_deleted(&group.name, &filter.name));
        if let Some(filter) = stay.next() {
            return Ok(Some(format!("filter {} of {}", filter.name, group.name)));
        }
    }
    Ok(None)
}

/// Deletes filters first, and the permission only if all went well.
async fn make(account: &Account, function: &Function, changes: &mut Changes<UnsubscribeWork>) {
    let delete = |work| {
        let (account, function) = (account.clone(), function.clone());
        async move {
            match work {
                UnsubscribeWork::Filter { group, filter } => apply::delete_filter(&account, &group, &filter).await,
                UnsubscribeWork::Policy(name) => apply::delete_account_policy(&account, &name).await,
                UnsubscribeWork::Permission => apply::remove_permission(&account, &function).await,
            }
        }
    };
    if changes.make(|work| !matches!(work, UnsubscribeWork::Permission), delete).await {
        changes.make(|_| true, delete).await;
    }
}
