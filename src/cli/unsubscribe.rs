//! `podferry unsubscribe`: deletes the filters that lead to the function, and the permission if nothing else needs it.

use clap::Args;

use super::CommandError;
use super::account::AccountFlags;
use super::changes::{ChangeFlags, Changes, Row, What};
use super::exit::Exit;
use super::selection::{FunctionFlag, SelectionFlags};
use super::subscribe::{nothing_found, said};
use crate::aws::account::Account;
use crate::aws::error::SdkCallError;
use crate::aws::function::Function;
use crate::aws::groups::{self, FoundLogGroups, LogGroupSelection};
use crate::aws::subscribe::apply;
use crate::aws::subscribe::permission::STATEMENT;
use crate::aws::subscribe::plan::ours;

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    selection: SelectionFlags,
    /// All log groups of this region that are subscribed to the function.
    #[arg(long, conflicts_with_all = ["groups", "prefixes", "patterns", "tags"])]
    all: bool,
    /// The account's policy instead, if it leads to the function; filters of log groups stay.
    #[arg(long, conflicts_with_all = ["groups", "prefixes", "patterns", "tags", "all"])]
    account: bool,
    #[command(flatten)]
    function: FunctionFlag,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    aws: AccountFlags,
}

enum Work {
    Filter { group: String, filter: String },
    Policy(String),
    Permission,
}

pub(super) async fn run(options: Options) -> Result<Exit, CommandError> {
    let account = options.aws.open().await?;
    let selection = options.selection.selection(&account)?;
    if selection.is_empty() && !options.account && !options.all {
        return Err(CommandError::Refused(
            "say which log groups: by name, --prefix, --pattern or --tag, --all for all that are subscribed, or --account for the \
             account's policy"
                .to_owned(),
        ));
    }
    let function = Function::find(&account, options.function.function.as_deref()).await?;
    let mut changes = Changes::new(&account, &function);
    if options.account {
        plan_account(&account, &function, &mut changes).await?;
    } else {
        plan_groups(&account, &function, &selection, &options.selection, &mut changes).await?;
    }
    plan_permission(&account, &function, &mut changes).await?;
    if changes.agreed(options.change, options.aws.output)? {
        make(&account, &function, &mut changes).await;
    }
    changes.report(options.change, options.aws.output)
}

async fn plan_groups(
    account: &Account,
    function: &Function,
    selection: &LogGroupSelection,
    flags: &SelectionFlags,
    changes: &mut Changes<Work>,
) -> Result<(), CommandError> {
    let found = selection.find(account).await?;
    if found == FoundLogGroups::default() && !selection.is_empty() {
        return Err(CommandError::Refused(nothing_found(account, flags)));
    }
    for (group, filters) in groups::filters_of(account, found.groups).await? {
        let ours = ours(&filters, &function.destination());
        for filter in &ours {
            let row = Row::new(&group.name, What::Delete, Some(&filter.name), said(&filter.pattern));
            changes.rows.push(row.with_work(Work::Filter { group: group.name.clone(), filter: filter.name.clone() }));
        }
        if ours.is_empty() && selection.names.contains(&group.name) {
            changes.rows.push(Row::new(&group.name, What::Leave, None, "no filter leads to the function"));
        }
    }
    for name in found.missing {
        changes.rows.push(Row::new(name, What::Leave, None, "there is no such log group"));
    }
    Ok(())
}

async fn plan_account(account: &Account, function: &Function, changes: &mut Changes<Work>) -> Result<(), CommandError> {
    let subject = "all log groups, by a policy of the account";
    let row = |what, name: Option<&str>, detail: &str| Row::new(subject, what, name, detail);
    changes.rows.push(match apply::account_policy(account).await? {
        Some(Ok(policy)) if policy.leads_to(&function.arn) => {
            row(What::Delete, Some(&policy.name), &said(&policy.pattern)).with_work(Work::Policy(policy.name))
        }
        Some(Ok(policy)) => {
            row(What::Leave, Some(&policy.name), &format!("it leads elsewhere: {}", policy.destination))
        }
        Some(Err(refusal)) => row(What::Conflict, None, &refusal.to_string()),
        None => row(What::Leave, None, "there is no such policy"),
    });
    Ok(())
}

/// The permission goes if it is ours and nothing that stays needs it. All groups have to be asked for that; so where something
/// cannot be read, it stays.
async fn plan_permission(
    account: &Account,
    function: &Function,
    changes: &mut Changes<Work>,
) -> Result<(), CommandError> {
    if !apply::policy(account, function).await?.has(STATEMENT) {
        return Ok(());
    }
    let subject = format!("permission of {}", function.name);
    changes.rows.push(match needed_by(account, function, changes).await {
        Ok(None) => Row::new(subject, What::Delete, None, STATEMENT).with_work(Work::Permission),
        Ok(Some(who)) => Row::new(subject, What::Leave, None, format!("{STATEMENT}: needed by {who}")),
        Err(error) => {
            let warning = "whether anything else needs the permission was not to be seen, so it stays";
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
    changes: &Changes<Work>,
) -> Result<Option<String>, SdkCallError> {
    let is_deleted = |group: &str, filter: &str| {
        let is_it = |one: &Work| matches!(one, Work::Filter { group: g, filter: f } if g == group && f == filter);
        changes.work().any(is_it)
    };
    let is_policy_deleted = changes.work().any(|one| matches!(one, Work::Policy(_)));
    if !is_policy_deleted
        && let Some(Ok(policy)) = apply::account_policy(account).await?
        && policy.leads_to(&function.arn)
    {
        return Ok(Some(format!("the account's policy {}", policy.name)));
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
async fn make(account: &Account, function: &Function, changes: &mut Changes<Work>) {
    let delete = |work| {
        let (account, function) = (account.clone(), function.clone());
        async move {
            match work {
                Work::Filter { group, filter } => apply::delete_filter(&account, &group, &filter).await,
                Work::Policy(name) => apply::delete_account_policy(&account, &name).await,
                Work::Permission => apply::remove_permission(&account, &function).await,
            }
        }
    };
    if changes.make(|work| !matches!(work, Work::Permission), delete).await {
        changes.make(|_| true, delete).await;
    }
}
