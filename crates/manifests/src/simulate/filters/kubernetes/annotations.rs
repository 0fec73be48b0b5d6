//! Annotations of a pod that tell the router what to do with its logs: `fluentbit.io/parser` and `fluentbit.io/exclude`.
//!
//! Source: fluent/fluent-bit, plugins/filter_kubernetes/kube_property.c, at v1.9.10 and v5.1.1.

use super::metadata::ApiPod;
use crate::simulate::boolean::boolean;
use crate::simulate::core::Core;

/// What the annotations ask for, each for stdout and stderr.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) parser: [Option<String>; 2],
    pub(super) excludes: [bool; 2],
}

/// What the filter allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) parser: bool,
    pub(super) exclude: bool,
}

impl Properties {
    /// Those of a container. Of those for all containers the first counts, of its own the last.
    pub(super) fn new(
        core: Core,
        pod: &ApiPod,
        container: &[u8],
        allowed: Allowed,
        has_parser: &dyn Fn(&str) -> bool,
    ) -> Properties {
        let mut parser = [None, None];
        let mut excludes = [None, None];
        for (key, value) in pod.annotations() {
            let Some(property) =
                key.strip_prefix(b"fluentbit.io/").and_then(|rest| Property::read(core, rest, container))
            else {
                continue;
            };
            let value = String::from_utf8_lossy(value);
            for stream in property.streams {
                if property.is_exclude && allowed.exclude {
                    let place = excludes.get_mut(stream).filter(|place| place.is_none() || property.is_own);
                    place.into_iter().for_each(|place| *place = Some(boolean(&value) == Some(true)));
                } else if !property.is_exclude && allowed.parser && has_parser(&value) {
                    let place = parser.get_mut(stream).filter(|place| place.is_none() || property.is_own);
                    place.into_iter().for_each(|place| *place = Some(value.clone().into_owned()));
                }
            }
        }
        Properties { parser, excludes: excludes.map(|excludes| excludes.unwrap_or(false)) }
    }
}

struct Property {
    is_exclude: bool,
    streams: std::ops::Range<usize>,
    /// Whether it is for this container only.
    is_own: bool,
}

impl Property {
    /// `parser`, `exclude_stderr`, `parser_stdout-app`.
    fn read(core: Core, text: &[u8], container: &[u8]) -> Option<Property> {
        let (is_exclude, mut rest) = match text.strip_prefix(b"parser") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix(b"exclude")?),
        };
        let mut streams = 0..2;
        if let Some(stream) = rest.strip_prefix(b"_") {
            (streams, rest) = match stream.strip_prefix(b"stdout") {
                Some(rest) => (0..1, rest),
                None => (1..2, stream.strip_prefix(b"stderr")?),
            };
        }
        let own = match rest.strip_prefix(b"-") {
            Some(own) if !own.is_empty() => Some(own),
            None if rest.is_empty() => None,
            _ => return None,
        };
        // The older core takes the beginning of a name for the name.
        let is_meant = own.is_none_or(|own| match core {
            Core::Older => container.starts_with(own),
            Core::Newer => container == own,
        });
        is_meant.then_some(Property { is_exclude, streams, is_own: own.is_some() })
    }
}
