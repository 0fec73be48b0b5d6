//! A ConfigMap and log files in, what each output gets out.

use super::core::Core;
use super::not_started::NotStarted;
use super::outputs::Sent;
use super::parsers::time::Time;
use super::pods::Pods;
use super::print;
use super::record::LinePlace;
use super::router::{LogFile, Router, Step};
use crate::fluent_bit::parse::parse;

/// The texts of a ConfigMap: `filters.conf`, `output.conf`, `parsers.conf`; empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigurationTexts {
    pub filters: String,
    pub outputs: String,
    pub parsers: String,
}

/// A configuration under one core.
#[derive(Debug, Clone)]
pub struct Simulation {
    core: Core,
    router: Router,
}

/// A record that an output got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The output's place among the outputs, from 0.
    pub output: usize,
    pub line: LinePlace,
    pub tag: Vec<u8>,
    /// `None` is the time of reading.
    pub time: Option<Time>,
    /// The record as JSON, as the core writes it; it may hold bytes that are no UTF-8.
    pub record: Vec<u8>,
    /// What the output makes of it; with `log_key`, there may be several events.
    pub sent: Vec<Sent>,
}

/// What became of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub deliveries: Vec<Delivery>,
    /// What filters did, in the order in which they did it.
    pub steps: Vec<Step>,
    /// Of what Fluent Bit dies with these lines, so that nothing arrives.
    pub dies_of: Option<&'static str>,
}

impl Simulation {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Where Fluent Bit does not start with it, or it is not known whether it does.
    pub fn new(core: Core, texts: &ConfigurationTexts) -> Result<Simulation, NotStarted> {
        let parts = [parse(&texts.filters), parse(&texts.outputs), parse(&texts.parsers)];
        Ok(Simulation { core, router: Router::new(core, &parts)? })
    }

    /// The names of the filters, in order.
    pub fn filters(&self) -> impl Iterator<Item = &str> {
        self.router.filter_names()
    }

    /// The names of the outputs, in order.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.router.output_names()
    }

    /// What becomes of the lines of some files. All lines of a file come together, and all files in one moment, which matters to `throttle`; `read_at` is when they
    /// are read.
    #[must_use]
    pub fn run(&self, files: &[LogFile], pods: &Pods, read_at: Time) -> Outcome {
        let found = self.router.run(files, pods, read_at);
        let delivery = |arrival: super::router::Arrival| Delivery {
            output: arrival.output,
            line: arrival.record.line,
            tag: arrival.tag,
            time: arrival.record.time,
            record: print::json_map(self.core, &arrival.record.map),
            sent: arrival.sent,
        };
        let deliveries = match found.dies_of {
            Some(_) => Vec::new(),
            None => found.arrivals.into_iter().map(delivery).collect(),
        };
        Outcome { deliveries, steps: found.steps, dies_of: found.dies_of }
    }
}
