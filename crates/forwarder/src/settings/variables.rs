//! Where variables come from: the process, or what a test or a command hands in.

use std::collections::HashMap;

/// Where variables come from.
pub trait VariableSource {
    /// The variable's value; `None` if it is not set. An empty or blank one counts as not set.
    fn get(&self, name: &str) -> Option<String>;
}

/// The variables of the process.
#[derive(Debug, Clone, Copy)]
pub struct Environment;

impl VariableSource for Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl VariableSource for HashMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        HashMap::get(self, name).cloned()
    }
}

impl<const N: usize> VariableSource for [(&str, &str); N] {
    fn get(&self, name: &str) -> Option<String> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }
}
