//! `podferry subscribe`: from flags to a plan, and from a plan to calls.

use clap::Args;

use super::CommandError;
use super::account::AccountFlags;
use super::changes::{ChangeFlags, Changes, Row, What};
use super::exit::Exit;
use super::selection::{FunctionFlag, SelectionFlags};
use crate::aws::account::Account;
use crate::aws::function::Function;
use crate::aws::groups::{self, FoundLogGroups, LogGroup, SubscriptionFilter};
use crate::aws::subscribe::account_policy::{self, AccountPolicy, PolicyStep, PolicyWish};
use crate::aws::subscribe::permission::{PermissionStep, STATEMENT};
use crate::aws::subscribe::plan::{self, SubscribeRefusal, SubscribeStep, SubscribeWish};
use crate::aws::subscribe::{FILTER_NAME, apply};

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    selection: SelectionFlags,
    /// Subscribe the whole account in this region instead, with one policy: all log groups, those of tomorrow too, but for the
    /// function's own.
    #[arg(long, conflicts_with_all = ["groups", "prefixes", "patterns", "tags"])]
    account: bool,
    #[command(flatten)]
    function: FunctionFlag,
    /// Which events, as a filter pattern of CloudWatch Logs; empty is all [default: all, and what stands for filters that are there].
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    filter_pattern: Option<String>,
    /// Name for filters that are made, and for the account's policy.
    #[arg(long, value_name = "NAME", default_value = FILTER_NAME)]
    filter_name: String,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    aws: AccountFlags,
}

/// What a row of the plan stands for.
enum Work {
    Permission,
    Filter { group: String, filter: SubscriptionFilter },
    Policy(AccountPolicy),
}

pub(super) async fn run(options: Options) -> Result<Exit, CommandError> {
    let account = options.aws.open().await?;
    let selection = options.selection.selection(&account)?;
    if selection.is_empty() && !options.account {
        return Err(CommandError::Refused(
            "say which log groups: by name, --prefix, --pattern or --tag, or --account for all of them".to_owned(),
        ));
    }
    let function = Function::find(&account, options.function.function.as_deref()).await?;
    let mut changes = Changes::new(&account, &function);
    if options.account {
        plan_account(&account, &function, &options, &mut changes).await?;
    } else {
        let found = selection.find(&account).await?;
        if found == FoundLogGroups::default() {
            return Err(CommandError::Refused(nothing_found(&account, &options.selection)));
        }
        plan_groups(&account, &function, &options, found, &mut changes).await?;
    }
    if changes.agreed(options.change, options.aws.output)? {
        make(&account, &function, &mut changes).await;
    }
    changes.report(options.change, options.aws.output)
}

/// For commands that look for groups.
pub(super) fn nothing_found(account: &Account, flags: &SelectionFlags) -> String {
    format!(
        "no log group of account {} in {} fits {}. Fargate makes a group with the first log of a pod; look with \
         `aws logs describe-log-groups`, or in another region with --region",
        account.id,
        account.region,
        flags.said()
    )
}

/// A plan for groups that were chosen.
async fn plan_groups(
    account: &Account,
    function: &Function,
    options: &Options,
    found: FoundLogGroups,
    changes: &mut Changes<Work>,
) -> Result<(), CommandError> {
    let wish = SubscribeWish {
        destination: function.destination(),
        filter_name: options.filter_name.clone(),
        pattern: options.filter_pattern.clone(),
        own_log_group: function.log_group.clone(),
        by_policy: by_policy(account, function, changes).await,
    };
    let named = options.selection.selection(account)?.names;
    let mut sources = Vec::new();
    for (group, filters) in groups::filters_of(account, found.groups).await? {
        let step = plan::step(&group, &filters, &wish);
        if !matches!(step, SubscribeStep::Refuse(_)) {
            sources.push(account.log_group(&group.name).resource);
        }
        changes.rows.push(row(&group, step, named.contains(&group.name)));
    }
    for name in found.missing {
        changes.rows.push(Row::new(name, What::Conflict, None, SubscribeRefusal::Missing.to_string()));
    }
    plan_permission(account, function, &sources, changes).await
}

/// The account's policy, if it leads to the function; a warning where it cannot be read.
async fn by_policy(
    account: &Account,
    function: &Function,
    changes: &mut Changes<Work>,
) -> Option<(String, Vec<String>)> {
    match apply::account_policy(account).await {
        Ok(Some(Ok(policy))) if policy.leads_to(&function.arn) => Some((policy.name, policy.left_out)),
        Ok(_) => None,
        Err(error) => {
            changes.warnings.push(format!(
                "whether a policy subscribes the whole account already was not to be seen, and then every log would be sent twice: {error}"
            ));
            None
        }
    }
}

fn row(group: &LogGroup, step: SubscribeStep, is_named: bool) -> Row<Work> {
    let row = |what, filter: &SubscriptionFilter, detail| Row::new(&group.name, what, Some(&filter.name), detail);
    let put = |filter| Work::Filter { group: group.name.clone(), filter };
    match step {
        SubscribeStep::Create(filter) => row(What::Create, &filter, said(&filter.pattern)).with_work(put(filter)),
        SubscribeStep::Leave(filter) => row(What::Leave, &filter, format!("stands already: {}", said(&filter.pattern))),
        SubscribeStep::Change { from, to } => {
            let detail = if from.pattern == to.pattern {
                format!("{} → {}", from.destination, to.destination)
            } else {
                format!("{} → {}", said(&from.pattern), said(&to.pattern))
            };
            row(What::Change, &to, detail).with_work(put(to))
        }
        SubscribeStep::Refuse(refusal) => {
            let what = if is_named || refusal.is_conflict() { What::Conflict } else { What::LeaveOut };
            Row::new(&group.name, what, None, refusal.to_string())
        }
    }
}

/// A filter pattern for people.
pub(super) fn said(pattern: &str) -> String {
    if pattern.is_empty() { "all events".to_owned() } else { format!("events of {pattern}") }
}

async fn plan_permission(
    account: &Account,
    function: &Function,
    sources: &[String],
    changes: &mut Changes<Work>,
) -> Result<(), CommandError> {
    let subject = format!("permission of {}", function.name);
    let row = match apply::policy(account, function).await?.step(sources, &account.id) {
        PermissionStep::None => return Ok(()),
        PermissionStep::Leave(ids) => {
            let detail = format!("CloudWatch Logs may invoke it already: {}", ids.join(", "));
            Row::new(subject, What::Leave, None, detail)
        }
        PermissionStep::Add => {
            let detail =
                format!("{STATEMENT}: CloudWatch Logs may invoke it for all log groups of this account and region");
            Row::new(subject, What::Create, None, detail).with_work(Work::Permission)
        }
        PermissionStep::Taken => {
            return Err(CommandError::Refused(format!(
                "the policy of function {name} has a statement {STATEMENT} that does not let CloudWatch Logs of this account and region invoke it. \
                 Look at it with `aws lambda get-policy --function-name {name}`, and remove it with `aws lambda remove-permission \
                 --function-name {name} --statement-id {STATEMENT}`",
                name = function.name
            )));
        }
    };
    // It is made first, so it is shown first.
    changes.rows.insert(0, row);
    Ok(())
}

/// A plan for the account's policy.
async fn plan_account(
    account: &Account,
    function: &Function,
    options: &Options,
    changes: &mut Changes<Work>,
) -> Result<(), CommandError> {
    let stands = apply::account_policy(account).await?;
    let all = groups::with_prefix(account, "").await?;
    let own = function.destination();
    let with_filters = groups::filters_of(account, all).await?;
    let with_ours = with_filters.into_iter().filter(|(_, filters)| !plan::ours(filters, &function.arn).is_empty());
    // A group with a filter of its own would be sent twice.
    let mut leave_out = vec![function.log_group.clone()];
    leave_out.extend(with_ours.map(|(group, _)| group.name).filter(|name| *name != function.log_group));
    let (name, pattern) = (options.filter_name.clone(), options.filter_pattern.clone());
    let step = account_policy::step(stands, &PolicyWish { name, destination: own, pattern, leave_out });
    let detail = |policy: &AccountPolicy| format!("{}, but of {}", said(&policy.pattern), policy.left_out.join(", "));
    let subject = "all log groups, by a policy of the account";
    let row = |what, policy: &AccountPolicy, detail| Row::new(subject, what, Some(&policy.name), detail);
    changes.rows.push(match step {
        PolicyStep::Create(policy) => row(What::Create, &policy, detail(&policy)).with_work(Work::Policy(policy)),
        PolicyStep::Leave(policy) => row(What::Leave, &policy, format!("stands already: {}", detail(&policy))),
        PolicyStep::Change { from, to } => {
            row(What::Change, &to, format!("{} → {}", detail(&from), detail(&to))).with_work(Work::Policy(to))
        }
        PolicyStep::Refuse(refusal) => {
            changes.rows.push(Row::new(subject, What::Conflict, None, refusal.to_string()));
            return Ok(());
        }
    });
    plan_permission(account, function, &[account.log_group("*").resource], changes).await
}

/// Makes the changes: the permission first, and without it nothing.
async fn make(account: &Account, function: &Function, changes: &mut Changes<Work>) {
    let is_permission_new = changes.work().any(|work| matches!(work, Work::Permission));
    let permission = |_| {
        let (account, function) = (account.clone(), function.clone());
        async move { apply::add_permission(&account, &function).await }
    };
    if !changes.make(|work| matches!(work, Work::Permission), permission).await {
        return;
    }
    let rest = |work| {
        let account = account.clone();
        async move {
            match work {
                Work::Filter { group, filter } => apply::put_filter(&account, &group, &filter, is_permission_new).await,
                Work::Policy(policy) => apply::put_account_policy(&account, &policy, is_permission_new).await,
                Work::Permission => Ok(()),
            }
        }
    };
    changes.make(|_| true, rest).await;
}
