//! A container image's name taken apart as the Agent does.

/// The parts of an image name that become tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Image<'a> {
    /// `image_name`: with registry, without tag and digest.
    pub(crate) name: &'a str,
    /// `short_image`: behind the last slash.
    pub(crate) short: &'a str,
    /// `image_tag`; empty where the name has none.
    pub(crate) tag: &'a str,
}

/// Splits an image name; `None` for a bare digest, which names nothing.
///
/// Source: DataDog/datadog-agent, `pkg/util/containers/image`, `SplitImageName`.
pub(crate) fn split(image: &str) -> Option<Image<'_>> {
    if image.is_empty() || image.starts_with("sha256:") {
        return None;
    }
    let image = image.rfind("@sha").map_or(image, |at| &image[..at]);
    let after_slash = image.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match image.rfind(':') {
        Some(at) if at >= after_slash => (&image[..at], &image[at + 1..]),
        _ => (image, ""),
    };
    let short = &name[after_slash..];
    (!short.is_empty()).then_some(Image { name, short, tag })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_the_agent_splits_them() {
        for (image, name, short, tag) in [
            ("redis", "redis", "redis", ""),
            ("redis:7", "redis", "redis", "7"),
            ("redis@sha256:abc", "redis", "redis", ""),
            ("python:3.11-slim", "python", "python", "3.11-slim"),
            ("public.ecr.aws/nginx/nginx:1.22.1", "public.ecr.aws/nginx/nginx", "nginx", "1.22.1"),
            (
                "myregistry.local:5000/testing/test-image:version@sha256:5bef08742407efd622d243692b79ba0055383bbce12900324f75e56f589aedb0",
                "myregistry.local:5000/testing/test-image",
                "test-image",
                "version",
            ),
            ("localhost:5000/app", "localhost:5000/app", "app", ""),
        ] {
            assert_eq!(split(image), Some(Image { name, short, tag }), "{image}");
        }
        for image in ["", "sha256:5bef08742407efd622d243692b79ba0055383bbce12900324f75e56f589aedb0", "a/", ":x"] {
            assert_eq!(split(image), None, "{image}");
        }
    }
}
