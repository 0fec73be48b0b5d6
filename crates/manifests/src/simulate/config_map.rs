//! The ConfigMap that a manifest has for EKS' Fluent Bit.

use super::simulation::ConfigurationTexts;
use crate::lint::logging::LoggingConfigMap;
use crate::lint::parsed::Parsed;
use crate::lint::project::objects;
use crate::lint::source::SourceFile;

/// The texts of the first such ConfigMap in a manifest; `None` if there is none.
#[must_use]
pub fn configuration(manifest: &SourceFile) -> Option<ConfigurationTexts> {
    let parsed = [Parsed::new(manifest)];
    let anchors: Vec<_> = parsed.iter().map(Parsed::anchors).collect();
    let sources = std::slice::from_ref(manifest);
    let mut found = objects(&parsed, &anchors).into_iter().filter_map(|object| LoggingConfigMap::new(object, sources));
    let logging = found.next()?;
    let text = |key: &str| {
        let part = logging.parts.iter().find(|part| part.entry.name == key);
        part.map(|part| part.text.text.to_owned()).unwrap_or_default()
    };
    Some(ConfigurationTexts {
        filters: text("filters.conf"),
        outputs: text("output.conf"),
        parsers: text("parsers.conf"),
    })
}
