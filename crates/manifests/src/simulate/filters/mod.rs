//! The filters that EKS Fargate allows.

mod beginning;
mod grep;
mod kubernetes;
mod modify;
mod nest;
mod options;
mod parser;
mod record_modifier;
pub(crate) mod rewrite_tag;
pub(crate) mod throttle;

use std::rc::Rc;

use self::grep::Grep;
use self::kubernetes::{KnownPod, Kubernetes};
use self::modify::Modify;
use self::nest::Nest;
use self::parser::ParserFilter;
use self::record_modifier::RecordModifier;
use self::rewrite_tag::RewriteTag;
use self::throttle::Throttle;
use super::core::Core;
use super::not_started::NotStarted;
use super::parsers::Parser;
use super::parsers::time::Time;
use super::pods::Pods;
use super::record::{Effect, Record};
use super::tag::TagMatch;
use super::unknown::Unknown;
use crate::fluent_bit::parse::ReadSection;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) tags: TagMatch,
    pub(crate) kind: FilterKind,
}

/// What a filter does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FilterKind {
    Plain(PlainFilter),
    RewriteTag(RewriteTag),
    Throttle(Throttle),
}

/// A filter that looks at one record at a time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PlainFilter {
    Grep(Box<Grep>),
    Parser(Box<ParserFilter>),
    RecordModifier(Box<RecordModifier>),
    Nest(Box<Nest>),
    Modify(Box<Modify>),
    Kubernetes(Box<Kubernetes>),
}

impl Filter {
    /// Reads a section.
    ///
    /// # Errors
    /// Where Fluent Bit does not start with it, or it is not known whether it does.
    pub(crate) fn new(core: Core, section: &ReadSection, parsers: &[Rc<Parser>]) -> Result<Filter, NotStarted> {
        let name = section.value("Name").ok_or(NotStarted::because("a filter has no name"))?.to_ascii_lowercase();
        let plain = |filter| Ok(FilterKind::Plain(filter));
        let kind = match name.as_str() {
            "grep" => plain(PlainFilter::Grep(Box::new(Grep::new(core, section)?))),
            "parser" => plain(PlainFilter::Parser(Box::new(ParserFilter::new(core, section, parsers)?))),
            "record_modifier" => plain(PlainFilter::RecordModifier(Box::new(RecordModifier::new(core, section)?))),
            "nest" => plain(PlainFilter::Nest(Box::new(Nest::new(section)?))),
            "modify" => plain(PlainFilter::Modify(Box::new(Modify::new(core, section)?))),
            "kubernetes" => plain(PlainFilter::Kubernetes(Box::new(Kubernetes::new(core, section, parsers)?))),
            "rewrite_tag" => Ok(FilterKind::RewriteTag(RewriteTag::new(core, section)?)),
            "throttle" => Ok(FilterKind::Throttle(Throttle::new(section))),
            _ => Err(NotStarted::unknown("a filter that EKS does not allow")),
        }?;
        let tags = TagMatch::new(core, section);
        if !tags.is_given() && core == Core::Newer {
            return Err(NotStarted::because("a filter has no Match"));
        }
        if tags.is_broken() && core == Core::Newer {
            return Err(NotStarted::because("a filter's Match_Regex does not compile"));
        }
        Ok(Filter { name, tags, kind })
    }
}

/// A filter, ready for the records of a tag.
pub(crate) struct ReadyFilter<'f> {
    filter: &'f PlainFilter,
    known: Option<KnownPod>,
}

impl ReadyFilter<'_> {
    /// What it does to a record.
    pub(crate) fn effect(&self, core: Core, record: &Record, read_at: Time) -> Result<Effect, Unknown> {
        match self.filter {
            PlainFilter::Grep(grep) => grep.effect(core, &record.map),
            PlainFilter::Parser(parser) => parser.effect(core, &record.map, read_at),
            PlainFilter::RecordModifier(modifier) => Ok(modifier.effect(&record.map)),
            PlainFilter::Nest(nest) => nest.effect(core, &record.map),
            PlainFilter::Modify(modify) => modify.effect(core, &record.map),
            PlainFilter::Kubernetes(kubernetes) => match &self.known {
                Some(known) => kubernetes.effect(core, known, &record.map, read_at),
                None => Ok(Effect::Nothing),
            },
        }
    }
}

impl PlainFilter {
    /// What it has to know of a tag, found out once.
    pub(crate) fn ready(&self, core: Core, tag: &[u8], pods: &Pods) -> Result<ReadyFilter<'_>, Unknown> {
        let known = match self {
            PlainFilter::Kubernetes(kubernetes) => kubernetes.known(core, tag, pods)?,
            _ => None,
        };
        Ok(ReadyFilter { filter: self, known })
    }

    /// Whether it leaves all of a batch alone because of one of its records. Source: plugins/filter_parser/filter_parser.c, v1.9.10, which asks for
    /// memory for the members of each record, and takes having none for a failure.
    pub(crate) fn gives_up(&self, core: Core, records: &[Record]) -> bool {
        let has_empty = || records.iter().any(|record| record.map.len() == 0);
        core == Core::Older && matches!(self, PlainFilter::Parser(parser) if parser.reserves()) && has_empty()
    }

    /// Whether it leaves a batch alone of which nothing would be left. Source: plugins/filter_record_modifier/filter_modifier.c and
    /// plugins/filter_nest/nest.c, v5.1.1.
    pub(crate) fn spares_batch(&self, core: Core) -> bool {
        core == Core::Newer && matches!(self, PlainFilter::RecordModifier(_) | PlainFilter::Nest(_))
    }
}
