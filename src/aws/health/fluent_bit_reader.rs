//! Finds Fluent Bit's own log in an account, and reads the last hour of it. The calls are few, one after the other, and below the
//! account's quota, which others use, too.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatchlogs::types::OrderBy;

use super::fluent_bit_log::{Complaints, FluentBitLog};
use crate::aws::account::Account;
use crate::aws::backfill::paced_calls::PacedCalls;
use crate::aws::backfill::rate::DEFAULT_RATE;
use crate::aws::error::{On, SdkCallError};
use pipeline::stream::{FLUENT_BIT_FILE, FLUENT_BIT_GROUP};

/// How far back.
const LAST_HOUR: Duration = Duration::from_secs(3600);

/// How many logs are read, and how many of the groups with pods' logs are searched for one.
const MOST_LOGS: usize = 4;
pub(crate) const MOST_GROUPS: usize = 4;

/// How many pages of each. A page has up to 10,000 events, or what a search of some seconds found.
const MOST_PAGES: usize = 5;

/// How the tags of containers' files begin, on EKS Fargate. Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster",
/// the input.
const CONTAINER_TAG: &str = "kube.var.log.containers.";

/// How many of a group's newest streams are looked at for what stands before the tag in their names. The most that a page has.
const NEWEST_STREAMS: i32 = 50;
/// How many beginnings of names are tried: one for each output.
const MOST_PREFIXES: usize = 3;

/// Errors and warnings of Fluent Bit and of the Go plugin, and the end of one that crashed; any of them. Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax".
const PATTERN: &str = r#"?"[error]" ?"[ warn]" ?"level=error" ?"level=warning" ?"level=fatal" ?"caught signal""#;

/// Reads below the quota.
struct Reader<'a> {
    account: &'a Account,
    calls: PacedCalls,
}

/// Finds and reads them: groups of its own, by their names, and its stream in `groups`, where pods' logs are. The calls that failed are
/// beside them.
pub(crate) async fn logs(account: &Account, groups: &[String]) -> (Vec<FluentBitLog>, Vec<SdkCallError>) {
    let reader = Reader { account, calls: PacedCalls::new(DEFAULT_RATE) };
    let (mut places, mut errors) = (Vec::new(), Vec::new());
    match reader.own_groups().await {
        Ok(names) => places.extend(names.into_iter().map(|name| (name, None))),
        Err(error) => errors.push(error),
    }
    for group in groups.iter().take(MOST_GROUPS) {
        match reader.stream_of(group).await {
            Ok(stream) => places.extend(stream.map(|stream| (group.clone(), Some(stream)))),
            Err(error) => errors.push(error),
        }
    }
    let mut logs = Vec::new();
    for (group, stream) in places.into_iter().take(MOST_LOGS) {
        let complaints = reader.complaints(&group, stream.as_deref()).await;
        logs.push(FluentBitLog { group, stream, complaints });
    }
    (logs, errors)
}

impl Reader<'_> {
    /// Groups that `flb_log_cw` makes.
    async fn own_groups(&self) -> Result<Vec<String>, SdkCallError> {
        self.calls.wait().await;
        let pattern = FLUENT_BIT_GROUP.trim_start_matches('-');
        let answer = self.account.logs.describe_log_groups().log_group_name_pattern(pattern).send().await;
        let on = || On::new("the log groups", self.account.arn("logs", "log-group:*"));
        let answer = answer.map_err(|error| SdkCallError::new("logs:DescribeLogGroups", on(), &error))?;
        let names = answer.log_groups().iter().filter_map(|group| group.log_group_name());
        Ok(names.filter(|name| name.ends_with(FLUENT_BIT_GROUP)).map(str::to_owned).collect())
    }

    /// The stream of Fluent Bit's own log among those of pods: its name begins as theirs do.
    async fn stream_of(&self, group: &str) -> Result<Option<String>, SdkCallError> {
        self.calls.wait().await;
        let newest = self.account.logs.describe_log_streams().log_group_name(group);
        let newest = newest.order_by(OrderBy::LastEventTime).descending(true).limit(NEWEST_STREAMS).send().await;
        let on = || self.account.log_group(group);
        let newest = newest.map_err(|error| SdkCallError::new("logs:DescribeLogStreams", on(), &error))?;
        let names: Vec<&str> = newest.log_streams().iter().filter_map(|stream| stream.log_stream_name()).collect();
        if let Some(own) = names.iter().find(|name| name.ends_with(FLUENT_BIT_FILE)) {
            return Ok(Some((*own).to_owned()));
        }
        let prefixes: BTreeSet<&str> =
            names.iter().filter_map(|name| name.split_once(CONTAINER_TAG).map(|(before, _)| before)).collect();
        for prefix in prefixes.into_iter().take(MOST_PREFIXES) {
            self.calls.wait().await;
            let own = format!("{prefix}{FLUENT_BIT_FILE}");
            let call = self.account.logs.describe_log_streams().log_group_name(group).log_stream_name_prefix(&own);
            let answer = call.limit(1).send().await;
            let on = || self.account.log_group(group);
            let answer = answer.map_err(|error| SdkCallError::new("logs:DescribeLogStreams", on(), &error))?;
            if answer.log_streams().first().and_then(|stream| stream.log_stream_name()) == Some(own.as_str()) {
                return Ok(Some(own));
            }
        }
        Ok(None)
    }

    async fn complaints(&self, group: &str, stream: Option<&str>) -> Result<Complaints, SdkCallError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let start = i64::try_from(now.saturating_sub(LAST_HOUR).as_millis()).unwrap_or_default();
        let mut complaints = Complaints::default();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            self.calls.wait().await;
            let call = self.account.logs.filter_log_events().log_group_name(group).start_time(start);
            let call = call.set_log_stream_names(stream.map(|stream| vec![stream.to_owned()])).filter_pattern(PATTERN);
            let answer = call.set_next_token(token.take()).send().await;
            let on = || self.account.log_group(group);
            let answer = answer.map_err(|error| SdkCallError::new("logs:FilterLogEvents", on(), &error))?;
            for event in answer.events() {
                let (stream, message) =
                    (event.log_stream_name().unwrap_or_default(), event.message().unwrap_or_default());
                complaints.add(event.timestamp().unwrap_or_default(), stream, message);
            }
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(complaints);
            }
        }
        complaints.has_more = true;
        Ok(complaints)
    }
}
