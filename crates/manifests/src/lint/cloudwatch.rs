//! Fluent Bit's outputs to CloudWatch Logs, as rules about several things look at them: which log group, which region, which stream.

use super::logging::{LoggingConfigMap, PlacedSection};
use crate::fluent_bit::parse::ReadProperty;

/// The plugins that write to CloudWatch Logs: Fluent Bit's own, and AWS's in Go. Source: Amazon EKS User Guide, "Fargate logging".
const PLUGINS: [&str; 2] = ["cloudwatch_logs", "cloudwatch"];

/// An output to CloudWatch Logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloudWatchOutput<'b, 'a> {
    pub(crate) section: PlacedSection<'b, 'a>,
}

/// All outputs to CloudWatch Logs, in order.
pub(crate) fn outputs<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> impl Iterator<Item = CloudWatchOutput<'b, 'a>> {
    let outputs = logging.outputs().map(|section| CloudWatchOutput { section });
    outputs.filter(|output| PLUGINS.contains(&output.section.plugin().as_str()))
}

impl<'b, 'a> CloudWatchOutput<'b, 'a> {
    /// The property with the log group's name, if the name is written out and not made from records.
    pub(crate) fn log_group(&self) -> Option<&'b ReadProperty> {
        let is_name =
            |property: &&ReadProperty| !property.value.value.is_empty() && !has_variable(&property.value.value);
        self.section.property("log_group_name").filter(is_name)
    }

    /// The region, if one is written.
    pub(crate) fn region(&self) -> Option<&'b str> {
        self.section.get("region").filter(|region| !region.is_empty() && !has_variable(region))
    }

    /// The property that makes the log group's name from records.
    pub(crate) fn group_template(&self) -> Option<&'b ReadProperty> {
        self.template("log_group_template", "log_group_name")
    }

    /// The property that makes the stream's name from records.
    pub(crate) fn stream_template(&self) -> Option<&'b ReadProperty> {
        self.template("log_stream_template", "log_stream_name")
    }

    /// Fluent Bit's own plugin has an option for templates; that in Go takes `$(…)` in a name.
    fn template(&self, own: &str, in_go: &str) -> Option<&'b ReadProperty> {
        let has_template = |property: &&ReadProperty| has_variable(&property.value.value);
        self.section.property(own).or_else(|| self.section.property(in_go)).filter(has_template)
    }
}

fn has_variable(text: &str) -> bool {
    text.contains('$')
}
