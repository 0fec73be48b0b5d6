//! What `podferry generate` makes: files of documents or of text, before anything is written.

use crate::node::Map;

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
