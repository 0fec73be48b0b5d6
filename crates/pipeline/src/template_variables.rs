//! Autodiscovery template variables (`%%kube_namespace%%`) in a pod's annotations: what they stand for, found and put in.
//!
//! Source: DataDog/datadog-agent, `comp/core/autodiscovery/configresolver`, which has the same meaning for `kube_` and `extra_`, and
//! gives up on a configuration with a variable that it cannot resolve.

use std::borrow::Cow;

/// What marks the beginning and the end of a variable.
const MARK: &str = "%%";

/// How many variables a text may have. An annotation has room for thousands, and each can become a name of 253 characters.
const MAX_VARIABLES: usize = 16;

/// What the variables stand for; empty where it is not known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TemplateValues<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) pod_name: &'a str,
    pub(crate) pod_uid: &'a str,
}

/// A variable whose value cannot be known here, or a text with too many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unresolved;

/// Whether a text may have variables: cheap, and never wrong in saying no.
pub(crate) fn may_have(text: &str) -> bool {
    text.contains(MARK)
}

/// The first variable that has no value here whatever the pod, as it is written: `%%host%%`.
pub(crate) fn unknown(text: &str) -> Option<&str> {
    variables(text).find(|variable| variable.kind.is_none()).map(|variable| variable.written)
}

/// Whether there is a variable, known or not.
pub(crate) fn has_any(text: &str) -> bool {
    variables(text).next().is_some()
}

/// Puts the values in.
///
/// # Errors
/// [`Unresolved`]: then the text must not be used, or the variable would be taken for what it stands for.
pub(crate) fn resolve<'t>(text: &'t str, values: &TemplateValues) -> Result<Cow<'t, str>, Unresolved> {
    if !may_have(text) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::new();
    let mut at = 0;
    for (count, variable) in variables(text).enumerate() {
        let value = match variable.kind {
            Some(Kind::Namespace) => values.namespace,
            Some(Kind::PodName) => values.pod_name,
            Some(Kind::PodUid) => values.pod_uid,
            None => "",
        };
        if value.is_empty() || count >= MAX_VARIABLES {
            return Err(Unresolved);
        }
        out.push_str(&text[at..variable.start]);
        out.push_str(value);
        at = variable.start + variable.written.len();
    }
    out.push_str(&text[at..]);
    Ok(Cow::Owned(out))
}

/// What a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Namespace,
    PodName,
    PodUid,
}

struct Variable<'t> {
    start: usize,
    /// With its marks.
    written: &'t str,
    kind: Option<Kind>,
}

/// The variables of a text, from left to right. A name has one character at least and no line break; marks without it are text.
fn variables(text: &str) -> impl Iterator<Item = Variable<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text.get(at..)?.find(MARK)?;
            let name_at = start + MARK.len();
            let first = text.get(name_at..)?.chars().next()?;
            let rest_at = name_at + first.len_utf8();
            let end = rest_at + text.get(rest_at..)?.find(MARK)?;
            let name = text.get(name_at..end)?;
            if name.contains('\n') {
                at = name_at;
                continue;
            }
            at = end + MARK.len();
            return Some(Variable { start, written: text.get(start..at)?, kind: kind_of(name) });
        }
    })
}

fn kind_of(name: &str) -> Option<Kind> {
    match name.strip_prefix("kube_").or_else(|| name.strip_prefix("extra_"))? {
        "namespace" => Some(Kind::Namespace),
        "pod_name" => Some(Kind::PodName),
        "pod_uid" => Some(Kind::PodUid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: TemplateValues = TemplateValues { namespace: "shop", pod_name: "web-0", pod_uid: "0f4e" };

    #[test]
    fn what_a_record_tells_is_put_in() {
        for (text, resolved) in [
            ("plain", "plain"),
            ("100%", "100%"),
            ("50%% off", "50%% off"),
            ("%%kube_namespace%%", "shop"),
            ("%%kube_namespace%%-orders", "shop-orders"),
            ("%%kube_namespace%%/%%kube_pod_name%%:%%kube_pod_uid%%.", "shop/web-0:0f4e."),
            ("%%extra_pod_name%%", "web-0"),
            ("a%%b\nc%%kube_namespace%%", "a%%b\ncshop"),
            ("%%kube_pod_name%% 50%% off", "web-0 50%% off"),
            ("", ""),
        ] {
            assert_eq!(resolve(text, &VALUES).as_deref(), Ok(resolved), "{text}");
            assert_eq!(unknown(text), None, "{text}");
        }
    }

    #[test]
    fn what_it_does_not_tell_is_no_literal() {
        for (text, variable) in [
            ("a %%host%% b", "%%host%%"),
            ("%%host_bridge%%", "%%host_bridge%%"),
            ("%%port_0%%", "%%port_0%%"),
            ("%%env_TEAM%%", "%%env_TEAM%%"),
            ("%%hostname%%", "%%hostname%%"),
            ("%%pid%%", "%%pid%%"),
            ("%%extra_port%%", "%%extra_port%%"),
            ("%%kube_namespace%% %%kube_pod_ip%%", "%%kube_pod_ip%%"),
            ("%%KUBE_NAMESPACE%%", "%%KUBE_NAMESPACE%%"),
            ("%%kube_namespace %%", "%%kube_namespace %%"),
            ("%%%%kube_namespace%%", "%%%%kube_namespace%%"),
        ] {
            assert_eq!(unknown(text), Some(variable), "{text}");
            assert_eq!(resolve(text, &VALUES), Err(Unresolved), "{text}");
        }
        let without = TemplateValues { pod_uid: "", ..VALUES };
        assert_eq!(resolve("%%kube_pod_uid%%", &without), Err(Unresolved));
        assert_eq!(resolve("%%kube_pod_name%%", &without).as_deref(), Ok("web-0"));
    }

    #[test]
    fn a_text_cannot_grow_without_bounds() {
        let text = |count: usize| "%%kube_pod_name%%".repeat(count);
        for count in [MAX_VARIABLES - 1, MAX_VARIABLES] {
            assert_eq!(resolve(&text(count), &VALUES).as_deref(), Ok("web-0".repeat(count).as_str()));
        }
        assert_eq!(resolve(&text(MAX_VARIABLES + 1), &VALUES), Err(Unresolved));
    }

    proptest! {
        #[test]
        fn a_text_without_variables_stays_as_it_is(text in "[%a-z_\n]{0,24}") {
            prop_assert_eq!(has_any(&text), resolve(&text, &VALUES) != Ok(Cow::Borrowed(text.as_str())));
        }
    }
}
