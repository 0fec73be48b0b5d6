//! What the forwarder says of itself, and how: `DD_LOG_LEVEL`, `AWS_LAMBDA_LOG_LEVEL`, `AWS_LAMBDA_LOG_FORMAT`.

use super::reader::VariableReader;

/// How urgent a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            LogLevel::Debug => "DEBUG",
            LogLevel::Info => "INFO",
            LogLevel::Warn => "WARN",
            LogLevel::Error => "ERROR",
        }
    }
}

/// How the function's own log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnLogSettings {
    /// The least urgent lines that are written; `None` writes none.
    pub(crate) level: Option<LogLevel>,
    /// One JSON object a line; else text.
    pub(crate) json: bool,
}

impl Default for OwnLogSettings {
    fn default() -> Self {
        OwnLogSettings { level: Some(LogLevel::Info), json: true }
    }
}

/// What is wrong here is only warned of: the logs of others do not wait for it.
pub(super) fn read(reader: &mut VariableReader) -> OwnLogSettings {
    let mut settings = OwnLogSettings::default();
    // Datadog's forwarder knows the first, Lambda sets the second; the user's own choice holds.
    for variable in ["DD_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"] {
        let Some(value) = reader.get(variable) else { continue };
        match level(&value) {
            Some(level) => {
                settings.level = level;
                break;
            }
            None => reader.warnings.push(format!(
                "{variable} is not one of TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL and OFF; it has no effect"
            )),
        }
    }
    let format = reader.get("AWS_LAMBDA_LOG_FORMAT");
    settings.json = !format.is_some_and(|format| format.eq_ignore_ascii_case("text"));
    settings
}

/// The names of Datadog, of Lambda and of Python. `Some(None)` is no line at all.
fn level(name: &str) -> Option<Option<LogLevel>> {
    Some(match name.to_ascii_uppercase().as_str() {
        "TRACE" | "DEBUG" | "ALL" => Some(LogLevel::Debug),
        "INFO" => Some(LogLevel::Info),
        "WARN" | "WARNING" => Some(LogLevel::Warn),
        "ERROR" | "CRITICAL" | "FATAL" => Some(LogLevel::Error),
        "OFF" => None,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn read(pairs: [(&str, &str); 3]) -> (OwnLogSettings, usize) {
        let [a, b, c] = pairs;
        let settings = Settings::read(&[("DD_API_KEY", "k"), a, b, c]).unwrap();
        (settings.own_log, settings.warnings.len())
    }

    #[test]
    fn the_users_level_outranks_lambdas() {
        let level = |datadog, lambda| read([("DD_LOG_LEVEL", datadog), ("AWS_LAMBDA_LOG_LEVEL", lambda), ("", "")]);
        assert_eq!(level("", "").0.level, Some(LogLevel::Info));
        assert_eq!(level("", "ERROR").0.level, Some(LogLevel::Error));
        assert_eq!(level("warning", "DEBUG").0.level, Some(LogLevel::Warn));
        assert_eq!(level("off", "DEBUG").0.level, None);
        let (settings, warnings) = level("loud", "DEBUG");
        assert_eq!((settings.level, warnings), (Some(LogLevel::Debug), 1));
    }

    #[test]
    fn lambdas_format_is_kept() {
        for (format, json) in [("JSON", true), ("Text", false), ("", true)] {
            assert_eq!(read([("AWS_LAMBDA_LOG_FORMAT", format), ("", ""), ("", "")]).0.json, json);
        }
    }
}
