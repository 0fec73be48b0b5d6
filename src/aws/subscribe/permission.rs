//! The permission by which CloudWatch Logs may invoke the function: one for all log groups of the account, since a function's policy
//! has room for about fifty. Pure: from the policy that Lambda shows to what to do.
//!
//! Source: AWS Lambda Developer Guide, "Lambda quotas", "Function resource-based policy": 20 KB.

use serde_json::Value;

use pipeline::{glob, partition};

/// The id of the statement that `podferry subscribe` adds.
pub(crate) const STATEMENT: &str = "podferry-logs";

/// Who invokes. Source: AWS CloudWatch Logs User Guide, "Subscription filters with AWS Lambda".
pub(crate) const PRINCIPAL: &str = "logs.amazonaws.com";

/// What it may do.
pub(crate) const ACTION: &str = "lambda:InvokeFunction";

/// A statement of the function's policy that allows CloudWatch Logs something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PermissionStatement {
    pub(crate) id: String,
    /// Who may: CloudWatch Logs of some region or of any, or everybody.
    principals: Vec<String>,
    /// Patterns of ARNs that the call may come from; empty is any.
    sources: Vec<String>,
    /// Accounts that it may come from; empty is any.
    accounts: Vec<String>,
    /// It has conditions that podferry does not know, and may allow less.
    is_narrower: bool,
}

/// The statements of a policy by which CloudWatch Logs may invoke, and the ids of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FunctionPolicy {
    statements: Vec<PermissionStatement>,
    ids: Vec<String>,
}

/// What to do about the permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PermissionStep {
    /// The statements with these ids already allow it.
    Leave(Vec<String>),
    Add,
    /// A statement has our id and does not allow it.
    Taken,
    /// No group needs it.
    None,
}

impl FunctionPolicy {
    /// Reads the JSON that `GetPolicy` returns. What podferry does not know allows nothing.
    #[must_use]
    pub(crate) fn read(json: &str) -> FunctionPolicy {
        let policy: Value = serde_json::from_str(json).unwrap_or_default();
        let mut read = FunctionPolicy::default();
        for statement in list(&policy["Statement"]) {
            let id = statement["Sid"].as_str().unwrap_or_default().to_owned();
            read.ids.push(id.clone());
            read.statements.extend(of_logs(statement, id));
        }
        read
    }

    /// Whether there is a statement with this id.
    #[must_use]
    pub(crate) fn has(&self, id: &str) -> bool {
        self.ids.iter().any(|known| known == id)
    }

    /// The statement by which events of a group may come: `source` is the group's ARN, with `:*` at its end.
    #[must_use]
    pub(crate) fn covers(&self, source: &str, account: &str) -> Option<&PermissionStatement> {
        self.statements.iter().find(|one| one.covers(source, account))
    }

    /// What to do so that events of all groups may come.
    #[must_use]
    pub(crate) fn step(&self, sources: &[String], account: &str) -> PermissionStep {
        let mut ids = Vec::new();
        for source in sources {
            match self.covers(source, account) {
                Some(statement) if ids.contains(&statement.id) => {}
                Some(statement) => ids.push(statement.id.clone()),
                None if self.has(STATEMENT) => return PermissionStep::Taken,
                None => return PermissionStep::Add,
            }
        }
        if ids.is_empty() { PermissionStep::None } else { PermissionStep::Leave(ids) }
    }
}

impl PermissionStatement {
    fn covers(&self, source: &str, account: &str) -> bool {
        let fits = |pattern: &String| is_arn_like(pattern, source);
        !self.is_narrower
            && self.principals.iter().any(|name| is_logs(name, source))
            && (self.sources.is_empty() || self.sources.iter().any(fits))
            && (self.accounts.is_empty() || self.accounts.iter().any(|one| one == account))
    }
}

/// Part by part; the last may have colons. Source: IAM User Guide, "Amazon Resource Name (ARN) condition operators".
fn is_arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == parts.len()
        && patterns.iter().zip(parts).all(|(pattern, part)| glob::matches(pattern, part, true))
}

/// Whether CloudWatch Logs goes by this name where the source is: the form with the region is of older examples.
/// Source: AWS CloudWatch Logs User Guide, "Subscription filters with AWS Lambda"; Amazon Web Services in China, "Endpoints".
fn is_logs(name: &str, source: &str) -> bool {
    let region = source.split(':').nth(3).unwrap_or_default();
    let domain = partition::of_region(region).dns_suffix;
    name == "*" || name == PRINCIPAL || name == format!("logs.{region}.{domain}")
}

fn of_logs(statement: &Value, id: String) -> Option<PermissionStatement> {
    let principals = [&statement["Principal"], &statement["Principal"]["Service"]];
    let principals: Vec<String> = principals.into_iter().flat_map(texts).map(str::to_owned).collect();
    let is_action = texts(&statement["Action"]).iter().any(|action| glob::matches(action, ACTION, true));
    if statement["Effect"] != "Allow" || !is_action {
        return None;
    }
    let mut read =
        PermissionStatement { id, principals, sources: Vec::new(), accounts: Vec::new(), is_narrower: false };
    for (operator, conditions) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in conditions.as_object().into_iter().flatten() {
            let values = texts(values).into_iter().map(str::to_owned);
            match (operator.as_str(), key.to_ascii_lowercase().as_str()) {
                ("ArnLike" | "ArnEquals" | "StringLike" | "StringEquals", "aws:sourcearn") => {
                    read.sources.extend(values)
                }
                ("StringEquals" | "StringLike", "aws:sourceaccount") => read.accounts.extend(values),
                _ => read.is_narrower = true,
            }
        }
    }
    Some(read)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ACCOUNT: &str = "111122223333";

    fn source(group: &str) -> String {
        format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{group}:*")
    }

    fn statement(id: &str, source: &str) -> Value {
        json!({
            "Sid": id, "Effect": "Allow", "Principal": { "Service": "logs.amazonaws.com" }, "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:eu-west-1:111122223333:function:podferry",
            "Condition": { "StringEquals": { "AWS:SourceAccount": ACCOUNT }, "ArnLike": { "AWS:SourceArn": source } },
        })
    }

    fn step(statements: &[Value], groups: &[&str]) -> PermissionStep {
        let policy = FunctionPolicy::read(&json!({ "Statement": statements }).to_string());
        policy.step(&groups.iter().map(|group| source(group)).collect::<Vec<_>>(), ACCOUNT)
    }

    #[test]
    fn one_for_all_groups_is_left() {
        let all = statement(STATEMENT, &format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:*"));
        assert_eq!(step(&[all], &["/a", "/b"]), PermissionStep::Leave(vec![STATEMENT.to_owned()]));
        assert_eq!(step(&[], &["/a"]), PermissionStep::Add);
        assert_eq!(step(&[], &[]), PermissionStep::None);
    }

    #[test]
    fn one_a_group_as_templates_make_them() {
        let of_a = statement("a", &source("/a"));
        assert_eq!(step(std::slice::from_ref(&of_a), &["/a"]), PermissionStep::Leave(vec!["a".to_owned()]));
        assert_eq!(step(std::slice::from_ref(&of_a), &["/a", "/b"]), PermissionStep::Add);
        assert_eq!(step(&[of_a], &["/ab"]), PermissionStep::Add);
    }

    #[test]
    fn what_does_not_allow_it() {
        let good = statement(STATEMENT, &source("*"));
        let with = |path: &str, value: Value| {
            let mut changed = good.clone();
            *changed.pointer_mut(path).unwrap() = value;
            changed
        };
        for bad in [
            with("/Effect", "Deny".into()),
            with("/Action", "lambda:GetFunction".into()),
            with("/Principal/Service", "s3.amazonaws.com".into()),
            with("/Principal/Service", "logs.us-east-1.amazonaws.com".into()),
            with("/Principal/Service", "logs.eu-west-1.amazonaws.com.cn".into()),
            with("/Principal/Service", "logs.eu-west-1.amazonaws.com.example".into()),
            with("/Condition/StringEquals/AWS:SourceAccount", "444455556666".into()),
            with("/Condition/ArnLike/AWS:SourceArn", "arn:aws:logs:us-east-1:111122223333:log-group:*".into()),
            with("/Condition/ArnLike", json!({ "aws:PrincipalArn": "x" })),
        ] {
            assert_eq!(step(std::slice::from_ref(&bad), &["/a"]), PermissionStep::Taken, "{bad}");
        }
        assert!(matches!(step(&[with("/Action", "lambda:*".into())], &["/a"]), PermissionStep::Leave(_)));
        assert!(matches!(step(&[with("/Condition", Value::Null)], &["/a"]), PermissionStep::Leave(_)));
        let of_region = with("/Principal/Service", "logs.eu-west-1.amazonaws.com".into());
        assert!(matches!(step(&[of_region], &["/a"]), PermissionStep::Leave(_)));
        let chinese = "arn:aws-cn:logs:cn-north-1:111122223333:log-group:/a:*";
        assert!(
            is_logs("logs.cn-north-1.amazonaws.com.cn", chinese) && !is_logs("logs.cn-north-1.amazonaws.com", chinese)
        );
        assert_eq!(FunctionPolicy::read("{"), FunctionPolicy::read(""), "what cannot be read allows nothing");
    }
}
