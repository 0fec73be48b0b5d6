//! Where generated files go: to standard output, or to a folder, where nothing is overwritten unasked.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::error::CommandError;
use crate::cli::notes::note;
use manifests::{FileContent, GeneratedFile, json, yaml};

/// The form of documents; scripts and READMEs have only one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum DocumentFormat {
    #[default]
    Yaml,
    Json,
}

/// Where to, and how.
#[derive(Debug, Clone, Args)]
pub(super) struct FilesOutput {
    /// Write each file into this folder instead of to standard output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With --out: overwrite existing files.
    #[arg(long, requires = "out")]
    force: bool,
    /// Format of Kubernetes and CloudFormation documents; policies and Datadog objects are always JSON.
    #[arg(short = 'o', long = "output", alias = "format", value_name = "FORMAT", value_enum, default_value_t)]
    format: DocumentFormat,
}

impl FilesOutput {
    /// Writes the files; `notes` go to standard error, for people.
    pub(super) fn write(&self, files: &[GeneratedFile], notes: &[String]) -> Result<(), CommandError> {
        match &self.out {
            Some(folder) => self.to_folder(folder, files)?,
            None => {
                let mut out = std::io::stdout().lock();
                for (number, file) in files.iter().enumerate() {
                    // Documents of YAML are told apart by this line; JSON and other texts stand one behind the other.
                    let is_yaml =
                        matches!(file.content, FileContent::Documents { .. }) && self.format == DocumentFormat::Yaml;
                    if number > 0 && is_yaml {
                        out.write_all(b"---\n")?;
                    }
                    out.write_all(self.text(file).as_bytes())?;
                }
                out.flush()?;
            }
        }
        notes.iter().for_each(|text| note!("{text}"));
        Ok(())
    }

    /// Whether files are written, and not standard output.
    pub(super) fn is_folder(&self) -> bool {
        self.out.is_some()
    }

    fn text(&self, file: &GeneratedFile) -> String {
        match (&file.content, self.format) {
            (FileContent::Text(text), _) => text.clone(),
            (FileContent::Documents { introduction, documents }, DocumentFormat::Yaml) => {
                yaml::write(introduction, documents)
            }
            (FileContent::Documents { documents, .. }, DocumentFormat::Json) => json::write(documents),
        }
    }

    /// Whether documents are written as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.format == DocumentFormat::Json
    }

    fn to_folder(&self, folder: &Path, files: &[GeneratedFile]) -> Result<(), CommandError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |error| CommandError::File { path, error }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file.written_name(self.is_json()))).collect();
        // All or nothing: a set of which a half is old is worse than none.
        if let Some(there) = paths.iter().find(|path| path.exists() && !self.force) {
            return Err(CommandError::Refused(format!("{} already exists; --force overwrites it", there.display())));
        }
        for (path, file) in paths.iter().zip(files) {
            write_file(path, self.text(file).as_bytes(), file.is_secret).map_err(failed(path))?;
            note!("{}", path.display());
        }
        Ok(())
    }
}

fn write_file(path: &Path, content: &[u8], is_secret: bool) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if is_secret {
        // A new file, so that it has the permissions that it is made with, and nobody has it open.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => options.create_new(true),
        };
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    } else {
        options.create(true).truncate(true);
    }
    options.open(path)?.write_all(content)
}
