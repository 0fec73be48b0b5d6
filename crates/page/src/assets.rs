//! What a browser gets: files of `assets/`, compiled in as they stand. There is no build step.

/// A file of the page, and its type.
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset { name: $name, kind: $kind, text: include_str!(concat!("../assets/", $name)) }
    };
}

/// All files; the page itself is the one without a name in an address.
const ASSETS: [Asset; 15] = [
    asset!("index.html", "text/html; charset=utf-8"),
    asset!("page.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("main.js", "text/javascript; charset=utf-8"),
    asset!("detail.js", "text/javascript; charset=utf-8"),
    asset!("facets.js", "text/javascript; charset=utf-8"),
    asset!("harmless.js", "text/javascript; charset=utf-8"),
    asset!("histogram.js", "text/javascript; charset=utf-8"),
    asset!("json_text.js", "text/javascript; charset=utf-8"),
    asset!("list.js", "text/javascript; charset=utf-8"),
    asset!("logs.js", "text/javascript; charset=utf-8"),
    asset!("pattern.js", "text/javascript; charset=utf-8"),
    asset!("query.js", "text/javascript; charset=utf-8"),
    asset!("search.js", "text/javascript; charset=utf-8"),
    asset!("time_window.js", "text/javascript; charset=utf-8"),
];

/// The file of this name; the page for an empty one.
pub(crate) fn named(name: &str) -> Option<&'static Asset> {
    let name = if name.is_empty() { "index.html" } else { name };
    ASSETS.iter().find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_from_elsewhere_and_makes_no_markup_of_text() {
        for asset in &ASSETS {
            // The namespace of SVG is a name, and is not loaded.
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "http:",
                "https:",
                "//cdn",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "style=\"",
                "onclick=",
            ] {
                assert!(!text.contains(forbidden), "{} has {forbidden}", asset.name);
            }
        }
    }

    #[test]
    fn every_file_that_another_names_is_there() {
        for asset in &ASSETS {
            for quoted in
                asset.text.split('"').filter(|text| text.starts_with("./") && !text.contains(char::is_whitespace))
            {
                assert!(named(quoted.trim_start_matches("./")).is_some(), "{} names {quoted}", asset.name);
            }
        }
    }
}
