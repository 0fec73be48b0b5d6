//! Tags of Fluent Bit: which there are, and which patterns of `Match` take them. EKS' input gives each pod's logs one, and `rewrite_tag`
//! gives new ones.
//!
//! Source: fluent/fluent-bit, src/flb_router.c, `router_match`: `*` stands for any text, and all else for itself.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::cloudwatch;
use super::logging::{FilterWay, LoggingConfigMap, PlacedSection};
use crate::fluent_bit::parse::{ReadProperty, Span};
use crate::fluent_bit::template::{RecordTemplate, TemplatePartKind};
use crate::logging::MAX_CHARACTERS;

/// How the tags of all pods begin. Source: Amazon EKS User Guide, "Fargate logging": `Tag kube.*` with the path of the file.
pub(crate) const POD_TAG_PREFIX: &str = "kube.var.log.containers.";

/// The tag of Fluent Bit's own log, where `flb_log_cw` is on. Seen in streams that people show: aws-ia/terraform-aws-eks-blueprints,
/// `examples/fargate-serverless/README.md`.
const OWN_TAG: &str = "flblogs.var.log.fluent-bit.log";

/// How many rules that give new tags are looked at: with more, a configuration is longer than the 5300 characters that EKS takes.
const MAX_RULES: usize = 256;

/// How many tags that logs had before one are looked at, for the same reason.
const MAX_EARLIER: usize = 16;
/// How long patterns and tags may be to be looked at: EKS takes no more characters than this in a whole ConfigMap.
const MAX_LENGTH: usize = MAX_CHARACTERS;
/// How many letters of a pattern times pieces of a tag are gone through: a pattern of 512 letters and a tag of 256, and no file has a name
/// longer than that. Source: Linux, `NAME_MAX`.
const MAX_STEPS: usize = 512 * 256;
/// How many of both together.
const MAX_WAYS: usize = 512;

/// `kube.var.log.containers.<pod>_<namespace>_<container>-<id>.log`.
pub(crate) static POD_TAGS: LazyLock<TagForm> = LazyLock::new(TagForm::of_pods);
/// The tag of Fluent Bit's own log.
pub(crate) static OWN_TAGS: LazyLock<TagForm> =
    LazyLock::new(|| TagForm { pieces: OWN_TAG.chars().map(TagPiece::Letter).collect() });

/// What all tags of a kind have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagForm {
    pieces: Vec<TagPiece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagPiece {
    Letter(char),
    /// Any number of letters of a kind.
    Some(TagLetters),
}

/// Which letters there may be. Source: Kubernetes, "Object Names and IDs"; containerd, ids of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagLetters {
    /// Of a pod's name.
    Pod,
    /// Of a namespace's or a container's name.
    Label,
    /// Of a container's id.
    Id,
    /// Of any part of a pod's tag.
    Tag,
    /// Of what is taken from a record.
    Any,
}

impl TagLetters {
    fn has(self, letter: char) -> bool {
        let is_plain = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        match self {
            TagLetters::Pod => is_plain || letter == '-' || letter == '.',
            TagLetters::Label => is_plain || letter == '-',
            TagLetters::Id => letter.is_ascii_digit() || ('a'..='f').contains(&letter),
            TagLetters::Tag => is_plain || "-._".contains(letter),
            TagLetters::Any => true,
        }
    }
}

impl TagForm {
    fn of_pods() -> TagForm {
        use TagPiece::{Letter, Some};
        let mut pieces: Vec<TagPiece> = POD_TAG_PREFIX.chars().map(Letter).collect();
        pieces.extend([
            Some(TagLetters::Pod),
            Letter('_'),
            Some(TagLetters::Label),
            Letter('_'),
            Some(TagLetters::Label),
        ]);
        pieces.extend([Letter('-'), Some(TagLetters::Id)]);
        pieces.extend(".log".chars().map(Letter));
        TagForm { pieces }
    }

    /// What a template makes of tags that have this form.
    fn filled(&self, template: &RecordTemplate) -> TagForm {
        let mut pieces = Vec::new();
        for part in &template.parts {
            match &part.kind {
                // One more than is looked at tells that it is too long.
                TemplatePartKind::Text(text) => {
                    let room = (MAX_LENGTH + 1).saturating_sub(pieces.len());
                    pieces.extend(text.chars().take(room).map(TagPiece::Letter));
                }
                TemplatePartKind::Tag => pieces.extend(&self.pieces),
                TemplatePartKind::TagPart(_) if *self == *POD_TAGS => pieces.push(TagPiece::Some(TagLetters::Tag)),
                _ => pieces.push(TagPiece::Some(TagLetters::Any)),
            }
        }
        if pieces.len() > MAX_LENGTH {
            pieces.truncate(MAX_LENGTH);
            pieces.push(TagPiece::Some(TagLetters::Any));
        }
        TagForm { pieces }
    }

    /// Whether a pattern takes some of these tags. What is too long to run is said to.
    pub(crate) fn fits(&self, pattern: &str) -> bool {
        if pattern.len() > MAX_LENGTH {
            return true;
        }
        // Most patterns differ at the beginning.
        for (letter, piece) in pattern.chars().zip(&self.pieces) {
            match piece {
                TagPiece::Letter(own) if letter == *own => {}
                TagPiece::Letter(_) if letter != '*' => return false,
                _ => break,
            }
        }
        if pattern.len().saturating_mul(self.pieces.len()) > MAX_STEPS {
            return true;
        }
        let pattern: Vec<char> = pattern.chars().collect();
        // Whether the rests from here can meet, from the end.
        let mut below: Vec<bool> = Vec::new();
        for at in (0..=pattern.len()).rev() {
            let wanted = pattern.get(at).copied();
            let mut row = vec![false; self.pieces.len() + 1];
            for to in (0..=self.pieces.len()).rev() {
                let next = row.get(to + 1).copied().unwrap_or_default();
                let after = |to: usize| below.get(to).copied().unwrap_or_default();
                row[to] = match (wanted, self.pieces.get(to)) {
                    (None, None) => true,
                    (Some('*'), _) if after(to) => true,
                    (Some('*'), Some(_)) => next,
                    (_, Some(TagPiece::Some(_))) if next => true,
                    (Some(letter), Some(TagPiece::Some(letters))) => letters.has(letter) && after(to),
                    (Some(letter), Some(TagPiece::Letter(own))) => letter == *own && after(to + 1),
                    _ => false,
                };
            }
            below = row;
        }
        below.first().copied().unwrap_or_default()
    }

    /// Whether a section takes some of these tags: where that cannot be told, it does.
    pub(crate) fn reaches(&self, section: &PlacedSection<'_, '_>) -> bool {
        section.property("Match_Regex").is_some() || section.get("Match").is_none_or(|pattern| self.fits(pattern))
    }
}

/// A new tag that a filter gives.
#[derive(Debug, Clone)]
pub(crate) struct NewTag<'b, 'a> {
    pub(crate) filter: PlacedSection<'b, 'a>,
    /// `Rule`: a key, a pattern, the new tag, and whether the log also keeps its old one.
    pub(crate) rule: &'b ReadProperty,
    pub(crate) template: RecordTemplate,
    pub(crate) form: TagForm,
    /// Whether the log also keeps its old tag.
    pub(crate) keeps: bool,
}

impl NewTag<'_, '_> {
    /// For messages: what is taken from the record or the old tag is an ellipsis.
    pub(crate) fn title(&self) -> String {
        let text = |kind: &TemplatePartKind| match kind {
            TemplatePartKind::Text(text) => text.clone(),
            _ => "…".to_owned(),
        };
        self.template.parts.iter().map(|part| text(&part.kind)).collect()
    }

    /// What `Match` would have to take to take all of them.
    pub(crate) fn pattern(&self) -> String {
        let text = |kind: &TemplatePartKind| match kind {
            TemplatePartKind::Text(text) => text.clone(),
            TemplatePartKind::Tag => format!("{POD_TAG_PREFIX}*"),
            _ => "*".to_owned(),
        };
        self.template.parts.iter().map(|part| text(&part.kind)).collect()
    }

    /// What stands before the pod's name, if the new tag is a text, and the old tag or the part of it that begins with the pod.
    pub(crate) fn text_before_pod(&self) -> Option<String> {
        /// `kube`, `var`, `log` and `containers` come before it. Source: fluent/fluent-bit, src/flb_record_accessor.c: parts count from 0.
        const POD_PART: usize = 4;
        if let Some(text) = self.text_before_tag() {
            return Some(format!("{text}{POD_TAG_PREFIX}"));
        }
        match self.template.parts.first().map(|part| &part.kind).zip(self.template.parts.get(1).map(|part| &part.kind))
        {
            Some((TemplatePartKind::Text(text), TemplatePartKind::TagPart(POD_PART))) => Some(text.clone()),
            _ => None,
        }
    }

    /// What stands before the old tag, if the new one is that, the old one, and nothing else.
    pub(crate) fn text_before_tag(&self) -> Option<&str> {
        let kinds: Vec<&TemplatePartKind> = self.template.parts.iter().map(|part| &part.kind).collect();
        match kinds.as_slice() {
            [TemplatePartKind::Tag] => Some(""),
            [TemplatePartKind::Text(text), TemplatePartKind::Tag] => Some(text),
            _ => None,
        }
    }
}

/// All new tags that filters give, rule by rule; not those that Fluent Bit does not take.
pub(crate) fn new_tags<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Vec<NewTag<'b, 'a>> {
    let of_rule = |(filter, rule): (PlacedSection<'b, 'a>, &'b ReadProperty)| {
        let template = RecordTemplate::parse(&new_tag(rule)?.value).ok()?;
        let keeps = words(rule).get(3..).is_some_and(|rest| rest.iter().any(|word| is_yes(&word.value)));
        Some(NewTag { filter, rule, form: POD_TAGS.filled(&template), template, keeps })
    };
    rules(logging).filter_map(of_rule).take(MAX_RULES).collect()
}

/// The filters that logs run through on their way to CloudWatch Logs, under the tag that they arrive with or under one that they had
/// before. A log with a new tag begins at the first filter once more; a copy of it that goes elsewhere is of no interest here.
///
/// Source: fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c.
pub(crate) fn filters_for_cloudwatch<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Vec<PlacedSection<'b, 'a>> {
    let on_way = logging.filters_on_way.get_or_init(|| on_way(logging));
    logging.filters().filter(|filter| on_way.contains_key(&filter.number)).collect()
}

/// Those of them that lines run through, and not only copies beside which the lines arrive, too: a ConfigMap may write the metadata in
/// records of its own, which are made of copies.
pub(crate) fn filters_of_lines<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Vec<PlacedSection<'b, 'a>> {
    let on_way = logging.filters_on_way.get_or_init(|| on_way(logging));
    logging.filters().filter(|filter| on_way.get(&filter.number) == Some(&FilterWay::Lines)).collect()
}

fn on_way(logging: &LoggingConfigMap<'_>) -> HashMap<usize, FilterWay> {
    let outputs = distinct(cloudwatch::outputs(logging).map(|output| output.section));
    let is_taken = |form: &TagForm| outputs.iter().any(|output| form.reaches(output));
    let (pods, new) = (&*POD_TAGS, new_tags(logging));
    let have_pods = is_taken(pods);
    // Each form, the filter above which logs have it, and what has it.
    let mut ways: Vec<(&TagForm, usize, FilterWay)> = Vec::new();
    ways.extend(have_pods.then_some((pods, usize::MAX, FilterWay::Lines)));
    for tag in new.iter().filter(|tag| is_taken(&tag.form)) {
        let is_copy = tag.keeps && have_pods && pods.reaches(&tag.filter);
        let of = if is_copy { FilterWay::Copies } else { FilterWay::Lines };
        ways.push((&tag.form, usize::MAX, of));
        let earlier =
            [pods].into_iter().chain(new.iter().map(|tag| &tag.form)).filter(|form| form.reaches(&tag.filter));
        ways.extend(earlier.take(MAX_EARLIER).map(|form| (form, tag.filter.number, of)));
    }
    ways.truncate(MAX_WAYS);
    // Lines first: a filter that they run through is theirs, whatever else does.
    ways.sort_by_key(|(_, _, of)| *of == FilterWay::Copies);
    let mut known: HashMap<(usize, Option<&str>, bool), bool> = HashMap::new();
    let mut on_way = HashMap::new();
    for filter in logging.filters() {
        let mut takes = |(way, (form, end, _)): &(usize, &(&TagForm, usize, FilterWay))| {
            let key = (*way, filter.get("Match"), filter.property("Match_Regex").is_some());
            filter.number < *end && *known.entry(key).or_insert_with(|| form.reaches(&filter))
        };
        let of = match ways.is_empty() {
            // Where the patterns of outputs take nothing, which is another rule's, what was meant is not known.
            true => Some(FilterWay::Lines),
            false => ways.iter().enumerate().find(&mut takes).map(|(_, (_, _, of))| *of),
        };
        on_way.extend(of.map(|of| (filter.number, of)));
    }
    on_way
}

/// One section for each pattern that sections have.
pub(crate) fn distinct<'b, 'a>(sections: impl Iterator<Item = PlacedSection<'b, 'a>>) -> Vec<PlacedSection<'b, 'a>> {
    let mut seen = HashSet::new();
    sections.filter(|section| seen.insert((section.get("Match"), section.get("Match_Regex")))).collect()
}

/// Whether the Kubernetes filter adds metadata to logs that arrive in CloudWatch Logs.
pub(crate) fn with_metadata(logging: &LoggingConfigMap<'_>) -> bool {
    filters_for_cloudwatch(logging).iter().any(|filter| filter.is_of("kubernetes"))
}

/// Source: fluent/fluent-bit, src/flb_utils.c, `flb_utils_bool`.
fn is_yes(word: &str) -> bool {
    ["on", "true", "yes"].iter().any(|yes| yes.eq_ignore_ascii_case(word))
}

/// All rules that give new tags, with their filters.
pub(crate) fn rules<'b, 'a>(
    logging: &'b LoggingConfigMap<'a>,
) -> impl Iterator<Item = (PlacedSection<'b, 'a>, &'b ReadProperty)> {
    let filters = logging.filters().filter(|filter| filter.is_of("rewrite_tag"));
    filters.flat_map(|filter| {
        let is_rule = |rule: &&ReadProperty| rule.name.value.eq_ignore_ascii_case("Rule");
        filter.section.properties.iter().filter(is_rule).map(move |rule| (filter, rule))
    })
}

/// A word of a value, and where it is in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlacedWord {
    pub(crate) value: String,
    pub(crate) span: Span,
}

/// The tag that a rule gives: what comes before its last word, for only the pattern can have blanks.
pub(crate) fn new_tag(rule: &ReadProperty) -> Option<PlacedWord> {
    let mut words: Vec<PlacedWord> = words(rule);
    // What was meant as a comment is no part of what was meant as a rule.
    if let Some(comment) = rule.comment() {
        words.retain(|word| word.span.end <= comment.span.start);
    }
    // With less than a key, a pattern, a tag and a last word it is no rule.
    (words.len() >= 4).then(|| words.into_iter().rev().nth(1))?
}

/// The words of a value, parted by blanks.
pub(crate) fn words(property: &ReadProperty) -> Vec<PlacedWord> {
    let text = property.value.value.as_str();
    let mut at = 0;
    let place = |word: &str| {
        let start = text.get(at..).and_then(|rest| rest.find(word)).map_or(at, |found| at + found);
        at = start + word.len();
        let start = property.value.span.start + start;
        PlacedWord { value: word.to_owned(), span: Span { start, end: start + word.len() } }
    };
    text.split_whitespace().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_take_pods() {
        for fits in [
            "kube.*",
            "*",
            "**",
            "kube.**",
            "kube.*_kube-system_*",
            "*.log",
            "kube.var.log.containers.web*",
            "kube.var.log.containers.*.log",
            "k*g",
            "*_shop_app-*",
            "kube.*-0123abcdef*",
            "kube.var.log.containers.a.b_c_d-*",
        ] {
            assert!(POD_TAGS.fits(fits), "{fits}");
        }
        for not in [
            "app.*",
            "kube",
            "kube.*.txt",
            "kubernetes.*",
            "",
            "KUBE.*",
            "kube.*|app.*",
            "kube\\..*",
            "kube.*\\d*",
            "kube.*Web*",
            "kube.*_a_b_c_*",
            "kube.*/*",
            "kube.+",
            "^kube.*",
            "kube.*_My*",
            "kube.*-xyz.log",
        ] {
            assert!(!POD_TAGS.fits(not), "{not}");
        }
        assert!(OWN_TAGS.fits("flblogs.*") && !OWN_TAGS.fits("kube.*"));
    }

    #[test]
    fn patterns_that_take_new_tags() {
        let form = |text: &str| POD_TAGS.filled(&RecordTemplate::parse(text).unwrap());
        for (tag, pattern, expected) in [
            ("errors", "errors", true),
            ("errors", "errors.*", false),
            ("errors.$TAG", "errors.*", true),
            ("errors.$TAG", "errors.kube.*_shop_*", true),
            ("errors.$TAG", "errors.app.*", false),
            ("errors.$TAG", "errors.*Web*", false),
            ("$TAG[4].x", "*.x", true),
            ("$TAG[4].x", "*Web*.x", false),
            ("app.$log", "app.Web", true),
            ("$1.x", "y", false),
            ("$1.x", "Y.x", true),
        ] {
            assert_eq!(form(tag).fits(pattern), expected, "{tag} {pattern}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_judged() {
        for (length, expected) in [(5299, false), (5300, false), (5301, true)] {
            assert_eq!(POD_TAGS.fits(&"x".repeat(length)), expected, "{length}");
            let tag = POD_TAGS.filled(&RecordTemplate::parse(&"x".repeat(length)).unwrap());
            assert_eq!(tag.fits("x*y"), expected, "{length}");
        }
    }

    #[test]
    fn what_takes_too_many_steps_is_not_judged() {
        let tag = POD_TAGS.filled(&RecordTemplate::parse(&"x".repeat(256)).unwrap());
        for (length, expected) in [(511, false), (512, false), (513, true)] {
            let pattern = format!("x*{}", "y".repeat(length - 2));
            assert_eq!(tag.fits(&pattern), expected, "{length}");
        }
    }

    proptest::proptest! {
        /// What a pattern takes by Fluent Bit's own walk, the form has to fit.
        #[test]
        fn a_form_fits_what_takes_one_of_its_tags(pattern in "[kube.*vr_a-]{0,12}", pod in "[a-c]{1,3}") {
            let tag = format!("{POD_TAG_PREFIX}{pod}_ns_app-0a1b.log");
            if pipeline::glob::matches(&pattern, &tag, false) {
                proptest::prop_assert!(POD_TAGS.fits(&pattern));
            }
        }
    }
}
