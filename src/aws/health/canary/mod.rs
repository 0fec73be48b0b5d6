//! A canary: a pod that prints numbered lines, followed hop by hop to CloudWatch Logs and to Datadog.
//!
//! ```text
//!  manifests::canary ─▶ kubectl ─▶ pod ─▶ CloudWatch Logs ─▶ function ─▶ Datadog
//!        │ plan                     │ printed     │ cloudwatch              │ datadog
//!        └──────────────────────────┴─▶ account ◀─┴─────────────────────────┘
//!                                          └─▶ judge ─▶ findings
//! ```
//!
//! [`cloudwatch`], [`datadog`] and [`function`] ask; [`account`], [`clock`], [`delivered`], [`pod`] and [`judge`] are pure.

pub(crate) mod account;
pub(crate) mod clock;
pub(crate) mod cloudwatch;
pub(crate) mod datadog;
pub(crate) mod delivered;
pub(crate) mod function;
pub(crate) mod judge;
pub(crate) mod outcome;
pub(crate) mod pod;
