//! The commands that findings suggest. They name the function, so that they work where several could be meant, and the region, the
//! profile and the file that were given, so that they act on what was looked at; and they are quoted, since names in an account may
//! hold anything and are copied into a shell.

use crate::aws::failed_events::{MAX_AGE_SECONDS, MAX_RETRIES};
use crate::aws::function::Function;
use crate::aws::groups::SubscriptionFilter;
use crate::aws::subscribe::permission::STATEMENT;

/// One word of a command, as a shell takes it.
#[must_use]
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What was given to the command that gives the advice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GivenFlags {
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) config: Option<String>,
}

/// Writes commands that act on the account and region that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    of_aws: String,
    of_podferry: String,
}

impl Advice {
    /// `region` is the one that was looked at, whatever said so.
    #[must_use]
    pub(crate) fn new(region: &str, given: &GivenFlags) -> Advice {
        let flag = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" --{name} {}", quoted(value))).unwrap_or_default()
        };
        let common = flag("profile", &given.profile) + &flag("endpoint-url", &given.endpoint_url);
        Advice {
            of_aws: format!(" --region {}{common}", quoted(region)),
            of_podferry: flag("region", &given.region) + &common + &flag("config", &given.config),
        }
    }

    /// A command of the AWS CLI: `arguments` are quoted where they have to be.
    #[must_use]
    pub(crate) fn aws(&self, arguments: &str) -> String {
        format!("aws {arguments}{}", self.of_aws)
    }

    /// A command of podferry's that calls AWS.
    #[must_use]
    pub(crate) fn podferry(&self, arguments: &str) -> String {
        format!("podferry {arguments}{}", self.of_podferry)
    }

    /// Subscribes a log group.
    #[must_use]
    pub(crate) fn subscribe(&self, group: &str, function: &Function) -> String {
        self.podferry(&format!("subscribe {} --function {}", quoted(group), quoted(&function.qualified_name())))
    }

    /// Puts the account's policy right: `subscribe --whole-account` leaves out the function's own log group, and adds the permission.
    #[must_use]
    pub(crate) fn subscribe_account(&self, function: &Function) -> String {
        self.podferry(&format!("subscribe --whole-account --function {}", quoted(&function.qualified_name())))
    }

    /// Deletes the filters of a log group that lead to the function, whatever version or alias they name.
    #[must_use]
    pub(crate) fn unsubscribe(&self, group: &str, function: &Function) -> String {
        self.podferry(&format!("unsubscribe {} --function {}", quoted(group), quoted(&function.name)))
    }

    /// Deletes the account's policy, if it leads to the function.
    #[must_use]
    pub(crate) fn unsubscribe_account(&self, function: &Function) -> String {
        self.podferry(&format!("unsubscribe --whole-account --function {}", quoted(&function.name)))
    }

    /// Deletes one subscription filter, whoever made it.
    #[must_use]
    pub(crate) fn delete_filter(&self, group: &str, filter: &str) -> String {
        let (group, filter) = (quoted(group), quoted(filter));
        self.aws(&format!("logs delete-subscription-filter --log-group-name {group} --filter-name {filter}"))
    }

    /// Puts a filter again as it is, but for the original events: what a call does not say is off.
    #[must_use]
    pub(crate) fn put_filter_untransformed(&self, group: &str, filter: &SubscriptionFilter) -> String {
        let SubscriptionFilter { name, pattern, destination, extras } = filter;
        let mut command = format!(
            "logs put-subscription-filter --log-group-name {} --filter-name {} --filter-pattern {} --destination-arn {}",
            quoted(group),
            quoted(name),
            quoted(pattern),
            quoted(destination)
        );
        if let Some(criteria) = &extras.field_selection_criteria {
            command += &format!(" --field-selection-criteria {}", quoted(criteria));
        }
        if !extras.emit_system_fields.is_empty() {
            let fields: Vec<String> = extras.emit_system_fields.iter().map(|field| quoted(field)).collect();
            command += &format!(" --emit-system-fields {}", fields.join(" "));
        }
        self.aws(&command)
    }

    /// Shows the policy of the function, or of the version or alias that is meant.
    #[must_use]
    pub(crate) fn get_policy(&self, function: &Function) -> String {
        self.aws(&format!("lambda get-policy {}", name_and_qualifier(function)))
    }

    /// Gives the version or alias that is meant a destination for events that Lambda gives up on.
    #[must_use]
    pub(crate) fn keep_failed_events(&self, function: &Function, destination: &str) -> String {
        let config = serde_json::json!({ "OnFailure": { "Destination": destination } }).to_string();
        self.aws(&format!(
            "lambda put-function-event-invoke-config {} --maximum-retry-attempts {MAX_RETRIES} --maximum-event-age-in-seconds \
             {MAX_AGE_SECONDS} --destination-config {}",
            name_and_qualifier(function),
            quoted(&config)
        ))
    }

    /// Removes podferry's statement from that policy.
    #[must_use]
    pub(crate) fn remove_permission(&self, function: &Function) -> String {
        self.aws(&format!("lambda remove-permission {} --statement-id {STATEMENT}", name_and_qualifier(function)))
    }
}

fn name_and_qualifier(function: &Function) -> String {
    let qualifier = function.qualifier.as_ref().map(|it| format!(" --qualifier {}", quoted(it)));
    format!("--function-name {}{}", quoted(&function.name), qualifier.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::examples::function;
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        for (word, expected) in [
            ("/aws/eks/prod", "/aws/eks/prod"),
            ("", "''"),
            ("a b", "'a b'"),
            ("#a", "'#a'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's; reboot", r"'it'\''s; reboot'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
        let function = Function { qualifier: Some("$LATEST".into()), ..function(&[]) };
        let advice = Advice::new("eu-west-1", &GivenFlags::default());
        assert_eq!(advice.subscribe("/a", &function), "podferry subscribe /a --function 'podferry:$LATEST'");
        assert!(advice.remove_permission(&function).contains(" --qualifier '$LATEST' "));
    }

    #[test]
    fn commands_act_where_it_was_looked_at() {
        let some = |text: &str| Some(text.to_owned());
        let none = Advice::new("eu-west-1", &GivenFlags::default());
        assert_eq!((none.aws("x"), none.podferry("x")), ("aws x --region eu-west-1".into(), "podferry x".into()));
        let given = GivenFlags {
            region: some("eu-west-1"),
            profile: some("my prod"),
            endpoint_url: some("http://127.0.0.1:1"),
            config: some("p.yaml"),
        };
        let all = Advice::new("eu-west-1", &given);
        let common = "--region eu-west-1 --profile 'my prod' --endpoint-url http://127.0.0.1:1";
        assert_eq!(all.aws("x"), format!("aws x {common}"));
        assert_eq!(all.podferry("x"), format!("podferry x {common} --config p.yaml"));
    }
}
