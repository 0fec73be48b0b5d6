//! What `podferry generate` makes: files of documents or of text, before anything is written.

use crate::node::Map;

/// A file that was generated: one document, or several that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedFile {
    /// Stable, without a folder: `logging.yaml`.
    pub name: String,
    pub content: FileContent,
    /// Nobody else may read it.
    pub is_secret: bool,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum FileContent {
    /// Documents with an introduction, which is written as a comment on top.
    Documents { introduction: String, documents: Vec<Map> },
    /// Text of its own: a README, commands.
    Text(String),
}

impl GeneratedFile {
    /// A file of documents.
    pub(crate) fn documents(name: &str, introduction: &str, documents: Vec<Map>) -> GeneratedFile {
        let content = FileContent::Documents { introduction: introduction.to_owned(), documents };
        GeneratedFile { name: name.to_owned(), content, is_secret: false }
    }

    /// A file of text.
    pub(crate) fn text(name: &str, text: String) -> GeneratedFile {
        GeneratedFile { name: name.to_owned(), content: FileContent::Text(text), is_secret: false }
    }

    /// Its name where documents are written as YAML or as JSON.
    pub fn written_name(&self, is_json: bool) -> String {
        match (&self.content, self.name.strip_suffix(".yaml")) {
            (FileContent::Documents { .. }, Some(stem)) if is_json => format!("{stem}.json"),
            _ => self.name.clone(),
        }
    }

    /// The same, for its owner's eyes only.
    #[must_use]
    pub(crate) fn secret(self) -> GeneratedFile {
        GeneratedFile { is_secret: true, ..self }
    }
}
