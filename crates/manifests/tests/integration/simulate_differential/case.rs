//! A case: a configuration and the lines that come in under it.

use manifests::lint::source::SourceFile;
use manifests::simulate::config_map::configuration;
use manifests::simulate::simulation::ConfigurationTexts;

/// A section of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: &'static str,
    pub(crate) properties: Vec<(String, String)>,
}

impl Section {
    pub(crate) fn new(kind: &'static str, properties: &[(&str, &str)]) -> Section {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Section { kind, properties: properties.iter().map(owned).collect() }
    }

    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.properties.push((name.to_owned(), value.into()));
    }

    /// The plugin of a filter, the name of a parser.
    pub(crate) fn name(&self) -> &str {
        self.properties.iter().find(|(name, _)| name == "Name").map_or("", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        let property = |(name, value): &(String, String)| format!("    {name} {value}\n");
        format!("[{}]\n{}", self.kind, self.properties.iter().map(property).collect::<String>())
    }
}

/// The name of the output whose documents are compared; others are `cloudwatch_logs`, of which records are.
pub(crate) const ELASTICSEARCH: &str = "es";

/// A configuration, and the lines of one container.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) parsers: Vec<Section>,
    pub(crate) filters: Vec<Section>,
    /// Elasticsearch, or CloudWatch Logs with nothing but what it matches.
    pub(crate) outputs: Vec<Section>,
    pub(crate) lines: Vec<Vec<u8>>,
}

fn texts(sections: &[Section]) -> String {
    sections.iter().map(Section::text).collect()
}

impl Case {
    /// The ConfigMap as somebody would write it.
    pub(crate) fn manifest(&self) -> SourceFile {
        let mut outputs = self.outputs.clone();
        for (number, output) in outputs.iter_mut().enumerate() {
            if output.name() == ELASTICSEARCH {
                output.add("Host", "search.example.com");
                continue;
            }
            output.properties.insert(0, ("Name".to_owned(), "cloudwatch_logs".to_owned()));
            output.add("region", "eu-west-1");
            output.add("log_group_name", format!("/eks/{number}"));
            output.add("log_stream_prefix", "fargate-");
            output.add("auto_create_group", "true");
        }
        let part = |name: &str, sections: &[Section]| {
            let text: String = texts(sections).lines().map(|line| format!("    {line}\n")).collect();
            if sections.is_empty() { String::new() } else { format!("  {name}: |\n{text}") }
        };
        let text = format!(
            "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: aws-logging\n  namespace: aws-observability\ndata:\n{}{}{}",
            part("parsers.conf", &self.parsers),
            part("filters.conf", &self.filters),
            part("output.conf", &outputs),
        );
        SourceFile::new("aws-logging.yaml", &text)
    }

    /// The texts of the ConfigMap, as they are read from it.
    pub(crate) fn texts(&self) -> ConfigurationTexts {
        configuration(&self.manifest()).unwrap()
    }

    /// The case for who reads that it failed.
    pub(crate) fn shown(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("  {}\n", line.escape_ascii())).collect::<String>();
        format!("{}{}{}lines:\n{lines}", texts(&self.parsers), texts(&self.filters), texts(&self.outputs))
    }

    /// Cases that have a little less, in the order in which they are worth trying.
    pub(crate) fn smaller(&self) -> Vec<Case> {
        let mut all = Vec::new();
        let count = self.lines.len();
        for size in [count / 2, count / 4, 1].into_iter().filter(|size| *size > 0 && *size < count) {
            for start in (0..count).step_by(size) {
                let mut case = self.clone();
                case.lines.drain(start..(start + size).min(count));
                all.push(case);
            }
        }
        let parts: [fn(&mut Case) -> &mut Vec<Section>; 3] =
            [|case| &mut case.filters, |case| &mut case.outputs, |case| &mut case.parsers];
        for part in parts {
            for at in 0..part(&mut self.clone()).len() {
                let mut case = self.clone();
                part(&mut case).remove(at);
                all.push(case);
                for property in 0..part(&mut self.clone())[at].properties.len() {
                    let mut case = self.clone();
                    part(&mut case)[at].properties.remove(property);
                    all.push(case);
                }
            }
        }
        all.retain(|case| !case.lines.is_empty() && !case.outputs.is_empty());
        all
    }
}
