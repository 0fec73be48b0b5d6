//! Fluent Bit's outputs to CloudWatch Logs, as rules about several things look at them: which log group, which region, which stream.

use super::logging::{LoggingConfigMap, PlacedSection};
use crate::fluent_bit::parse::ReadProperty;
use crate::fluent_bit::template::RecordTemplate;
use pipeline::partition::is_region;

/// AWS's plugin in Go, which the other one has replaced; EKS has both.
const IN_GO: &str = "cloudwatch";
/// The plugins that write to CloudWatch Logs: Fluent Bit's own, and AWS's in Go. Source: Amazon EKS User Guide, "Fargate logging".
const PLUGINS: [&str; 2] = ["cloudwatch_logs", IN_GO];

/// An output to CloudWatch Logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloudWatchOutput<'b, 'a> {
    pub(crate) section: PlacedSection<'b, 'a>,
}

/// A name that is made from each record.
#[derive(Debug, Clone)]
pub(crate) struct NameTemplate<'b> {
    pub(crate) property: &'b ReadProperty,
    /// What is in it; it has variables, and the plugin takes it.
    pub(crate) template: RecordTemplate,
}

/// All outputs to CloudWatch Logs, in order.
pub(crate) fn outputs<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> impl Iterator<Item = CloudWatchOutput<'b, 'a>> {
    let outputs = logging.outputs().map(|section| CloudWatchOutput { section });
    outputs.filter(|output| PLUGINS.iter().any(|plugin| output.section.is_of(plugin)))
}

impl<'b, 'a> CloudWatchOutput<'b, 'a> {
    /// Whether it is AWS's plugin in Go.
    pub(crate) fn is_in_go(&self) -> bool {
        self.section.is_of(IN_GO)
    }

    /// Whether it writes whole records, and not only one member of each.
    pub(crate) fn writes_records(&self) -> bool {
        self.section.get("log_key").is_none_or(str::is_empty)
    }

    /// The property with the log group's name, if the name is written out and not made from records.
    pub(crate) fn log_group(&self) -> Option<&'b ReadProperty> {
        let is_name =
            |property: &&ReadProperty| !property.value.value.is_empty() && !property.value.value.contains('$');
        self.section.property("log_group_name").filter(is_name)
    }

    /// The region, if one of AWS's is written.
    pub(crate) fn region(&self) -> Option<&'b str> {
        self.section.get("region").filter(|region| is_region(region))
    }

    /// What makes the log group's name from records.
    pub(crate) fn group_template(&self) -> Option<NameTemplate<'b>> {
        self.template("log_group_template", "log_group_name")
    }

    /// What makes the stream's name from records.
    pub(crate) fn stream_template(&self) -> Option<NameTemplate<'b>> {
        self.template("log_stream_template", "log_stream_name")
    }

    /// Fluent Bit's own plugin has an option for templates, and everywhere else a `$` is a letter; that in Go takes `$(…)` in a name.
    fn template(&self, own: &str, in_go: &str) -> Option<NameTemplate<'b>> {
        let property = self.section.property(if self.is_in_go() { in_go } else { own })?;
        let template = match self.is_in_go() {
            true => RecordTemplate::parse_go(&property.value.value)?,
            false => RecordTemplate::parse(&property.value.value).ok()?,
        };
        template.has_variable().then_some(NameTemplate { property, template })
    }
}
