//! One judge of health: from what AWS, Datadog and the cluster show to findings. `podferry status` and `podferry doctor` render the
//! same findings, so they cannot disagree.
//!
//! ```text
//!  AWS ─▶ read ─▶ facts ─▶ function, log_groups, failed_events,     │
//!                          queues, last_hour ──────────────────────┐│           ┌─▶ status: tables, and what is wrong
//!  AWS, Datadog ─▶ ask ──▶ key, role, test_event ───────────────────┼─▶ finding ┤
//!  AWS ─▶ fluent_bit_reader ─▶ fluent_bit_words, …_message, …_log ───┤           └─▶ doctor: step by step, what is right too
//!  kubectl ─▶ cluster, pod_list ─▶ pods, sidecars, agent_secrets,    │
//!                                  kubelet_rights ───────────────────┘
//! ```
//!
//! [`read`] reads what both commands show, and [`last_day`] the metrics of 24 hours, which only status shows; [`ask`] asks what only the
//! doctor does, and [`fluent_bit_reader`] reads Fluent Bit's own log for it; [`canary`] follows the lines of a pod. All other modules are
//! pure. [`advice`] writes
//! the commands that findings suggest: each has to work in the state in which it is suggested.

mod account_policy;
pub(crate) mod advice;
pub(crate) mod agent_secrets;
pub(crate) mod ask;
pub(crate) mod canary;
pub(crate) mod cluster;
#[cfg(test)]
pub(crate) mod examples;
pub(crate) mod facts;
pub(crate) mod failed_events;
pub(crate) mod finding;
pub(crate) mod fluent_bit_log;
mod fluent_bit_message;
pub(crate) mod fluent_bit_reader;
mod fluent_bit_words;
pub(crate) mod function;
mod group_subscription;
pub(crate) mod judge;
pub(crate) mod key;
pub(crate) mod kubelet_rights;
pub(crate) mod last_day;
pub(crate) mod last_hour;
pub(crate) mod log_groups;
pub(crate) mod pod_list;
pub(crate) mod pods;
pub(crate) mod queues;
pub(crate) mod read;
pub(crate) mod role;
pub(crate) mod sidecars;
mod subscriptions;
pub(crate) mod test_event;
