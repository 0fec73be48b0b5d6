//! Where captured logs are from, as far as flags and the name of the file say it.

use std::path::Path;

/// What the flags, or the name of the file, say of where the logs are from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Whence {
    pub(crate) log_group: Option<String>,
    pub(crate) log_stream: Option<String>,
}

impl Whence {
    /// Completes what the flags say by the name of the file: those of containers' logs name pod, namespace, container and id.
    pub(crate) fn or_of(self, file: &Path) -> Whence {
        let name = file.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".log"));
        let is_container = name.is_some_and(|name| {
            let id = name.rsplit('-').next().unwrap_or_default();
            name.matches('_').count() == 2 && id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let of_file = name.filter(|_| is_container).map(|name| format!("kube.var.log.containers.{name}.log"));
        Whence { log_stream: self.log_stream.or(of_file), ..self }
    }
}
