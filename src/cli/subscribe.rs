//! `podferry subscribe`: from flags to a plan, and from a plan to calls.

use clap::Args;

use super::account::AccountFlags;
use super::block_on::block_on;
use super::changes::{ChangeAction, ChangeFlags, ChangeRow, Changes};
use super::error::CommandError;
use super::exit::Exit;
use super::selection::{FunctionFlag, SelectionFlags};
use super::spinner;
use crate::aws::account::Account;
use crate::aws::failed_events;
use crate::aws::function::Function;
use crate::aws::groups::{self, FoundLogGroups, LogGroup, SubscriptionFilter};
use crate::aws::health::{self, advice::Advice};
use crate::aws::subscribe::account_policy::{self, AccountPolicy, PolicyStep, PolicyWish};
use crate::aws::subscribe::permission::{PermissionStep, STATEMENT};
use crate::aws::subscribe::plan::{self, SubscribeRefusal, SubscribeStep, SubscribeWish};
use crate::aws::subscribe::{FILTER_NAME, apply};

/// Subscribe log groups to the forwarder
///
/// CloudWatch Logs then sends their events to the function. Compares the log groups with what exists, and shows what it would create,
/// change or leave alone and what conflicts. Asks before it changes anything. Creates the subscription filters, and one permission for the function
/// that covers all groups. A second run changes nothing. Refuses the function's own log group and groups that cannot have filters.
/// Filters with another destination are never touched.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  podferry subscribe /aws/eks/prod/fargate
  podferry subscribe --pattern '/aws/eks/*/fargate' --dry-run
  podferry subscribe --whole-account --filter-pattern '-DEBUG'

Exit codes:
  0  everything is subscribed, or with --dry-run, nothing is in conflict
  1  something is in conflict
  2  a call failed, or an argument is wrong")]
pub(super) struct SubscribeOptions {
    #[command(flatten)]
    selection: SelectionFlags,
    /// Subscribe the whole account in this region instead, with one policy: all log groups, including future ones, except the
    /// function's own.
    #[arg(long, conflicts_with_all = ["groups", "prefixes", "patterns", "tags"])]
    whole_account: bool,
    /// The old spelling of --whole-account.
    #[arg(long = "account", hide = true, conflicts_with_all = ["groups", "prefixes", "patterns", "tags", "whole_account", "emit_system_fields"])]
    old_account: bool,
    #[command(flatten)]
    function: FunctionFlag,
    /// CloudWatch Logs filter pattern; the empty pattern matches all events [default: all events; existing filters keep theirs].
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    filter_pattern: Option<String>,
    /// Let each event say which account and region it came from, for a log group that centralizes those of others; they become the
    /// tags aws_account and region.
    #[arg(long, conflicts_with = "whole_account")]
    emit_system_fields: bool,
    /// Name for new filters, and for the account policy.
    #[arg(long, value_name = "NAME", default_value = FILTER_NAME)]
    filter_name: String,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    aws: AccountFlags,
}

/// What a row of the plan stands for.
enum SubscribeWork {
    Permission,
    Filter { group: String, filter: SubscriptionFilter },
    Policy(AccountPolicy),
}

impl SubscribeOptions {
    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        let file = self.aws.read_file()?;
        self.function.fill(&file);
        self.whole_account |= self.old_account;
        if !self.whole_account {
            self.selection.fill(&file);
        }
        block_on(subscribe(self))
    }
}

async fn subscribe(options: SubscribeOptions) -> Result<Exit, CommandError> {
    let account = options.aws.open().await?;
    let selection = options.selection.selection(&account)?;
    if selection.is_empty() && !options.whole_account {
        return Err(CommandError::Refused(
            "choose log groups by name, --prefix, --pattern or --tag, or list log_groups in podferry.yaml, or use --whole-account for all \
             of them"
                .to_owned(),
        ));
    }
    let function = options.function.find(&account).await?;
    let mut changes = Changes::new(&account, &function);
    changes.warnings.extend(failed_events_warning(&account, &function, &options).await);
    if options.whole_account {
        plan_account(&account, &function, &options, &mut changes).await?;
    } else {
        let found = spinner::during("Looking for the log groups…", selection.find(&account)).await?;
        if found == FoundLogGroups::default() {
            return Err(CommandError::Refused(nothing_found(&account, &options.selection)));
        }
        plan_groups(&account, &function, &options, found, &mut changes).await?;
    }
    if changes.agreed(options.change, options.aws.output())? {
        make(&account, &function, &mut changes).await;
    }
    changes.report(options.change, options.aws.output())
}

/// Whether what is meant of the function drops events that fail: an alias does, unless it was told otherwise.
async fn failed_events_warning(account: &Account, function: &Function, options: &SubscribeOptions) -> Option<String> {
    function.qualifier.as_ref()?;
    let destination = match failed_events::destination(account, function).await {
        Ok(destination) => destination,
        Err(error) => {
            return Some(format!(
                "could not check whether Lambda keeps events on which {} fails: {error}",
                function.target()
            ));
        }
    };
    let own = match &destination {
        Some(_) => None,
        // Without it the advice is a shorter one.
        None => failed_events::destination_of(account, function, None).await.ok().flatten(),
    };
    health::failed_events::warning(function, &destination, own.as_deref(), &options.aws.advice(account))
}

/// For commands that look for groups.
pub(super) fn nothing_found(account: &Account, flags: &SelectionFlags) -> String {
    format!(
        "no log group of account {} in {} matches {}. Fargate creates the log group with the first log of a pod; list the groups with \
         `aws logs describe-log-groups`, or try another region with --region",
        account.id,
        account.region,
        flags.said()
    )
}

/// A plan for groups that were chosen.
async fn plan_groups(
    account: &Account,
    function: &Function,
    options: &SubscribeOptions,
    found: FoundLogGroups,
    changes: &mut Changes<SubscribeWork>,
) -> Result<(), CommandError> {
    let wish = SubscribeWish {
        destination: function.destination(),
        filter_name: options.filter_name.clone(),
        pattern: options.filter_pattern.clone(),
        emit_system_fields: options.emit_system_fields,
        own_log_group: function.log_group.clone(),
        by_policy: by_policy(account, function, changes).await,
    };
    let named = options.selection.selection(account)?.names;
    let mut sources = Vec::new();
    let reading = groups::filters_of(account, found.groups);
    for (group, filters) in spinner::during("Reading the subscription filters…", reading).await? {
        let step = plan::step(&group, &filters, &wish);
        if !matches!(step, SubscribeStep::Refuse(_)) {
            sources.push(account.log_group(&group.name).resource);
        }
        changes.warnings.extend(transformed_warning(&group, &step));
        changes.rows.push(row(&group, step, named.contains(&group.name)));
    }
    for name in found.missing {
        changes.rows.push(ChangeRow::new(name, ChangeAction::Conflict, None, SubscribeRefusal::Missing.to_string()));
    }
    plan_permission(account, function, &sources, &options.aws.advice(account), changes).await
}

/// The account's policy, if it leads to the function; a warning where it cannot be read.
async fn by_policy(
    account: &Account,
    function: &Function,
    changes: &mut Changes<SubscribeWork>,
) -> Option<(String, Vec<String>)> {
    match apply::account_policy(account).await {
        Ok(Some(Ok(policy))) if policy.leads_to(&function.arn) => Some((policy.name, policy.left_out)),
        Ok(_) => None,
        Err(error) => {
            changes.warnings.push(format!(
                "could not check for an account-wide subscription; if one exists, every log is sent twice: {error}"
            ));
            None
        }
    }
}

/// A filter of ours that gets what a transformer made of each event: no record of Fluent Bit's any more.
fn transformed_warning(group: &LogGroup, step: &SubscribeStep) -> Option<String> {
    let (SubscribeStep::Leave(filter) | SubscribeStep::Change { to: filter, .. }) = step else { return None };
    filter.extras.on_transformed_logs.then(|| {
        format!(
            "{}: filter {} applies to transformed logs (applyOnTransformedLogs). The function then gets what the transformer made of Fluent Bit's \
             records, and can no longer tell pods, streams and rules apart; put the filter again without it",
            group.name, filter.name
        )
    })
}

fn row(group: &LogGroup, step: SubscribeStep, is_named: bool) -> ChangeRow<SubscribeWork> {
    let row = |what, filter: &SubscriptionFilter, detail| ChangeRow::new(&group.name, what, Some(&filter.name), detail);
    let put = |filter| SubscribeWork::Filter { group: group.name.clone(), filter };
    match step {
        SubscribeStep::Create(filter) => {
            row(ChangeAction::Create, &filter, said_with_fields(&filter)).with_work(put(filter))
        }
        SubscribeStep::Leave(filter) => {
            row(ChangeAction::Leave, &filter, format!("already subscribed: {}", said(&filter.pattern)))
        }
        SubscribeStep::Change { from, to } => {
            let detail = if from.destination != to.destination && from.pattern == to.pattern {
                format!("{} → {}", from.destination, to.destination)
            } else {
                format!("{} → {}", said_with_fields(&from), said_with_fields(&to))
            };
            row(ChangeAction::Change, &to, detail).with_work(put(to))
        }
        SubscribeStep::Refuse(refusal) => {
            let what = if is_named || refusal.is_conflict() { ChangeAction::Conflict } else { ChangeAction::LeaveOut };
            ChangeRow::new(&group.name, what, None, refusal.to_string())
        }
    }
}

/// A filter's pattern, and what it adds to each event.
fn said_with_fields(filter: &SubscriptionFilter) -> String {
    let fields = filter.extras.emit_system_fields.join(" and ");
    let fields = if fields.is_empty() { fields } else { format!(", with {fields}") };
    format!("{}{fields}", said(&filter.pattern))
}

/// A filter pattern for people.
pub(super) fn said(pattern: &str) -> String {
    if pattern.is_empty() { "all events".to_owned() } else { format!("events matching {pattern}") }
}

async fn plan_permission(
    account: &Account,
    function: &Function,
    sources: &[String],
    advice: &Advice,
    changes: &mut Changes<SubscribeWork>,
) -> Result<(), CommandError> {
    let subject = format!("permission of {}", function.name);
    let row = match apply::policy(account, function).await?.step(sources, &account.id) {
        PermissionStep::None => return Ok(()),
        PermissionStep::Leave(ids) => {
            let detail = format!("CloudWatch Logs may already invoke it: {}", ids.join(", "));
            ChangeRow::new(subject, ChangeAction::Leave, None, detail)
        }
        PermissionStep::Add => {
            let detail =
                format!("{STATEMENT}: lets CloudWatch Logs invoke it for all log groups of this account and region");
            ChangeRow::new(subject, ChangeAction::Create, None, detail).with_work(SubscribeWork::Permission)
        }
        PermissionStep::Taken => {
            return Err(CommandError::Refused(format!(
                "the policy of function {name} has a statement {STATEMENT} that does not let CloudWatch Logs of this account and region invoke it. \
                 Inspect it with `{}`, and remove it with `{}`",
                advice.get_policy(function),
                advice.remove_permission(function),
                name = function.qualified_name(),
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
    options: &SubscribeOptions,
    changes: &mut Changes<SubscribeWork>,
) -> Result<(), CommandError> {
    let stands = apply::account_policy(account).await?;
    let all = groups::with_prefix(account, "").await?;
    let own = function.destination();
    let reading = groups::filters_of(account, all);
    let with_filters = spinner::during("Reading the subscription filters…", reading).await?;
    let with_ours = with_filters.into_iter().filter(|(_, filters)| !plan::ours(filters, &function.arn).is_empty());
    // A group with a filter of its own would be sent twice.
    let mut leave_out = vec![function.log_group.clone()];
    leave_out.extend(with_ours.map(|(group, _)| group.name).filter(|name| *name != function.log_group));
    let (name, pattern) = (options.filter_name.clone(), options.filter_pattern.clone());
    let step = account_policy::step(stands, &PolicyWish { name, destination: own, pattern, leave_out });
    let detail =
        |policy: &AccountPolicy| format!("{}, except of {}", said(&policy.pattern), policy.left_out.join(", "));
    let subject = "all log groups, by an account policy";
    let row = |what, policy: &AccountPolicy, detail| ChangeRow::new(subject, what, Some(&policy.name), detail);
    changes.rows.push(match step {
        PolicyStep::Create(policy) => {
            row(ChangeAction::Create, &policy, detail(&policy)).with_work(SubscribeWork::Policy(policy))
        }
        PolicyStep::Leave(policy) => {
            row(ChangeAction::Leave, &policy, format!("already subscribed: {}", detail(&policy)))
        }
        PolicyStep::Change { from, to } => {
            row(ChangeAction::Change, &to, format!("{} → {}", detail(&from), detail(&to)))
                .with_work(SubscribeWork::Policy(to))
        }
        PolicyStep::Refuse(refusal) => {
            changes.rows.push(ChangeRow::new(subject, ChangeAction::Conflict, None, refusal.to_string()));
            return Ok(());
        }
    });
    let sources = [account.log_group("*").resource];
    plan_permission(account, function, &sources, &options.aws.advice(account), changes).await
}

/// Makes the changes: the permission first, and without it nothing.
async fn make(account: &Account, function: &Function, changes: &mut Changes<SubscribeWork>) {
    let is_permission_new = changes.work().any(|work| matches!(work, SubscribeWork::Permission));
    let permission = |_| {
        let (account, function) = (account.clone(), function.clone());
        async move { apply::add_permission(&account, &function).await }
    };
    if !changes.make(|work| matches!(work, SubscribeWork::Permission), permission).await {
        return;
    }
    let rest = |work| {
        let account = account.clone();
        async move {
            match work {
                SubscribeWork::Filter { group, filter } => {
                    apply::put_filter(&account, &group, &filter, is_permission_new).await
                }
                SubscribeWork::Policy(policy) => apply::put_account_policy(&account, &policy, is_permission_new).await,
                SubscribeWork::Permission => Ok(()),
            }
        }
    };
    changes.make(|_| true, rest).await;
}
