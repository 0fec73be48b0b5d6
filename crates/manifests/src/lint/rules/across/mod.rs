//! Rules across files: whether the ConfigMap, policies, subscriptions, profiles and what else is given fit together.

pub(crate) mod centralised;
pub(crate) mod clusters;
pub(crate) mod log_group;
pub(crate) mod metadata_setting;
pub(crate) mod permissions;
pub(crate) mod profile_limits;
pub(crate) mod profiles;
pub(crate) mod streams;
pub(crate) mod subscriptions;
pub(crate) mod twice;
