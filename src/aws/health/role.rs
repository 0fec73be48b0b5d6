//! What the function's role has to be allowed, and what IAM's simulator says of it.
//!
//! The simulator knows the role's policies. It does not know the policies of queues and keys, nor those of the organization.

use super::advice::{self, Advice};
use super::finding::{HealthArea, HealthFinding};
use crate::aws::account::Account;
use crate::aws::function::Function;
use forwarder::settings::{ApiKeySource, Settings, SqsQueue};

/// Actions on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolePermission {
    pub(crate) actions: &'static [&'static str],
    /// An ARN.
    pub(crate) resource: String,
    /// `write its own log`
    pub(crate) purpose: String,
}

/// What the settings need. What cannot be named exactly is left out: a secret by its name alone, the key of `DD_KMS_API_KEY`.
/// Source: the role of `template.yaml`.
#[must_use]
pub(crate) fn needs(function: &Function, settings: &Settings, account: &Account) -> Vec<RolePermission> {
    let log_group = account.arn("logs", &format!("log-group:{}:log-stream:*", function.log_group));
    of(settings, log_group, &|service, region, resource| {
        format!("arn:{}:{service}:{region}:{}:{resource}", account.partition, account.id)
    })
}

type Arn<'a> = dyn Fn(&str, &str, &str) -> String + 'a;

fn of(settings: &Settings, log_group: String, arn: &Arn) -> Vec<RolePermission> {
    let need = |actions, resource, purpose: &str| RolePermission { actions, resource, purpose: purpose.to_owned() };
    let mut needs = vec![need(&["logs:CreateLogStream", "logs:PutLogEvents"], log_group, "write its own log")];
    match &settings.api_key {
        ApiKeySource::SecretsManager { id, .. } if id.starts_with("arn:") => {
            needs.push(need(&["secretsmanager:GetSecretValue"], id.clone(), "read the API key"));
        }
        ApiKeySource::ParameterStore { name, region } => {
            let whole = || arn("ssm", region, &format!("parameter/{}", name.trim_start_matches('/')));
            let resource = if name.starts_with("arn:") { name.clone() } else { whole() };
            needs.push(need(&["ssm:GetParameter"], resource, "read the API key"));
        }
        _ => {}
    }
    let queue = |queue: &SqsQueue| arn("sqs", &queue.region, &queue.name);
    if let Some(undelivered) = &settings.queues.undelivered {
        let actions: &[&str] = &[
            "sqs:SendMessage",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ChangeMessageVisibility",
        ];
        needs.push(need(actions, queue(undelivered), "keep undelivered logs"));
    }
    if let Some(dead) = &settings.queues.dead_letter {
        needs.push(need(&["sqs:SendMessage"], queue(dead), "keep dead letters"));
    }
    needs
}

/// What looking metadata up needs on a log group.
#[must_use]
pub(crate) fn look_up(log_group: &str, account: &Account) -> RolePermission {
    RolePermission {
        actions: &["logs:GetLogEvents", "logs:FilterLogEvents"],
        resource: account.arn("logs", &format!("log-group:{log_group}:*")),
        purpose: format!("look up metadata in {log_group}"),
    }
}

/// `denied` are the actions that IAM does not allow.
#[must_use]
pub(crate) fn judge(role: &str, need: &RolePermission, denied: &[String], advice: &Advice) -> HealthFinding {
    let RolePermission { actions, resource, purpose } = need;
    if denied.is_empty() {
        return HealthFinding::ok(HealthArea::Role, purpose, format!("{} on {resource}", actions.join(", ")));
    }
    let role = role.rsplit('/').next().unwrap_or_default();
    // All actions, and a policy for each purpose: `put-role-policy` replaces a policy of the same name.
    let statement = serde_json::json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] });
    let command = format!(
        "iam put-role-policy --role-name {} --policy-name podferry-{} --policy-document {}",
        advice::quoted(role),
        policy_name(purpose),
        advice::quoted(&policy.to_string())
    );
    let why = format!("the role is not allowed {} on {resource}", denied.join(", "));
    HealthFinding::wrong(HealthArea::Role, purpose, why).fix(advice.aws(&command))
}

/// Source: IAM API reference, PutRolePolicy: 128 characters, with the prefix.
fn policy_name(purpose: &str) -> String {
    purpose.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-").chars().take(119).collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::HealthSeverity;
    use super::super::{examples, function};
    use super::*;

    fn needed(variables: &[(&str, &str)]) -> Vec<(Vec<&'static str>, String)> {
        let arn = |service: &str, region: &str, resource: &str| format!("arn:aws:{service}:{region}:1:{resource}");
        let settings = function::settings(&examples::function(variables), "eu-west-1").0.unwrap();
        let needs = of(&settings, "own".into(), &arn);
        needs.into_iter().skip(1).map(|need| (need.actions.to_vec(), need.resource)).collect()
    }

    #[test]
    fn what_is_set_is_needed() {
        assert_eq!(needed(&[("DD_API_KEY", "k")]), []);
        assert_eq!(needed(&[("DD_API_KEY_SECRET_ARN", "name")]), []);
        let secret = "arn:aws:secretsmanager:us-east-2:1:secret:x-AbCdEf";
        assert_eq!(needed(&[("DD_API_KEY_SECRET_ARN", secret)])[0].1, secret);
        assert_eq!(needed(&[("DD_API_KEY_SSM_NAME", "/a/b")])[0].1, "arn:aws:ssm:eu-west-1:1:parameter/a/b");
        let queues = needed(&[
            ("DD_API_KEY", "k"),
            ("PODFERRY_UNDELIVERED_QUEUE_URL", "https://sqs.us-east-2.amazonaws.com/1/q"),
            ("PODFERRY_DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-2.amazonaws.com/1/d"),
        ]);
        assert_eq!((queues[0].0.len(), queues[0].1.as_str()), (5, "arn:aws:sqs:us-east-2:1:q"));
        assert_eq!(queues[1].0, ["sqs:SendMessage"]);
    }

    #[test]
    fn what_is_denied_comes_with_the_policy() {
        let need = RolePermission {
            actions: &["a:B", "a:C"],
            resource: "arn:x".into(),
            purpose: "look up metadata in /a b".into(),
        };
        assert_eq!(judge("r", &need, &[], &examples::advice()).severity, HealthSeverity::Ok);
        let found = judge("arn:aws:iam::1:role/path/r", &need, &["a:C".to_owned()], &examples::advice());
        let fix = found.fix.unwrap();
        assert!(
            found.severity == HealthSeverity::Wrong
                && fix.contains("--role-name r --policy-name podferry-look-up-metadata-in--a-b ")
                && fix.contains(r#""Action":["a:B","a:C"]"#),
            "{fix}"
        );
    }
}
