//! Rules across files: whether the ConfigMap, policies, subscriptions, profiles and what else is given fit together.

pub mod clusters;
pub mod log_group;
pub mod permissions;
pub mod profiles;
pub mod subscriptions;
pub mod twice;
