//! The account's own subscription filter: one policy for all log groups of a region, including future ones, except for those that it
//! leaves out. Pure.
//!
//! Source: Amazon CloudWatch Logs API reference, `PutAccountPolicy`: one such policy an account and region; `selectionCriteria`
//! knows `LogGroupName NOT IN [...]` and nothing else.

use serde_json::{Value, json};

use super::is_same_function;

/// A policy as it is, or as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountPolicy {
    pub(crate) name: String,
    pub(crate) destination: String,
    /// Empty: all events.
    pub(crate) pattern: String,
    /// Groups that it leaves out.
    pub(crate) left_out: Vec<String>,
    /// All members of its document, so that a change keeps those that podferry does not know.
    document: Value,
}

/// Why a policy cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyRefusal {
    #[error(
        "the account's subscription filter policy `{name}` has another destination: {destination}. An account can have only one per region; subscribe log groups instead"
    )]
    Occupied { name: String, destination: String },
    #[error(
        "podferry cannot parse the selection criteria of the policy `{name}`: it supports `LogGroupName NOT IN [\"…\"]`, and does not replace others"
    )]
    Criteria { name: String, destination: String },
    #[error("podferry cannot parse the document of the policy `{name}`")]
    Document { name: String },
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyStep {
    Create(AccountPolicy),
    Change { from: AccountPolicy, to: AccountPolicy },
    Leave(AccountPolicy),
    Refuse(PolicyRefusal),
}

const OPERATOR: &str = "LogGroupName NOT IN";

impl AccountPolicy {
    /// Reads one as `DescribeAccountPolicies` gives it.
    ///
    /// # Errors
    /// [`PolicyRefusal`] if it is not understood.
    pub(crate) fn read(name: &str, document: &str, criteria: Option<&str>) -> Result<AccountPolicy, PolicyRefusal> {
        let refused = || PolicyRefusal::Document { name: name.to_owned() };
        let document: Value = serde_json::from_str(document).map_err(|_| refused())?;
        let text = |member: &str| document[member].as_str().map(str::to_owned);
        let destination = text("DestinationArn").ok_or_else(refused)?;
        let pattern = text("FilterPattern").unwrap_or_default();
        let left_out = left_out(criteria.unwrap_or_default());
        let name = name.to_owned();
        match left_out {
            Some(left_out) => Ok(AccountPolicy { name, destination, pattern, left_out, document }),
            None => Err(PolicyRefusal::Criteria { name, destination }),
        }
    }

    /// The document to write.
    #[must_use]
    pub(crate) fn document(&self) -> String {
        let mut document = self.document.clone();
        document["DestinationArn"] = self.destination.as_str().into();
        document["FilterPattern"] = self.pattern.as_str().into();
        document.to_string()
    }

    /// The selection criteria to write.
    #[must_use]
    pub(crate) fn criteria(&self) -> String {
        let names: Vec<String> = self.left_out.iter().map(|name| Value::from(name.as_str()).to_string()).collect();
        format!("{OPERATOR} [{}]", names.join(", "))
    }

    /// Whether it leads to the function.
    #[must_use]
    pub(crate) fn leads_to(&self, destination: &str) -> bool {
        is_same_function(&self.destination, destination)
    }
}

/// The groups in `LogGroupName NOT IN ["a", "b"]`; none where there are no criteria.
fn left_out(criteria: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = criteria.split_whitespace().collect();
    if words.is_empty() {
        return Some(Vec::new());
    }
    let at = criteria.find('[')?;
    let (operator, names) = criteria.split_at_checked(at)?;
    let operator = operator.split_whitespace().collect::<Vec<_>>().join(" ");
    operator.eq_ignore_ascii_case(OPERATOR).then(|| serde_json::from_str(names).ok()).flatten()
}

/// What is wanted: destination, pattern, and which groups to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyWish {
    pub(crate) name: String,
    pub(crate) destination: String,
    /// `None`: all events, or those of the existing policy.
    pub(crate) pattern: Option<String>,
    /// The function's own group, and groups with a filter of their own that leads to the function.
    pub(crate) leave_out: Vec<String>,
}

/// What to do, given the existing policy. Groups that it leaves out stay left out.
#[must_use]
pub(crate) fn step(existing: Option<Result<AccountPolicy, PolicyRefusal>>, wish: &PolicyWish) -> PolicyStep {
    let existing = match existing {
        None => {
            return PolicyStep::Create(AccountPolicy {
                name: wish.name.clone(),
                destination: wish.destination.clone(),
                pattern: wish.pattern.clone().unwrap_or_default(),
                left_out: wish.leave_out.clone(),
                document: json!({}),
            });
        }
        Some(Err(refusal)) => return PolicyStep::Refuse(refusal),
        Some(Ok(existing)) => existing,
    };
    if !existing.leads_to(&wish.destination) {
        let AccountPolicy { name, destination, .. } = existing;
        return PolicyStep::Refuse(PolicyRefusal::Occupied { name, destination });
    }
    let mut to = existing.clone();
    to.left_out.extend(wish.leave_out.iter().filter(|name| !existing.left_out.contains(name)).cloned());
    to.pattern = wish.pattern.clone().unwrap_or(to.pattern);
    if to == existing { PolicyStep::Leave(to) } else { PolicyStep::Change { from: existing, to } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

    fn wish(leave_out: &[&str]) -> PolicyWish {
        let leave_out = leave_out.iter().map(|name| (*name).to_owned()).collect();
        PolicyWish { name: "podferry".to_owned(), destination: FUNCTION.to_owned(), pattern: None, leave_out }
    }

    fn existing(criteria: Option<&str>) -> Option<Result<AccountPolicy, PolicyRefusal>> {
        let document =
            json!({ "DestinationArn": FUNCTION, "FilterPattern": "E", "Distribution": "Random" }).to_string();
        Some(AccountPolicy::read("all", &document, criteria))
    }

    #[test]
    fn a_new_one_leaves_out_what_it_must() {
        let PolicyStep::Create(policy) = step(None, &wish(&["/own", "/a\"b"])) else { panic!() };
        assert_eq!(policy.criteria(), r#"LogGroupName NOT IN ["/own", "/a\"b"]"#);
        let document: Value = serde_json::from_str(&policy.document()).unwrap();
        assert_eq!(document, json!({ "DestinationArn": FUNCTION, "FilterPattern": "" }));
        // What was put is what is read, and then there is nothing to do.
        let again = AccountPolicy::read(&policy.name, &policy.document(), Some(&policy.criteria()));
        assert!(matches!(step(Some(again), &wish(&["/own", "/a\"b"])), PolicyStep::Leave(_)));
    }

    #[test]
    fn what_is_left_out_stays_so() {
        let PolicyStep::Change { to, .. } =
            step(existing(Some(r#"LogGroupName  NOT IN ["/x"]"#)), &wish(&["/own", "/x"]))
        else {
            panic!()
        };
        assert_eq!(to.left_out, ["/x", "/own"]);
        assert_eq!(to.pattern, "E");
        assert!(to.document().contains("Random"));
        let PolicyStep::Change { to, .. } = step(existing(None), &wish(&["/own"])) else { panic!() };
        assert_eq!(to.left_out, ["/own"]);
        assert!(matches!(
            step(existing(Some(r#"LogGroupName NOT IN ["/own"]"#)), &wish(&["/own"])),
            PolicyStep::Leave(_)
        ));
    }

    #[test]
    fn what_is_not_ours_or_not_understood_is_left() {
        let other = AccountPolicy::read(
            "all",
            &json!({ "DestinationArn": "arn:aws:kinesis:eu-west-1:1:stream/x" }).to_string(),
            None,
        );
        assert!(matches!(step(Some(other), &wish(&[])), PolicyStep::Refuse(PolicyRefusal::Occupied { .. })));
        for criteria in ["LogGroupNamePrefix IN [\"/a\"]", "LogGroupName NOT IN /a", "LogGroupName NOT IN [1]"] {
            assert!(
                matches!(
                    step(existing(Some(criteria)), &wish(&[])),
                    PolicyStep::Refuse(PolicyRefusal::Criteria { .. })
                ),
                "{criteria}"
            );
        }
        let broken = AccountPolicy::read("all", "{", None);
        assert!(matches!(step(Some(broken), &wish(&[])), PolicyStep::Refuse(PolicyRefusal::Document { .. })));
    }
}
