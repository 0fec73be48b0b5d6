//! What `podferry generate` and `podferry inject` write: trees of names and values with comments, and how they become YAML or
//! JSON.
//!
//! * [`node`] is the tree, [`yaml`] writes it.
//! * [`inject`] puts the Agent ([`sidecar`]) into manifests that people wrote, as text.
//! * One file for each kind of manifest: a pure function from what describes the cluster ([`cluster`]) to documents.
//!
//! Pure: no file is read or written here, and what has to be random is an argument.

pub mod agent;
pub mod all;
pub mod annotations;
pub mod annotations_v1;
pub mod cluster;
pub mod fargate_profile;
pub mod fluent_bit;
pub mod helm_values;
pub mod iam;
pub mod inject;
pub mod injection;
pub mod lint;
pub mod logging;
pub mod monitor;
pub mod node;
pub mod operator;
pub mod rbac;
pub mod secret;
pub mod sidecar;
pub mod sidecar_patch;
pub mod subscription;
pub(crate) mod tree;
pub mod yaml;

use node::Map;

/// A file that was generated: one document, or several that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Stable, without a folder: `logging.yaml`.
    pub name: String,
    pub content: Content,
    /// Nobody else may read it.
    pub is_secret: bool,
}

/// What stands in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Documents with an introduction, which is written as a comment on top.
    Documents { introduction: String, documents: Vec<Map> },
    /// Text of its own: a README, commands.
    Text(String),
}

impl File {
    /// A file of documents.
    pub(crate) fn documents(name: &str, introduction: &str, documents: Vec<Map>) -> File {
        let content = Content::Documents { introduction: introduction.to_owned(), documents };
        File { name: name.to_owned(), content, is_secret: false }
    }

    /// A file of text.
    pub(crate) fn text(name: &str, text: String) -> File {
        File { name: name.to_owned(), content: Content::Text(text), is_secret: false }
    }

    /// The same, for its owner's eyes only.
    #[must_use]
    pub(crate) fn secret(self) -> File {
        File { is_secret: true, ..self }
    }
}
