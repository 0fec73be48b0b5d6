//! The Agent's sidecar, or the label for it, put into manifests that people wrote.
//!
//! What is to be done ([`change`]) is planned on the objects' values (`plan`, `hindrance`). It is done twice: on the text (`super::tree`
//! has the places, `edit` and `layout` write), and on the value. The text is then read again. If it does not say what the value says, the
//! document stays as it was.

pub(crate) mod change;
mod edit;
mod hindrance;
mod layout;
mod plan;

use serde_json::Value;

use change::{Change, PathStep, path};
pub(crate) use hindrance::{HOST_FIELDS, LeftAloneReason};
use plan::InjectPlan;
pub use plan::InjectRequest;

use crate::tree::parse::documents;
use crate::tree::{Document, Tree};

/// What became of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Injected {
    pub text: String,
    /// One for each object that makes pods.
    pub objects: Vec<InjectedObject>,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct InjectedObject {
    /// Counted from 1, as lines are.
    pub document: usize,
    pub line: usize,
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub outcome: InjectOutcome,
}

#[derive(Debug, Clone, PartialEq)]
pub enum InjectOutcome {
    /// Changed, with what people should know about it.
    Changed(Vec<String>),
    /// Nothing to do, and why.
    Already(String),
    LeftAlone(LeftAloneReason),
}

/// Puts into a text what its pods are to get.
///
/// # Errors
/// Where and why the text is neither YAML nor JSON.
pub fn inject(text: &str, want: &InjectRequest) -> Result<Injected, String> {
    // A byte order mark is not part of any document.
    let (mark, body) = text.split_at(if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 });
    let mut out = Injected { text: mark.to_owned(), objects: Vec::new() };
    let documents = documents(body).map_err(|error| error.to_string())?;
    let begin = documents.first().map_or(body.len(), |document| document.start);
    out.text.push_str(body.get(..begin).unwrap_or_default());
    let mut line = 1;
    let mut counted = 0;
    for (number, document) in documents.iter().enumerate() {
        let mut objects = Vec::new();
        let before = body.get(document.start..document.end).unwrap_or_default();
        let after = of_document(body, document, want, &mut objects);
        out.text.push_str(after.as_deref().unwrap_or(before));
        for (place, mut object) in objects {
            line += body.get(counted..place).map_or(0, |text| text.matches('\n').count());
            counted = counted.max(place);
            (object.document, object.line) = (number + 1, line);
            out.objects.push(object);
        }
    }
    Ok(out)
}

type FoundObjects = Vec<(usize, InjectedObject)>;

/// The text of a document, if it changes; what was found goes to `objects`, with places in the text.
fn of_document(body: &str, document: &Document, want: &InjectRequest, objects: &mut FoundObjects) -> Option<String> {
    let kind = document.root.member("kind").and_then(|kind| kind.value.text()).unwrap_or_default();
    if !plan::is_workload(kind) {
        return None;
    }
    let slice = body.get(document.start..document.end).unwrap_or_default();
    let value = match read(slice) {
        Ok(value) => value,
        Err((problem, line)) => {
            let before = body.get(..document.start).map_or(0, |text| text.matches('\n').count());
            let what = format!("it cannot be parsed: line {}: {problem}", before + line);
            let outcome = InjectOutcome::LeftAlone(LeftAloneReason::new(&what, "fix it first"));
            let mut object = InjectedObject::new(&Value::Null, kind, outcome);
            let metadata = document.root.member("metadata").map(|metadata| &metadata.value);
            let text = |name: &str| metadata?.member(name)?.value.text().map(str::to_owned);
            (object.name, object.namespace) = (text("name").unwrap_or_default(), text("namespace"));
            objects.push((document.root.start, object));
            return None;
        }
    };
    let (changes, edits) = plan_all(body, document, &value, kind, want, objects);
    if changes.is_empty() {
        return None;
    }
    let text = edit::apply(body, document.start..document.end, edits);
    let expected = change::apply(&changes, value);
    let says_it = |text: &String| read(text).ok() == expected && expected.is_some();
    let text = text.filter(says_it);
    if text.is_none() {
        let changed = objects.iter_mut().filter(|(_, object)| matches!(object.outcome, InjectOutcome::Changed(_)));
        changed.for_each(|(_, object)| object.outcome = InjectOutcome::LeftAlone(edit::unusual()));
    }
    text
}

/// The changes of all objects of a document, and the edits for them.
fn plan_all(
    body: &str,
    document: &Document,
    value: &Value,
    kind: &str,
    want: &InjectRequest,
    objects: &mut FoundObjects,
) -> (Vec<Change>, Vec<edit::TextEdit>) {
    let editor = edit::Editor::new(body, &document.root);
    let (mut changes, mut edits) = (Vec::new(), Vec::new());
    let mut one = |object: &Value, kind: Option<&str>, base: &[PathStep], tree: Option<&Tree>| {
        let place = tree.map_or(document.root.start, |tree| tree.start);
        let shown = object.get("kind").and_then(Value::as_str).or(kind).unwrap_or_default();
        let outcome = match plan::plan(object, kind, base, want) {
            InjectPlan::NotAWorkload => return,
            InjectPlan::Already(what) => InjectOutcome::Already(what),
            InjectPlan::LeaveAlone(reason) => InjectOutcome::LeftAlone(reason),
            InjectPlan::Change { changes: planned, notes } => {
                match editor.edits(&planned, tree.unwrap_or(&document.root)) {
                    Ok(planned_edits) => {
                        edits.extend(planned_edits);
                        changes.extend(planned);
                        InjectOutcome::Changed(notes)
                    }
                    Err(reason) => InjectOutcome::LeftAlone(reason),
                }
            }
        };
        objects.push((place, InjectedObject::new(object, shown, outcome)));
    };
    match value.get("items").and_then(Value::as_array).filter(|_| kind.ends_with("List")) {
        Some(items) => {
            let trees = document.root.member("items").map(|member| member.value.items()).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                let base = [path(&["items"]), vec![PathStep::Index(index)]].concat();
                one(item, kind.strip_suffix("List").filter(|kind| !kind.is_empty()), &base, trees.get(index));
            }
        }
        None => one(value, None, &[], Some(&document.root)),
    }
    (changes, edits)
}

/// The only document of a text; or what is wrong with it, and in which of its lines.
fn read(text: &str) -> Result<Value, (String, usize)> {
    let mut documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        let line = error.location().map_or(1, |location| usize::try_from(location.line()).unwrap_or(1));
        let said = error.without_snippet().to_string();
        // The parser gives the line again, counted from the document's first.
        let said = said.split(" at line ").next().unwrap_or_default();
        (said.lines().next().unwrap_or_default().to_owned(), line)
    })?;
    match (documents.pop(), documents.pop()) {
        (Some(only), None) => Ok(only),
        _ => Err(("it is not a single document".to_owned(), 1)),
    }
}

impl InjectedObject {
    fn new(value: &Value, kind: &str, outcome: InjectOutcome) -> InjectedObject {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let name = text("/metadata/name").or_else(|| text("/metadata/generateName")).unwrap_or_default();
        let kind = kind.to_owned();
        InjectedObject { document: 0, line: 0, kind, namespace: text("/metadata/namespace"), name, outcome }
    }
}
