//! Single values by their paths, as `helm --set` takes them, filled into a map of values.
//!
//! Source: helm/helm, `pkg/strvals/parser.go`.

use super::holders::HeldParameter;
use crate::lint::source::{SourceFile, Span};
use crate::tree::{ScalarStyle, Tree, TreeKind, TreeMember};

/// A step of a path: a name, and where it is written; maybe the number of an item behind it.
#[derive(Debug)]
struct Step {
    name: String,
    start: usize,
    end: usize,
    index: Option<usize>,
}

/// How deep Helm lets names be.
const MAX_STEPS: usize = 30;

/// A map of nothing.
pub(super) fn empty(at: usize) -> Tree {
    tree(TreeKind::Map { flow: false, members: Vec::new() }, at, at)
}

fn tree(kind: TreeKind, start: usize, end: usize) -> Tree {
    Tree { kind, start, end, anchor: 0, tagged: false }
}

/// Puts a parameter where it belongs, and says where it is written in the source. `None` if it has no path that can be followed.
pub(super) fn fill(root: &mut Tree, parameter: &HeldParameter<'_>, source: &SourceFile, before: usize) -> Option<Span> {
    let (name, text) = (parameter.name.text()?, parameter.value.text()?);
    let written = parameter.name.value_place().span;
    // Between quotes, the path begins after the first.
    let start = written.start + source.slice(written).find(name).unwrap_or_default();
    let steps = steps(name, start.saturating_sub(before), written.end.saturating_sub(before))?;
    let span = parameter.value.place().span;
    let style = if parameter.is_text || !is_typed(text) { ScalarStyle::DoubleQuoted } else { ScalarStyle::Plain };
    let kind = TreeKind::Scalar { text: text.to_owned(), style };
    put(root, &steps, tree(kind, span.start.saturating_sub(before), span.end.saturating_sub(before)));
    Some(span)
}

/// What Helm makes something else of than a text: booleans, null and whole numbers.
fn is_typed(text: &str) -> bool {
    let is_zero_led = text.len() > 1 && text.starts_with('0');
    matches!(text, "true" | "false" | "null") || (!is_zero_led && text.parse::<i64>().is_ok())
}

fn steps(name: &str, start: usize, end: usize) -> Option<Vec<Step>> {
    let (mut steps, mut at, mut current, mut began) = (Vec::new(), 0, String::new(), 0);
    let mut letters = name.chars();
    loop {
        let letter = letters.next();
        match letter {
            Some('\\') => {
                let escaped = letters.next()?;
                current.push(escaped);
                at += escaped.len_utf8();
            }
            Some('.') | None => {
                let (name, index) = match current.strip_suffix(']').and_then(|inside| inside.rsplit_once('[')) {
                    Some((name, index)) => (name.to_owned(), Some(index.parse().ok()?)),
                    None => (std::mem::take(&mut current), None),
                };
                let place = (start + began, (start + began + name.len()).min(end));
                steps.push(Step { name, start: place.0, end: place.1, index });
                current.clear();
                began = at + 1;
            }
            Some(other) => current.push(other),
        }
        let Some(letter) = letter else { break };
        at += letter.len_utf8();
    }
    let is_right = steps.len() <= MAX_STEPS && steps.iter().all(|step| !step.name.is_empty());
    is_right.then_some(steps)
}

fn put(map: &mut Tree, steps: &[Step], value: Tree) {
    let Some((step, rest)) = steps.split_first() else { return };
    let place = (step.start, step.end);
    let TreeKind::Map { members, .. } = &mut map.kind else { return };
    let number = members.iter().rposition(|member| member.key.text() == Some(step.name.as_str()));
    let number = number.unwrap_or_else(|| {
        let key = TreeKind::Scalar { text: step.name.clone(), style: ScalarStyle::Plain };
        members.push(TreeMember { key: tree(key, place.0, place.1), value: empty(place.0) });
        members.len() - 1
    });
    let Some(member) = members.get_mut(number) else { return };
    let below = match step.index {
        None => &mut member.value,
        Some(index) => {
            if !matches!(member.value.kind, TreeKind::List { .. }) {
                member.value = tree(TreeKind::List { flow: false, items: Vec::new() }, place.0, place.1);
            }
            let TreeKind::List { items, .. } = &mut member.value.kind else { return };
            if items.len() == index {
                items.push(empty(place.0));
            }
            match items.get_mut(index) {
                Some(item) => item,
                None => return,
            }
        }
    };
    if rest.is_empty() {
        *below = value;
        return;
    }
    if !matches!(below.kind, TreeKind::Map { .. } | TreeKind::Alias(_)) {
        *below = empty(place.0);
    }
    put(below, rest, value);
}
