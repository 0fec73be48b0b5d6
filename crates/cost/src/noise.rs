//! Lines that hardly anybody reads: the answers to health checks, and what was logged for debugging.
//!
//! The expression that counts them is the one that a filter of Fluent Bit drops them by, so the figure holds for the filter.

use regex::Regex;

/// What is given up where lines are dropped.
pub(crate) const LINES: &str = "these lines, everywhere; make sure that none of them begins a log of several lines";

/// A kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Noise {
    HealthCheck,
    Debug,
}

impl Noise {
    pub const ALL: [Noise; 2] = [Noise::HealthCheck, Noise::Debug];

    /// What it is, for people.
    pub fn what(self) -> &'static str {
        match self {
            Noise::HealthCheck => "answers to health checks",
            Noise::Debug => "debug and trace lines",
        }
    }

    /// What is given up beside the noise.
    pub(crate) fn gives_up(self) -> &'static str {
        match self {
            Noise::HealthCheck => "these lines, everywhere, and those of health checks that failed, too",
            Noise::Debug => LINES,
        }
    }

    /// The expression, in what Rust's and Ruby's expressions have in common: Fluent Bit's are Ruby's.
    pub fn expression(self) -> &'static str {
        match self {
            // Who asks, or what is asked for. Source: Kubernetes, `pkg/probe`, `userAgent`; Elastic Load Balancing, "Health checks"; Spring Boot,
            // "Actuator"; Quarkus, "SmallRye Health".
            Noise::HealthCheck => {
                r#"kube-probe/|ELB-HealthChecker/|(GET|HEAD) (/(actuator|management|api|q))?/(health[-_]?check|healthz?|livez|readyz|ready|live|liveness|readiness|ping)[/? ]|"(path|uri|url)": ?"(/(actuator|management|api|q))?/(health[-_]?check|healthz?|livez|readyz)["/?]"#
            }
            // The level at the head of a plain line, or the level of a JSON one.
            Noise::Debug => {
                r#"^[^a-zA-Z"{]*(DEBUG|TRACE|debug|trace)[\]:| ]|"(level|severity|lvl)": ?"(debug|trace|DEBUG|TRACE)""#
            }
        }
    }
}

/// Finds noise.
#[derive(Debug)]
pub struct NoiseFinder(Vec<(Noise, Regex)>);

impl Default for NoiseFinder {
    fn default() -> Self {
        // An expression that did not compile would find nothing; a test sees that all do.
        NoiseFinder(
            Noise::ALL.into_iter().filter_map(|noise| Some((noise, Regex::new(noise.expression()).ok()?))).collect(),
        )
    }
}

impl NoiseFinder {
    /// The first kind that a line is of.
    pub fn find(&self, text: &str) -> Option<Noise> {
        self.0.iter().find(|(_, expression)| expression.is_match(text)).map(|(noise, _)| *noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_from_what_people_read() {
        let finder = NoiseFinder::default();
        assert_eq!(finder.0.len(), Noise::ALL.len());
        for (line, expected) in [
            (r#"10.0.0.1 - - [x] "GET / HTTP/1.1" 200 2 "-" "kube-probe/1.31""#, Some(Noise::HealthCheck)),
            (r#"10.0.0.1 - - [x] "GET /healthz HTTP/1.1" 200 2 "-" "curl""#, Some(Noise::HealthCheck)),
            (r#"10.0.0.1 - - [x] "GET /healthcare HTTP/1.1" 200 2"#, None),
            (
                r#"INFO:     127.0.0.1:59608 - "GET /actuator/health/readiness HTTP/1.1" 200 OK"#,
                Some(Noise::HealthCheck),
            ),
            (r#"10.0.0.1 - - [x] "GET /management/healthcheck HTTP/1.0" 200 16"#, Some(Noise::HealthCheck)),
            (r#"{"method":"GET","path":"/q/health/live","status":200}"#, Some(Noise::HealthCheck)),
            (r#"{"method": "GET", "uri": "/healthz", "status": 200}"#, Some(Noise::HealthCheck)),
            (r#"{"method":"GET","path":"/healthcare","status":200}"#, None),
            (r#"10.0.0.1 - - [x] "GET /videos/live HTTP/1.1" 200 2"#, None),
            (r#"{"msg":"path /healthz is served"}"#, None),
            ("2026-11-22 19:30:54,491 DEBUG [report] page", Some(Noise::Debug)),
            ("[debug] x", Some(Noise::Debug)),
            (r#"{"level":"debug","msg":"x"}"#, Some(Noise::Debug)),
            ("INFO the DEBUG flag is set", None),
            ("debugger attached", None),
            (r#"{"level":"info","msg":"debug "}"#, None),
        ] {
            assert_eq!(finder.find(line), expected, "{line}");
        }
    }
}
