//! The way of records: from the input through the filters that match their tag to the outputs; and again from the first filter on, under
//! the new tag, where `rewrite_tag` sends one.

use std::collections::VecDeque;
use std::rc::Rc;

use super::core::Core;
use super::filters::{Filter, FilterKind, PlainFilter};
use super::not_started::NotStarted;
use super::outputs::{Output, Sent};
use super::parsers::Parser;
use super::parsers::time::Time;
use super::pods::Pods;
use super::record::{Effect, LinePlace, Record};
use super::unknown::Unknown;
use super::value::{Map, Value};
use crate::fluent_bit::parse::{Configuration, ReadSection};

/// How often a record may get a new tag before it counts as one that goes round for ever.
const MOST_TAGS: usize = 50;

/// Lines up to this length surely fit the input's buffer, in bytes; containerd writes none that is near it. Source: Amazon EKS User Guide,
/// "Start AWS Fargate logging for your cluster": `Buffer_Max_Size 66KB`.
const LONGEST_LINE: usize = 64_000;

/// A configuration, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Router {
    core: Core,
    filters: Vec<Filter>,
    outputs: Vec<Output>,
}

/// A log file of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The tag that the input gives its lines.
    pub tag: String,
    /// Its lines without their ends.
    pub lines: Vec<Vec<u8>>,
}

/// What a filter did with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub line: LinePlace,
    /// The filter's place among the filters, from 0; none if it was the input or an output.
    pub filter: Option<usize>,
    pub action: StepAction,
}

/// What a filter may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAction {
    Changed,
    Dropped,
    /// It is dropped if it comes in the same interval as the lines before it, which is what is assumed.
    Throttled,
    /// A copy goes on under a new tag; whether the record itself goes on, too.
    Emitted {
        tag: Vec<u8>,
        keeps: bool,
    },
    /// It would get new tags for ever, so that it never arrives.
    Endless,
    Unknown(Unknown),
}

/// A record that an output gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrival {
    pub(crate) output: usize,
    pub(crate) tag: Vec<u8>,
    pub(crate) record: Record,
    pub(crate) sent: Vec<Sent>,
}

/// All that becomes of some lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Arrivals {
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) steps: Vec<Step>,
    /// Of what Fluent Bit dies, if it does.
    pub(crate) dies_of: Option<&'static str>,
}

/// Records of one tag that come together.
struct Batch {
    tag: Vec<u8>,
    records: Vec<Record>,
    /// The filter that sent them, if they are not from the input.
    from: Option<usize>,
    tags: usize,
}

impl Router {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Where Fluent Bit does not start with it, or it is not known whether it does.
    pub(crate) fn new(core: Core, parts: &[Configuration]) -> Result<Router, NotStarted> {
        let sections = |kind: &str| -> Vec<&ReadSection> {
            let all = parts.iter().flat_map(|part| &part.sections);
            all.filter(|section| section.name.value.eq_ignore_ascii_case(kind)).collect()
        };
        let mut parsers: Vec<Rc<Parser>> = Vec::new();
        for section in sections("PARSER") {
            let parser = Parser::new(core, section).map_err(NotStarted::Because)?;
            parsers.push(Rc::new(parser));
        }
        let values = parts.iter().flat_map(|part| &part.sections).flat_map(|section| &section.properties);
        if values.clone().any(|property| property.value.value.contains("${")) {
            return Err(NotStarted::unknown(
                "a value has a variable, `${…}`: EKS refuses those, and which ones its router would have is not published",
            ));
        }
        let filters = sections("FILTER").into_iter().map(|section| Filter::new(core, section, &parsers));
        let outputs = sections("OUTPUT").into_iter().map(|section| Output::new(core, section));
        Ok(Router {
            core,
            filters: filters.collect::<Result<Vec<Filter>, NotStarted>>()?,
            outputs: outputs.collect::<Result<Vec<Output>, NotStarted>>()?,
        })
    }

    /// The names of the filters, in order.
    pub(crate) fn filter_names(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().map(|filter| filter.name.as_str())
    }

    /// The names of the outputs, in order.
    pub(crate) fn output_names(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|output| output.name.as_str())
    }

    /// Sends the lines of some files on their way. All lines of a file come together, and all files in one moment.
    pub(crate) fn run(&self, files: &[LogFile], pods: &Pods, read_at: Time) -> Arrivals {
        let mut run = Run {
            router: self,
            pods,
            read_at,
            out: Arrivals::default(),
            waiting: VecDeque::new(),
            chunks: Vec::new(),
            passed: Vec::new(),
        };
        run.passed.resize(self.filters.len(), 0);
        for (file, log) in files.iter().enumerate() {
            let too_long = log.lines.iter().enumerate().filter(|(_, text)| text.len() > LONGEST_LINE);
            for (line, _) in too_long {
                let unknown = Unknown("the line is longer than the input's buffer may be sure to take");
                run.step(LinePlace { file, line }, None, StepAction::Unknown(unknown));
            }
            let records = log.lines.iter().enumerate().filter_map(|(line, text)| {
                // What is read at once may begin with zero bytes that a rotation left, and the input leaves those out.
                let zeros = if line == 0 { text.iter().take_while(|byte| **byte == 0).count() } else { 0 };
                let text = text.get(zeros..).unwrap_or_default();
                // The input takes a carriage return for a part of the line's end, but not one that is all of the line.
                let text = text.strip_suffix(b"\r").filter(|text| !text.is_empty()).unwrap_or(text);
                let mut map = Map::default();
                map.push("log", Value::text(text));
                (text.len() <= LONGEST_LINE).then_some(Record { line: LinePlace { file, line }, time: None, map })
            });
            let records = records.collect();
            run.waiting.push_back(Batch { tag: log.tag.as_bytes().to_vec(), records, from: None, tags: 0 });
        }
        while let Some(batch) = run.waiting.pop_front() {
            run.batch(batch);
        }
        for chunk in std::mem::take(&mut run.chunks) {
            run.flush(&chunk);
        }
        run.out
    }
}

struct Run<'r> {
    router: &'r Router,
    pods: &'r Pods,
    read_at: Time,
    out: Arrivals,
    waiting: VecDeque<Batch>,
    /// What came through the filters.
    chunks: Vec<Batch>,
    /// How many records each filter let through.
    passed: Vec<u64>,
}

impl Run<'_> {
    fn batch(&mut self, mut batch: Batch) {
        for (place, filter) in self.router.filters.iter().enumerate() {
            if batch.records.is_empty() || self.out.dies_of.is_some() {
                return;
            }
            match filter.tags.takes(&batch.tag) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(unknown) => return self.unknown(Some(place), &batch.records, unknown),
            }
            let records = std::mem::take(&mut batch.records);
            batch.records = match &filter.kind {
                FilterKind::Plain(plain) => self.plain(place, plain, &batch.tag, records),
                FilterKind::Throttle(throttle) => self.throttled(place, throttle.at_once, records),
                FilterKind::RewriteTag(_) => self.rewritten(place, &batch, records),
            };
        }
        // Records of one input and one tag wait together for the outputs.
        match self.chunks.iter_mut().find(|chunk| (chunk.from, &chunk.tag) == (batch.from, &batch.tag)) {
            Some(chunk) => chunk.records.append(&mut batch.records),
            None => self.chunks.push(batch),
        }
    }

    /// What the outputs make of a chunk.
    fn flush(&mut self, chunk: &Batch) {
        for (place, output) in self.router.outputs.iter().enumerate() {
            match output.tags.takes(&chunk.tag) {
                Ok(false) => {}
                Ok(true) => {
                    let records: Vec<&Record> = chunk.records.iter().collect();
                    let sent = match output.send(self.router.core, &chunk.tag, &records, self.read_at) {
                        Ok(sent) => sent,
                        Err(reason) => return self.out.dies_of = Some(reason),
                    };
                    let arrival = |(record, sent): (&Record, Vec<Sent>)| Arrival {
                        output: place,
                        tag: chunk.tag.clone(),
                        record: record.clone(),
                        sent,
                    };
                    self.out.arrivals.extend(chunk.records.iter().zip(sent).map(arrival));
                }
                Err(unknown) => self.unknown(None, &chunk.records, unknown),
            }
        }
    }

    fn step(&mut self, line: LinePlace, filter: Option<usize>, action: StepAction) {
        self.out.steps.push(Step { line, filter, action });
    }

    fn unknown(&mut self, filter: Option<usize>, records: &[Record], unknown: Unknown) {
        for record in records {
            self.step(record.line, filter, StepAction::Unknown(unknown));
        }
    }

    fn plain(&mut self, place: usize, filter: &PlainFilter, tag: &[u8], records: Vec<Record>) -> Vec<Record> {
        let core = self.router.core;
        if filter.gives_up(core, &records) {
            return records;
        }
        let ready = match filter.ready(core, tag, self.pods) {
            Ok(ready) => ready,
            Err(unknown) => {
                self.unknown(Some(place), &records, unknown);
                return Vec::new();
            }
        };
        let mut kept = Vec::new();
        let mut steps = Vec::new();
        let mut broken = None;
        for record in &records {
            let (record, action) = match ready.effect(core, record, self.read_at) {
                Ok(Effect::Nothing) => (Some(record.clone()), None),
                Ok(Effect::Changed { map, time }) => {
                    let is_new = map != record.map || time.is_some_and(|time| time != record.time);
                    let time = time.unwrap_or(record.time);
                    (Some(Record { line: record.line, time, map }), is_new.then_some(StepAction::Changed))
                }
                Ok(Effect::Dropped) => (None, Some(StepAction::Dropped)),
                Ok(Effect::BreaksBatch(reason)) => {
                    broken = Some(reason);
                    (None, None)
                }
                Ok(Effect::Dies(reason)) => {
                    self.out.dies_of = Some(reason);
                    return Vec::new();
                }
                Err(unknown) => (None, Some(StepAction::Unknown(unknown))),
            };
            kept.extend(record);
            steps.push(action);
        }
        if let Some(unknown) = broken {
            self.unknown(Some(place), &records, unknown);
            return Vec::new();
        }
        if kept.is_empty() && filter.spares_batch(core) {
            return records;
        }
        for (record, action) in records.iter().zip(steps) {
            if let Some(action) = action {
                self.step(record.line, Some(place), action);
            }
        }
        kept
    }

    fn throttled(&mut self, place: usize, at_once: u64, records: Vec<Record>) -> Vec<Record> {
        let mut kept = Vec::new();
        for record in records {
            let passed = self.passed.get_mut(place).map_or(0, |passed| {
                *passed += 1;
                *passed
            });
            if passed <= at_once {
                kept.push(record);
            } else {
                self.step(record.line, Some(place), StepAction::Throttled);
            }
        }
        kept
    }

    /// What becomes of a record that gets new tags for ever: nothing, unless copies of its line arrive on the way, which never ends.
    fn endless(&self, line: LinePlace) -> StepAction {
        let is_taken = |chunk: &Batch| {
            let mut outputs = self.router.outputs.iter();
            outputs.any(|output| output.tags.takes(&chunk.tag) != Ok(false))
        };
        let mut of_line = self.chunks.iter().filter(|chunk| chunk.records.iter().any(|record| record.line == line));
        match of_line.any(is_taken) {
            true => StepAction::Unknown(Unknown(
                "copies of the line arrive again and again, as filters hand it to each other",
            )),
            false => StepAction::Endless,
        }
    }

    fn feeds_itself(&mut self, core: Core) {
        if core == Core::Older {
            self.out.dies_of = Some("a rewrite_tag that feeds itself");
        }
    }

    /// Sends copies on their way; those of one tag come together in the newer core, each alone in the older. Source:
    /// plugins/in_emitter/emitter.c, `in_emitter_add_record`, at v1.9.10 and v5.1.1.
    fn rewritten(&mut self, place: usize, batch: &Batch, records: Vec<Record>) -> Vec<Record> {
        let core = self.router.core;
        let Some(FilterKind::RewriteTag(filter)) = self.router.filters.get(place).map(|filter| &filter.kind) else {
            return records;
        };
        let mut kept = Vec::new();
        let mut emitted: Vec<Batch> = Vec::new();
        for record in records {
            let emission = match filter.emission(core, &batch.tag, &record.map) {
                Ok(Some(emission)) => emission,
                Ok(None) => {
                    kept.push(record);
                    continue;
                }
                Err(unknown) => {
                    self.step(record.line, Some(place), StepAction::Unknown(unknown));
                    continue;
                }
            };
            if batch.from == Some(place) && core == Core::Newer {
                // It would feed itself: the newer core refuses, and the record stays. The older one goes on, and dies if there is no end.
                kept.push(record);
                continue;
            }
            let action = if batch.tags >= MOST_TAGS {
                self.endless(record.line)
            } else {
                StepAction::Emitted { tag: emission.tag.clone(), keeps: emission.keeps }
            };
            self.step(record.line, Some(place), action);
            if batch.tags >= MOST_TAGS {
                self.feeds_itself(core);
                continue;
            }
            let copy =
                Batch { tag: emission.tag, records: vec![record.clone()], from: Some(place), tags: batch.tags + 1 };
            match emitted.iter_mut().find(|batch| batch.tag == copy.tag) {
                // The older core takes each copy all the way before it looks at the next record; the newer one puts them by for a moment.
                _ if core == Core::Older => self.batch(copy),
                Some(batch) => batch.records.extend(copy.records),
                None => emitted.push(copy),
            }
            if emission.keeps {
                kept.push(record);
            }
        }
        self.waiting.extend(emitted);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fluent_bit::parse::parse;
    use crate::simulate::print::json_map;

    /// The records that arrive, of some lines under some filters.
    fn arrivals(core: Core, configuration: &str, lines: &[&str]) -> Vec<String> {
        let outputs =
            "[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    log_group_name g\n    log_stream_prefix s\n";
        let router = Router::new(core, &[parse(configuration), parse(outputs)]).unwrap();
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        let file = LogFile { tag: "kube.x".to_owned(), lines };
        let out = router.run(&[file], &Pods::only([]), Time { seconds: 0, nanoseconds: 0 });
        let shown = |arrival: &Arrival| String::from_utf8(json_map(core, &arrival.record.map)).unwrap();
        out.arrivals.iter().map(shown).collect()
    }

    /// As both cores have it.
    #[test]
    fn an_empty_line_is_a_record_and_a_carriage_return_belongs_to_the_end() {
        for core in Core::BOTH {
            let found = arrivals(core, "", &["", "\r", "a\r", "\ra"]);
            assert_eq!(found, [r#"{"log":""}"#, r#"{"log":"\r"}"#, r#"{"log":"a"}"#, r#"{"log":"\ra"}"#]);
        }
    }

    /// As both cores have it.
    #[test]
    fn zero_bytes_are_left_out_where_a_file_begins() {
        for core in Core::BOTH {
            let found = arrivals(core, "", &["\0\0a\0", "\0b"]);
            assert_eq!(found, [r#"{"log":"a\u0000"}"#, r#"{"log":"\u0000b"}"#], "{core:?}");
            assert_eq!(arrivals(core, "", &["\0", "\0b"]), [r#"{"log":""}"#, r#"{"log":"\u0000b"}"#], "{core:?}");
        }
    }

    /// A real 1.9.10 asked for no memory, took having none for a failure, and left the whole batch alone.
    #[test]
    fn an_empty_record_beside_a_line_keeps_the_older_core_from_parsing_it() {
        let configuration = "[PARSER]\n    Name json\n    Format json\n[PARSER]\n    Name logfmt\n    Format logfmt\n\
                             [FILTER]\n    Name parser\n    Match *\n    Key_Name log\n    Parser json\n\
                             [FILTER]\n    Name parser\n    Match *\n    Key_Name log\n    Parser logfmt\n    Reserve_Data On\n";
        assert_eq!(arrivals(Core::Older, configuration, &["{}", "a=b c=d"]), ["{}", r#"{"log":"a=b c=d"}"#]);
        assert_eq!(arrivals(Core::Newer, configuration, &["{}", "a=b c=d"]), ["{}", r#"{"a":"b","c":"d"}"#]);
        assert_eq!(arrivals(Core::Older, configuration, &["a=b c=d "]), [r#"{"a":"b","c":"d"}"#]);
    }

    /// A real 5.1.1 lost two of three, and none where it could write none.
    #[test]
    fn nest_without_a_name_loses_records_on_the_newer_core() {
        let configuration = "[PARSER]\n    Name json\n    Format json\n[FILTER]\n    Name parser\n    Match *\n    Key_Name log\n    \
                             Parser json\n[FILTER]\n    Name nest\n    Match *\n    Operation nest\n    Wildcard k8s_*\n";
        let lines = [r#"{"k8s_x":1,"a":2}"#, r#"{"a":3}"#, r#"{"b":4,"k8s_z":1}"#];
        assert_eq!(arrivals(Core::Newer, configuration, &lines), [r#"{"a":3}"#]);
        assert_eq!(arrivals(Core::Newer, configuration, &lines[..1]), [lines[0]]);
        assert_eq!(arrivals(Core::Older, configuration, &lines[..1]), [r#"{"a":2,null:{"k8s_x":1}}"#]);
    }

    /// A real 1.9.10 lost the third of the lines themselves.
    #[test]
    fn copies_pass_the_older_core_before_their_lines_and_the_newer_one_after_them() {
        let configuration = "[FILTER]\n    Name rewrite_tag\n    Match kube.*\n    Rule $log . new.x true\n\
                             [FILTER]\n    Name throttle\n    Match *\n";
        let outputs =
            "[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    log_group_name g\n    log_stream_prefix s\n";
        let tags = |core: Core| {
            let router = Router::new(core, &[parse(configuration), parse(outputs)]).unwrap();
            let file = LogFile { tag: "kube.x".to_owned(), lines: vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()] };
            let out = router.run(&[file], &Pods::only([]), Time { seconds: 0, nanoseconds: 0 });
            let tag = |arrival: &Arrival| String::from_utf8(arrival.tag.clone()).unwrap();
            out.arrivals.iter().map(tag).collect::<Vec<String>>()
        };
        assert_eq!(tags(Core::Older), ["new.x", "new.x", "new.x", "kube.x", "kube.x"]);
        assert_eq!(tags(Core::Newer), ["kube.x", "kube.x", "kube.x", "new.x", "new.x"]);
    }

    /// A real 1.9.10 took a tag that has no fifth part for `new.`, which the filter does not take.
    #[test]
    fn what_feeds_itself_may_come_to_an_end_in_the_older_core() {
        let run = |tag: &str| {
            let configuration =
                format!("[FILTER]\n    Name rewrite_tag\n    Match_Regex .*nginx.*\n    Rule $log . {tag} false\n");
            let outputs =
                "[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    log_group_name g\n    log_stream_prefix s\n";
            let router = Router::new(Core::Older, &[parse(&configuration), parse(outputs)]).unwrap();
            let file = LogFile { tag: "kube.var.log.containers.nginx.log".to_owned(), lines: vec![b"a".to_vec()] };
            router.run(&[file], &Pods::only([]), Time { seconds: 0, nanoseconds: 0 })
        };
        let ends = run("new.$TAG[4]");
        assert_eq!((ends.dies_of, ends.arrivals.len(), ends.arrivals[0].tag.as_slice()), (None, 1, b"new.".as_slice()));
        assert!(run("new.$TAG").dies_of.is_some());
    }

    /// A real 5.1.1 wrote the line forty times a second.
    #[test]
    fn copies_that_arrive_for_ever_are_not_counted() {
        let filters = |keeps: bool| {
            format!(
                "[FILTER]\n    Name rewrite_tag\n    Match kube.*\n    Rule $log . new.x {keeps}\n\
                 [FILTER]\n    Name rewrite_tag\n    Match new.*\n    Rule $log . kube.x false\n"
            )
        };
        let outputs =
            "[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    log_group_name g\n    log_stream_prefix s\n";
        let last = |keeps: bool| {
            let router = Router::new(Core::Newer, &[parse(&filters(keeps)), parse(outputs)]).unwrap();
            let file = LogFile { tag: "kube.x".to_owned(), lines: vec![b"a".to_vec()] };
            router.run(&[file], &Pods::only([]), Time { seconds: 0, nanoseconds: 0 }).steps.pop().unwrap().action
        };
        assert!(matches!(last(true), StepAction::Unknown(_)));
        assert_eq!(last(false), StepAction::Endless);
    }

    /// A real 1.9.10 gave a copy that lacks the prefix that of the copy before it, though each had passed the filters alone.
    #[test]
    fn copies_of_one_tag_are_one_chunk_to_the_outputs() {
        let configuration = "[PARSER]\n    Name json\n    Format json\n[FILTER]\n    Name rewrite_tag\n    Match kube.*\n    \
                             Rule $log . new.x false\n[FILTER]\n    Name parser\n    Match *\n    Key_Name log\n    Parser json\n\
                             [OUTPUT]\n    Name es\n    Match *\n    Host h\n    Logstash_Format On\n    Logstash_Prefix_Key $p\n";
        let router = Router::new(Core::Older, &[parse(configuration)]).unwrap();
        let lines = vec![br#"{"p":"first"}"#.to_vec(), br#"{"q":1}"#.to_vec()];
        let file = LogFile { tag: "kube.x".to_owned(), lines };
        let out = router.run(&[file], &Pods::only([]), Time { seconds: 0, nanoseconds: 0 });
        let documents = out.arrivals.iter().flat_map(|arrival| &arrival.sent).map(|sent| match sent {
            Sent::Document(document) => String::from_utf8_lossy(document).into_owned(),
            other => format!("{other:?}"),
        });
        let documents: Vec<String> = documents.collect();
        assert!(documents.len() == 2 && documents.iter().all(|one| one.contains("first")), "{documents:?}");
    }
}
