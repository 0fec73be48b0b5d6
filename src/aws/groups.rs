//! Log groups of an account, found by name, prefix, pattern or tag, and their subscription filters.

use aws_sdk_cloudwatchlogs::types as sdk;

use super::account::Account;
use super::concurrently::each;
use super::error::{On, SdkCallError};
use pipeline::glob;

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogGroup {
    pub(crate) name: String,
    pub(crate) class: LogGroupClass,
    /// `None`: its events never expire.
    pub(crate) retention_days: Option<i32>,
    /// As CloudWatch last counted.
    pub(crate) stored_bytes: i64,
}

/// Source: Amazon CloudWatch Logs API reference, `LogGroup`, `logGroupClass`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogGroupClass {
    Standard,
    /// Does not support subscription filters.
    InfrequentAccess,
    /// Does not support them either.
    Delivery,
}

/// A subscription filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubscriptionFilter {
    pub(crate) name: String,
    /// Empty: all events.
    pub(crate) pattern: String,
    /// The ARN of a function, a stream or a destination.
    pub(crate) destination: String,
    pub(crate) extras: FilterExtras,
}

/// What else a filter can have, which has to be repeated when the filter is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilterExtras {
    pub(crate) on_transformed_logs: bool,
    pub(crate) field_selection_criteria: Option<String>,
    pub(crate) emit_system_fields: Vec<String>,
}

/// Which groups. A group is chosen if it is named, or has one of the prefixes, or fits one of the patterns; where there are only
/// tags, or nothing, all groups are. Of those, the ones that have all the tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogGroupSelection {
    pub(crate) names: Vec<String>,
    pub(crate) prefixes: Vec<String>,
    /// With `*` and `?`, for the whole name.
    pub(crate) patterns: Vec<String>,
    pub(crate) tags: Vec<LogGroupTag>,
}

/// A tag that a group has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogGroupTag {
    pub(crate) key: String,
    /// `None`: any.
    pub(crate) value: Option<String>,
}

/// What a selection found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FoundLogGroups {
    /// By name.
    pub(crate) groups: Vec<LogGroup>,
    /// Names that no group has.
    pub(crate) missing: Vec<String>,
}

impl LogGroupSelection {
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        *self == LogGroupSelection::default()
    }

    /// The groups.
    ///
    /// # Errors
    /// [`SdkCallError`] of the first call that failed.
    pub(crate) async fn find(&self, account: &Account) -> Result<FoundLogGroups, SdkCallError> {
        let mut found = FoundLogGroups::default();
        for name in &self.names {
            match named(account, name).await? {
                Some(group) => found.groups.push(group),
                None => found.missing.push(name.clone()),
            }
        }
        for prefix in &self.prefixes {
            found.groups.extend(with_prefix(account, prefix).await?);
        }
        for pattern in &self.patterns {
            let some = with_prefix(account, glob::literal_prefix(pattern)).await?;
            found.groups.extend(some.into_iter().filter(|group| glob::matches(pattern, &group.name, true)));
        }
        if self.names.is_empty() && self.prefixes.is_empty() && self.patterns.is_empty() {
            found.groups = with_prefix(account, "").await?;
        }
        found.groups.sort_by(|one, other| one.name.cmp(&other.name));
        found.groups.dedup_by(|one, other| one.name == other.name);
        if !self.tags.is_empty() {
            found.groups = with_tags(account, found.groups, &self.tags).await?;
        }
        Ok(found)
    }
}

/// The group of exactly this name: of those that begin with it, it is the first.
async fn named(account: &Account, name: &str) -> Result<Option<LogGroup>, SdkCallError> {
    let answer = account
        .logs
        .describe_log_groups()
        .log_group_name_prefix(name)
        .limit(1)
        .send()
        .await
        .map_err(|error| SdkCallError::new("logs:DescribeLogGroups", account.log_group(name), &error))?;
    Ok(answer.log_groups().first().and_then(read).filter(|group| group.name == name))
}

/// All groups of the account, or those that begin so.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn with_prefix(account: &Account, prefix: &str) -> Result<Vec<LogGroup>, SdkCallError> {
    let prefix = (!prefix.is_empty()).then(|| prefix.to_owned());
    let call = account.logs.describe_log_groups().set_log_group_name_prefix(prefix);
    let mut pages = call.into_paginator().send();
    let mut groups = Vec::new();
    while let Some(page) = pages.next().await {
        let on = || On::new("the log groups", account.arn("logs", "log-group:*"));
        let page = page.map_err(|error| SdkCallError::new("logs:DescribeLogGroups", on(), &error))?;
        groups.extend(page.log_groups().iter().filter_map(read));
    }
    Ok(groups)
}

fn read(group: &sdk::LogGroup) -> Option<LogGroup> {
    let class = match group.log_group_class() {
        Some(sdk::LogGroupClass::InfrequentAccess) => LogGroupClass::InfrequentAccess,
        Some(sdk::LogGroupClass::Delivery) => LogGroupClass::Delivery,
        _ => LogGroupClass::Standard,
    };
    let name = group.log_group_name()?.to_owned();
    let stored_bytes = group.stored_bytes().unwrap_or_default();
    Some(LogGroup { name, class, retention_days: group.retention_in_days(), stored_bytes })
}

/// Asks each group for its tags: one call per group, but no other service that would need permissions of its own.
async fn with_tags(
    account: &Account,
    groups: Vec<LogGroup>,
    tags: &[LogGroupTag],
) -> Result<Vec<LogGroup>, SdkCallError> {
    let asked = each(groups, |group| {
        let (account, tags) = (account.clone(), tags.to_vec());
        async move {
            // Without the `:*` at the end. Source: Amazon CloudWatch Logs API reference, `ListTagsForResource`.
            let arn = account.arn("logs", &format!("log-group:{}", group.name));
            let answer = account.logs.list_tags_for_resource().resource_arn(&arn).send().await;
            let on = On::new(format!("log group {}", group.name), arn);
            let answer = answer.map_err(|error| SdkCallError::new("logs:ListTagsForResource", on, &error))?;
            let has = |tag: &LogGroupTag| {
                let value = answer.tags().and_then(|all| all.get(&tag.key));
                value.is_some_and(|value| tag.value.as_ref().is_none_or(|wanted| wanted == value))
            };
            Ok(tags.iter().all(has).then_some(group))
        }
    });
    let asked: Vec<Result<Option<LogGroup>, SdkCallError>> = asked.await;
    asked.into_iter().filter_map(Result::transpose).collect()
}

/// The subscription filters of a group.
///
/// # Errors
/// [`SdkCallError`]
pub(crate) async fn filters(account: &Account, group: &str) -> Result<Vec<SubscriptionFilter>, SdkCallError> {
    let mut pages = account.logs.describe_subscription_filters().log_group_name(group).into_paginator().send();
    let mut filters = Vec::new();
    while let Some(page) = pages.next().await {
        let on = || account.log_group(group);
        let page = page.map_err(|error| SdkCallError::new("logs:DescribeSubscriptionFilters", on(), &error))?;
        filters.extend(page.subscription_filters().iter().map(|filter| SubscriptionFilter {
            name: filter.filter_name().unwrap_or_default().to_owned(),
            pattern: filter.filter_pattern().unwrap_or_default().to_owned(),
            destination: filter.destination_arn().unwrap_or_default().to_owned(),
            extras: FilterExtras {
                on_transformed_logs: filter.apply_on_transformed_logs(),
                field_selection_criteria: filter.field_selection_criteria().map(str::to_owned),
                emit_system_fields: filter.emit_system_fields().to_vec(),
            },
        }));
    }
    Ok(filters)
}

/// The same of many groups.
///
/// # Errors
/// The first [`SdkCallError`].
pub(crate) async fn filters_of(
    account: &Account,
    groups: Vec<LogGroup>,
) -> Result<Vec<(LogGroup, Vec<SubscriptionFilter>)>, SdkCallError> {
    let asked = each(groups, |group| {
        let account = account.clone();
        async move { filters(&account, &group.name).await.map(|filters| (group, filters)) }
    });
    asked.await.into_iter().collect()
}
