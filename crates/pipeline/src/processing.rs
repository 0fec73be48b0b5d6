//! What is done with the logs of one container: whether they are taken, how lines are joined, which rules apply, and what
//! share is shipped. Worked out once for a container, from the settings and the pod's annotations.

use std::sync::Arc;

use super::autodiscovery::ContainerLogs;
use super::multi_line::Mode;
use super::rules::container_filter::ContainerFilter;
use super::rules::pattern::Work;
use super::rules::sample::Sampling;
use super::rules::{Chain, RuleSet};
use super::tags::pod::Pod;

/// What the settings say.
#[derive(Debug, Clone)]
pub struct ProcessingSettings {
    /// Applied before the container's own: `INCLUDE_AT_MATCH`, `EXCLUDE_AT_MATCH`, `DD_LOGS_CONFIG_PROCESSING_RULES`. Its
    /// `multi_line` holds for containers that have none of their own.
    pub first: Arc<RuleSet>,
    /// Applied after the container's own: `REDACT_IP`, `REDACT_EMAIL`, `DD_SCRUBBING_RULE`, `PODFERRY_REDACT`.
    pub last: Arc<RuleSet>,
    /// `DD_CONTAINER_INCLUDE_LOGS` and `DD_CONTAINER_EXCLUDE_LOGS`.
    pub containers: ContainerFilter,
    /// `DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION`.
    pub auto_multi_line: bool,
    /// `PODFERRY_SAMPLE`.
    pub sampling: Sampling,
    /// `PODFERRY_STATUS_FROM_TEXT`: whether the level at the head of a plain line is its status.
    pub status_from_text: bool,
    /// `DD_FORWARD_LOG`: whether logs are shipped at all.
    pub forward_log: bool,
}

impl Default for ProcessingSettings {
    fn default() -> Self {
        ProcessingSettings {
            first: Arc::default(),
            last: Arc::default(),
            containers: ContainerFilter::default(),
            // The Agent's default since 7.82.
            auto_multi_line: true,
            sampling: Sampling::default(),
            status_from_text: false,
            forward_log: true,
        }
    }
}

/// What holds for one container.
#[derive(Debug, Clone)]
pub(crate) struct ContainerProcessing {
    /// Why its logs are not taken.
    pub(crate) excluded: Option<String>,
    pub(crate) chain: Chain,
    pub(crate) sampling: Sampling,
    pub(crate) status_from_text: bool,
    /// Where `multi_line` is to be found.
    multi_line: Option<Arc<RuleSet>>,
    auto_multi_line: bool,
}

impl ContainerProcessing {
    /// Works it out. `pod` is empty where a log is nobody's; lines of such logs are not joined.
    pub(crate) fn new(
        pod: &Pod,
        logs: &ContainerLogs,
        settings: &ProcessingSettings,
        work: &Work,
    ) -> ContainerProcessing {
        let off = || "DD_FORWARD_LOG".to_owned();
        let is_pod = !pod.container.is_empty();
        let with_multi_line = [&logs.rules, &settings.first].into_iter().find(|set| set.multi_line.is_some());
        ContainerProcessing {
            excluded: if settings.forward_log { settings.containers.excluded(pod, work) } else { Some(off()) },
            chain: Chain::new(&settings.first, &logs.rules, &settings.last),
            sampling: settings.sampling.of(&pod.namespace, &pod.container),
            status_from_text: settings.status_from_text,
            multi_line: with_multi_line.filter(|_| is_pod).cloned(),
            auto_multi_line: is_pod && logs.auto_multi_line.unwrap_or(settings.auto_multi_line),
        }
    }

    /// How many bytes it takes, without rules.
    pub(crate) fn text_bytes(&self) -> usize {
        self.excluded.as_ref().map_or(0, String::len) + self.sampling.bytes()
    }

    /// How lines are joined: by the container's own rule, else the settings', else by what is recognised.
    pub(crate) fn mode<'s>(&'s self, work: &'s Work) -> Mode<'s> {
        match self.multi_line.as_ref().and_then(|set| set.multi_line.as_ref()) {
            Some(rule) => Mode::Pattern(&rule.pattern, work),
            None if self.auto_multi_line => Mode::Auto,
            None => Mode::Off,
        }
    }

    /// What joins lines, by name.
    pub(crate) fn joined_by(&self) -> &str {
        let rule = self.multi_line.as_ref().and_then(|set| set.multi_line.as_ref());
        rule.map_or("auto multi-line", |rule| rule.name.as_str())
    }
}
