//! Rules about the Datadog Agent as a sidecar, and about the pods that have one.
//!
//! `identity`: who it says it is; `intake`: where it sends, with which key; `cluster_agent`: whom it talks to; `image`: which version;
//! `features`: what it is asked to do, and what that needs; `pod`: what is around it; `label`: those that are injected.

pub(crate) mod cluster_agent;
pub(crate) mod features;
pub(crate) mod identity;
pub(crate) mod image;
pub(crate) mod intake;
pub(crate) mod label;
pub(crate) mod pod;

use crate::lint::project::Project;
use crate::lint::sidecar::{SidecarContainer, sidecars};

/// The vendor's page that all of this is on.
pub(super) const PAGE: &str = "Datadog documentation, \"Amazon EKS on AWS Fargate\"";

fn all<'a>(project: &Project<'a>) -> impl Iterator<Item = SidecarContainer<'a>> {
    project.pods().flat_map(|pod| sidecars(&pod))
}
