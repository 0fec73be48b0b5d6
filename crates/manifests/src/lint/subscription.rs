//! Subscription filters of log groups in templates, whichever way they are written.

use super::node::YamlNode;
use super::template::{self, Resource};

/// A subscription filter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subscription<'a> {
    /// The filter; or of SAM the function, which has it as an event.
    pub(crate) resource: Resource<'a>,
    /// `LogGroupName`.
    pub(crate) group: YamlNode<'a>,
    /// `DestinationArn`; none for an event of SAM, whose destination is the function.
    pub(crate) destination: Option<YamlNode<'a>>,
    /// `FilterPattern`.
    pub(crate) pattern: Option<YamlNode<'a>>,
}

/// All of them.
pub(crate) fn all<'a>(resources: &[Resource<'a>]) -> Vec<Subscription<'a>> {
    let filters = resources.iter().filter(|resource| resource.kind == "AWS::Logs::SubscriptionFilter");
    let filters = filters.filter_map(|resource| {
        let destination = resource.property("DestinationArn");
        let (group, pattern) = (resource.property("LogGroupName")?, resource.property("FilterPattern"));
        Some(Subscription { resource: *resource, group, destination, pattern })
    });
    let functions = resources.iter().filter(|resource| resource.is_function());
    let events = functions.flat_map(|resource| {
        let events = resource.property("Events").into_iter().flat_map(YamlNode::entries);
        let of_logs = events.filter(|event| event.value.get("Type").and_then(YamlNode::text) == Some("CloudWatchLogs"));
        of_logs.filter_map(|event| {
            let group = event.value.path(&["Properties", "LogGroupName"])?;
            let pattern = event.value.path(&["Properties", "FilterPattern"]);
            Some(Subscription { resource: *resource, group, destination: None, pattern })
        })
    });
    filters.chain(events).collect()
}

impl<'a> Subscription<'a> {
    /// The log group's name, if it is written out.
    pub(crate) fn group_name(&self) -> Option<&'a str> {
        template::literal(self.group)
    }

    /// The function that it leads to, if that is in the same template.
    pub(crate) fn function<'r>(&self, all: &'r [Resource<'a>]) -> Option<&'r Resource<'a>> {
        let own = || all.iter().find(|other| other.entry.key == self.resource.entry.key);
        let found = self.destination.map_or_else(own, |destination| self.resource.referred(destination, all));
        found.filter(|resource| resource.is_function())
    }

    /// The destination's ARN, if it is a function's and written out.
    pub(crate) fn function_arn(&self) -> Option<&'a str> {
        self.destination.and_then(template::literal).filter(|arn| arn.split(':').nth(2) == Some("lambda"))
    }
}
