//! The function as it is deployed, and its settings as it will read them.

use super::{Area, Step};
use crate::aws::account::Account;
use crate::aws::function::Function;
use forwarder::settings::{Settings, VariableSource};

/// A batch of CloudWatch Logs with retries of the intake takes seconds; Lambda's own default of three is too short.
/// Source: `template.yaml` gives 120.
const LEAST_TIMEOUT_SECONDS: i32 = 30;

/// What Lambda says of the deployed code, besides what [`Function`] has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deployed {
    /// `Active`, `Pending`, `Inactive`, `Failed`; where Lambda does not say, it is active.
    pub(crate) state: Option<String>,
    /// `Successful`, `InProgress`, `Failed`.
    pub(crate) last_update: Option<String>,
    /// Codes of why not, such as `SubnetOutOfIPAddresses`.
    pub(crate) reasons: Vec<String>,
    /// `provided.al2023`; none of an image.
    pub(crate) runtime: Option<String>,
    /// `arm64`, `x86_64`
    pub(crate) architectures: Vec<String>,
    /// Why Lambda cannot show the variables: a code.
    pub(crate) variables_hidden: Option<String>,
}

/// Whether it can run at all.
#[must_use]
pub(crate) fn state(function: &Function, deployed: &Deployed) -> Step {
    let name = "state";
    let why = if deployed.reasons.is_empty() { String::new() } else { format!(" ({})", deployed.reasons.join(", ")) };
    let again = format!("aws lambda get-function-configuration --function-name {}", function.name);
    match (deployed.state.as_deref(), deployed.last_update.as_deref()) {
        (Some("Failed"), _) => Step::wrong(Area::Function, name, format!("its state is Failed{why}")).mend(again),
        (_, Some("Failed")) => Step::wrong(
            Area::Function,
            name,
            format!("its last update failed{why}: the code or configuration before it runs"),
        )
        .mend(again),
        (Some("Pending"), _) | (_, Some("InProgress")) => {
            Step::note(Area::Function, name, format!("it is being updated{why}: look again in a minute"))
        }
        (Some("Inactive"), _) => {
            Step::note(Area::Function, name, "it was not invoked for weeks: the next event fails once, and comes again")
        }
        _ => Step::right(Area::Function, name, format!("{} is active", function.name)),
    }
}

/// Whether what is deployed can be the forwarder.
#[must_use]
pub(crate) fn code(function: &Function, deployed: &Deployed) -> Vec<Step> {
    let runtime = deployed.runtime.as_deref().unwrap_or("image");
    let architecture = deployed.architectures.first().map_or("x86_64", String::as_str);
    let Function { memory_megabytes, timeout_seconds, .. } = function;
    let seen = format!("{runtime} on {architecture}, {memory_megabytes} MB, {timeout_seconds} s");
    let mut steps = Vec::new();
    if runtime != "image" && !runtime.starts_with("provided.") {
        let problem = format!("{seen}: this is no function of podferry, which runs on provided.al2023");
        steps.push(
            Step::wrong(Area::Function, "code", problem)
                .mend("name another with --function, or deploy it with scripts/deploy"),
        );
    } else {
        steps.push(Step::right(Area::Function, "code", seen));
    }
    if *timeout_seconds < LEAST_TIMEOUT_SECONDS {
        let problem = format!("{timeout_seconds} seconds leave no time to try again what the intake did not take");
        let command =
            format!("aws lambda update-function-configuration --function-name {} --timeout 120", function.name);
        steps.push(Step::wrong(Area::Function, "timeout", problem).mend(command));
    }
    steps
}

/// The variables as the function sees them: its own, and those that Lambda adds.
struct Seen<'a> {
    function: &'a Function,
    region: &'a str,
}

impl VariableSource for Seen<'_> {
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
}

/// The settings, by the very parser that the function starts with.
#[must_use]
pub(crate) fn settings(function: &Function, deployed: &Deployed, account: &Account) -> (Option<Settings>, Vec<Step>) {
    read_settings(function, deployed, &account.region)
}

fn read_settings(function: &Function, deployed: &Deployed, region: &str) -> (Option<Settings>, Vec<Step>) {
    if let Some(code) = &deployed.variables_hidden {
        let problem = format!("Lambda does not show the variables ({code})");
        let remedy =
            "allow kms:Decrypt on the key that the function's variables are encrypted with for the credentials in use";
        return (None, vec![Step::unknown(Area::Function, "settings", problem).mend(remedy)]);
    }
    let command = format!("aws lambda update-function-configuration --function-name {} --environment …", function.name);
    match Settings::read(&Seen { function, region }) {
        Ok(settings) => {
            let number = function.variables.0.len();
            let noun = if number == 1 { "variable" } else { "variables" };
            let mut steps = vec![Step::right(Area::Function, "settings", format!("{number} {noun}, all can be used"))];
            steps.extend(
                settings.warnings.iter().map(|warning| Step::note(Area::Function, "settings", warning.as_str())),
            );
            (Some(settings), steps)
        }
        Err(mistakes) => {
            let remedy = format!("deploy template.yaml with other parameters, or {command}");
            let step = |problem: String| Step::wrong(Area::Function, "settings", problem).mend(remedy.clone());
            (None, mistakes.0.iter().map(|mistake| step(mistake.to_string())).collect())
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::aws::function::Variables;

    pub(in super::super) fn function(variables: &[(&str, &str)]) -> Function {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Function {
            name: "podferry".into(),
            arn: "arn:aws:lambda:eu-west-1:111122223333:function:podferry".into(),
            qualifier: None,
            trouble: None,
            role: "arn:aws:iam::111122223333:role/forwarder".into(),
            log_group: "/aws/lambda/podferry".into(),
            variables: Variables(variables.collect()),
            dead_letter: None,
            timeout_seconds: 120,
            memory_megabytes: 256,
        }
    }

    pub(in super::super) fn settings_of(variables: &[(&str, &str)]) -> Settings {
        read_settings(&function(variables), &Deployed::default(), "eu-west-1").0.unwrap()
    }

    #[test]
    fn states() {
        let of = |state: &str, update: &str| {
            let deployed = Deployed {
                state: Some(state.into()),
                last_update: Some(update.into()),
                reasons: vec!["InvalidRuntime".into()],
                ..Deployed::default()
            };
            self::state(&function(&[]), &deployed)
        };
        assert_eq!(of("Active", "Successful").outcome, Outcome::Right);
        assert_eq!(state(&function(&[]), &Deployed::default()).outcome, Outcome::Right);
        assert!(of("Failed", "Successful").detail.contains("InvalidRuntime"));
        assert_eq!(of("Active", "Failed").outcome, Outcome::Wrong);
        assert_eq!(of("Active", "InProgress").outcome, Outcome::Note);
        assert_eq!(of("Pending", "Successful").outcome, Outcome::Note);
        assert_eq!(of("Inactive", "Successful").outcome, Outcome::Note);
    }

    #[test]
    fn another_runtime_is_another_function() {
        let deployed = Deployed { runtime: Some("python3.13".into()), ..Deployed::default() };
        assert_eq!(code(&function(&[]), &deployed)[0].outcome, Outcome::Wrong);
        for (seconds, steps) in
            [(LEAST_TIMEOUT_SECONDS - 1, 2), (LEAST_TIMEOUT_SECONDS, 1), (LEAST_TIMEOUT_SECONDS + 1, 1)]
        {
            let function = Function { timeout_seconds: seconds, ..function(&[]) };
            assert_eq!(code(&function, &Deployed::default()).len(), steps, "{seconds}");
        }
    }

    #[test]
    fn all_mistakes_and_no_values() {
        let variables = [("DD_API_KEY", "geheim"), ("DD_PORT", "geheim"), ("DD_COMPRESSION", "geheim")];
        let (settings, steps) = read_settings(&function(&variables), &Deployed::default(), "eu-west-1");
        assert!(settings.is_none() && steps.len() == 2 && steps.iter().all(|step| step.outcome == Outcome::Wrong));
        assert!(!format!("{steps:?}").contains("geheim"));
        let hidden = Deployed { variables_hidden: Some("AccessDeniedException".into()), ..Deployed::default() };
        assert_eq!(read_settings(&function(&variables), &hidden, "eu-west-1").1[0].outcome, Outcome::Unknown);
        // What Lambda adds is there: a queue needs it.
        settings_of(&[
            ("DD_API_KEY_SSM_NAME", "/k"),
            ("PODFERRY_UNDELIVERED_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/q"),
        ]);
    }

    #[test]
    fn warnings_are_notes() {
        let (_, steps) =
            read_settings(&function(&[("DD_API_KEY", "k"), ("DD_NO_SSL", "true")]), &Deployed::default(), "eu-west-1");
        assert_eq!(steps.iter().map(|step| step.outcome).collect::<Vec<_>>(), [Outcome::Right, Outcome::Note]);
    }
}
