//! What `podferry generate` and `podferry inject` write: trees of names and values with comments, and how they become YAML or
//! JSON.
//!
//! * [`node`] is the tree, [`yaml`] and [`json`] write it.
//! * [`inject`] puts the Agent ([`sidecar`]) into manifests that people wrote, as text.
//! * One file for each kind of manifest: a pure function from what describes the cluster ([`cluster`]) to documents.
//!
//! Pure: no file is read or written here, and what has to be random is an argument.

pub mod agent;
pub mod all;
pub mod annotations;
pub mod annotations_v1;
pub mod canary;
pub mod cluster;
pub mod fargate_profile;
mod file;
pub mod fluent_bit;
pub mod helm_values;
pub mod iam;
pub mod inject;
pub mod injection;
pub mod json;
pub mod lint;
pub mod logging;
pub mod monitor;
mod names;
pub mod node;
pub mod operator;
pub mod preset;
pub mod rbac;
mod runbook;
mod scalar;
pub mod secret;
pub mod sidecar;
pub mod sidecar_patch;
pub mod simulate;
pub mod subscription;
pub(crate) mod tree;
pub mod workload;
pub mod yaml;

pub use file::{FileContent, GeneratedFile};
