//! The manifests of `tests/fixtures/inject`, by which the crate `manifests` and the command are held to the same results.

use std::path::{Path, PathBuf};

/// Where they are.
pub fn folder() -> PathBuf {
    Path::new(crate::ROOT).join("tests/fixtures/inject")
}

/// A manifest, or what comes of one.
pub fn fixture(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What comes of one: of `web.yaml` by `label`, `web.label.yaml`.
pub fn snapshot(name: &str, by: &str) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap();
    fixture(&format!("{stem}.{by}.{ending}"))
}
