//! The function as it is deployed, and its settings as it will read them.

use super::advice::{self, Advice};
use super::finding::{HealthArea, HealthFinding};
use crate::aws::function::Function;
use forwarder::settings::{FileProblem, Settings, VariableSource};
use pipeline::counted::counted;

const AREA: HealthArea = HealthArea::Function;

/// A batch of CloudWatch Logs with retries of the intake takes seconds; Lambda's own default of three is too short.
/// Source: `template.yaml` gives 120.
const LEAST_TIMEOUT_SECONDS: i32 = 30;

/// Whether Lambda can invoke it at all.
#[must_use]
pub(crate) fn can_run(function: &Function) -> bool {
    function.deployed.state.as_deref() != Some("Failed") && function.deployed.last_update.as_deref() != Some("Failed")
}

/// Its state.
#[must_use]
pub(crate) fn state(function: &Function, advice: &Advice) -> Vec<HealthFinding> {
    let what = "function state";
    let deployed = &function.deployed;
    let why = if deployed.reasons.is_empty() { String::new() } else { format!(" ({})", deployed.reasons.join(", ")) };
    let name = advice::quoted(&function.qualified_name());
    let look = advice.aws(&format!("lambda get-function-configuration --function-name {name}"));
    vec![match (deployed.state.as_deref(), deployed.last_update.as_deref()) {
        (Some("Failed"), _) => {
            HealthFinding::wrong(AREA, what, format!("the function is in state Failed{why}")).fix(look)
        }
        (_, Some("Failed")) => {
            let why =
                format!("the last update failed{why}: the function still runs the code or configuration before it");
            HealthFinding::wrong(AREA, what, why).fix(look)
        }
        (Some("Pending"), _) | (_, Some("InProgress")) => {
            HealthFinding::note(AREA, what, format!("the function is being updated{why}: check again in a minute"))
        }
        // Source: AWS Lambda Developer Guide, "Lambda function states".
        (Some("Inactive"), _) => {
            let why = "the function was not invoked for weeks: the next event fails once, and is retried";
            HealthFinding::note(AREA, what, why)
        }
        _ => HealthFinding::ok(AREA, what, format!("{} is active", function.name)),
    }]
}

/// Whether what is deployed can be the forwarder.
#[must_use]
pub(crate) fn code(function: &Function, advice: &Advice) -> Vec<HealthFinding> {
    let runtime = function.deployed.runtime.as_deref().unwrap_or("image");
    let architecture = function.deployed.architectures.first().map_or("x86_64", String::as_str);
    let Function { memory_megabytes, timeout_seconds, .. } = function;
    let seen = format!("{runtime} on {architecture}, {memory_megabytes} MB, {timeout_seconds} s");
    let mut found = Vec::new();
    if runtime != "image" && !runtime.starts_with("provided.") {
        let why = format!("{seen}: this is not podferry's function, which runs on provided.al2023");
        found.push(
            HealthFinding::wrong(AREA, "function code", why)
                .fix("name another function with --function, or deploy podferry's with scripts/deploy"),
        );
    } else {
        found.push(HealthFinding::ok(AREA, "function code", seen));
    }
    if *timeout_seconds < LEAST_TIMEOUT_SECONDS {
        let why = format!("{timeout_seconds} seconds leave no time to retry what the intake did not accept");
        let command = format!(
            "lambda update-function-configuration --function-name {} --timeout 120",
            advice::quoted(&function.name)
        );
        found.push(HealthFinding::wrong(AREA, "function timeout", why).fix(advice.aws(&command)));
    }
    found
}

/// The variables as the function sees them: its own, and those that Lambda adds.
struct VisibleVariables<'a> {
    function: &'a Function,
    region: &'a str,
}

impl VariableSource for VisibleVariables<'_> {
    // Source: AWS Lambda Developer Guide, "Defined runtime environment variables". They cannot be set by hand.
    fn get(&self, name: &str) -> Option<String> {
        match name {
            "AWS_REGION" | "AWS_DEFAULT_REGION" => Some(self.region.to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("of-the-role".to_owned()),
            "AWS_LAMBDA_FUNCTION_NAME" => Some(self.function.name.clone()),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" => Some(self.function.memory_megabytes.to_string()),
            "AWS_LAMBDA_LOG_GROUP_NAME" => Some(self.function.log_group.clone()),
            _ => self.function.variables.get(name),
        }
    }

    fn file(&self, path: &str, most: usize) -> Result<Vec<u8>, FileProblem> {
        self.function.variables.file(path, most)
    }
}

/// The settings, by the very parser that the function starts with.
#[must_use]
pub(crate) fn settings(function: &Function, region: &str) -> (Option<Settings>, Vec<HealthFinding>) {
    let what = "function settings";
    if let Some(code) = &function.deployed.variables_hidden {
        let why = format!("Lambda cannot show the variables ({code})");
        let fix = "allow kms:Decrypt on the key that encrypts the function's variables for the credentials in use";
        return (None, vec![HealthFinding::unknown(AREA, what, why).fix(fix)]);
    }
    match Settings::read(&VisibleVariables { function, region }) {
        Ok(settings) => {
            let seen = format!("{}, all valid", counted(function.variables.0.len(), "variable"));
            let mut found = vec![HealthFinding::ok(AREA, what, seen)];
            found.extend(settings.warnings.iter().map(|warning| HealthFinding::note(AREA, what, warning.as_str())));
            (Some(settings), found)
        }
        Err(mistakes) => {
            let fix = "correct it in the parameters of template.yaml and deploy again, or in Lambda's console";
            let finding = |mistake: String| HealthFinding::wrong(AREA, what, mistake).fix(fix);
            (None, mistakes.0.iter().map(|mistake| finding(mistake.to_string())).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::super::finding::HealthSeverity;
    use super::*;
    use crate::aws::function::Deployed;

    fn deployed(deployed: Deployed) -> Function {
        Function { deployed, ..examples::function(&[]) }
    }

    #[test]
    fn states() {
        let of = |state: &str, update: &str| {
            let function = deployed(Deployed {
                state: Some(state.into()),
                last_update: Some(update.into()),
                reasons: vec!["InvalidRuntime".into()],
                ..Deployed::default()
            });
            let mut found = self::state(&function, &examples::advice());
            assert_eq!(can_run(&function), found[0].severity != HealthSeverity::Wrong);
            found.remove(0)
        };
        assert_eq!(of("Active", "Successful").severity, HealthSeverity::Ok);
        assert_eq!(state(&deployed(Deployed::default()), &examples::advice())[0].severity, HealthSeverity::Ok);
        assert!(of("Failed", "Successful").why.contains("InvalidRuntime"));
        assert_eq!(of("Active", "Failed").severity, HealthSeverity::Wrong);
        assert_eq!(of("Active", "InProgress").severity, HealthSeverity::Note);
        assert_eq!(of("Pending", "Successful").severity, HealthSeverity::Note);
        assert_eq!(of("Inactive", "Successful").severity, HealthSeverity::Note);
    }

    #[test]
    fn another_runtime_is_another_function() {
        let python = deployed(Deployed { runtime: Some("python3.13".into()), ..Deployed::default() });
        assert_eq!(code(&python, &examples::advice())[0].severity, HealthSeverity::Wrong);
        for (seconds, findings) in
            [(LEAST_TIMEOUT_SECONDS - 1, 2), (LEAST_TIMEOUT_SECONDS, 1), (LEAST_TIMEOUT_SECONDS + 1, 1)]
        {
            let function = Function { timeout_seconds: seconds, ..examples::function(&[]) };
            assert_eq!(code(&function, &examples::advice()).len(), findings, "{seconds}");
        }
    }

    #[test]
    fn all_mistakes_and_no_values() {
        let function =
            examples::function(&[("DD_API_KEY", "geheim"), ("DD_PORT", "geheim"), ("DD_COMPRESSION", "geheim")]);
        let (settings, found) = self::settings(&function, "eu-west-1");
        assert!(
            settings.is_none() && found.len() == 2 && found.iter().all(|one| one.severity == HealthSeverity::Wrong)
        );
        assert!(!format!("{found:?}").contains("geheim"));
        let hidden = Deployed { variables_hidden: Some("AccessDeniedException".into()), ..Deployed::default() };
        let hidden = Function { deployed: hidden, ..function };
        assert_eq!(self::settings(&hidden, "eu-west-1").1[0].severity, HealthSeverity::Unknown);
        // A file of the function's is not looked for here.
        let function = examples::function(&[("DD_API_KEY", "k"), ("PODFERRY_CA_BUNDLE", "/opt/ca.pem")]);
        assert_eq!(self::settings(&function, "eu-west-1").1[0].severity, HealthSeverity::Ok);
        // What Lambda adds is there: a queue needs it.
        let queue = "https://sqs.eu-west-1.amazonaws.com/1/q";
        let function = examples::function(&[("DD_API_KEY_SSM_NAME", "/k"), ("PODFERRY_UNDELIVERED_QUEUE_URL", queue)]);
        assert!(self::settings(&function, "eu-west-1").0.is_some());
    }

    #[test]
    fn warnings_are_notes() {
        let function = examples::function(&[("DD_API_KEY", "k"), ("DD_NO_SSL", "true")]);
        let (_, found) = settings(&function, "eu-west-1");
        let severities: Vec<_> = found.iter().map(|one| one.severity).collect();
        assert_eq!(severities, [HealthSeverity::Ok, HealthSeverity::Note]);
    }
}
