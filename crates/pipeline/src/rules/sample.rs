//! `PODFERRY_SAMPLE`: ships a share of the logs.
//!
//! Whether a log is in the share is told by a hash of its event's id: an event that is sent again has the same logs.

use serde::Deserialize;

/// The rules, in order; the first that fits a log decides.
#[derive(Debug, Clone, Default)]
pub struct Sampling(Vec<Share>);

#[derive(Debug, Clone)]
struct Share {
    number: usize,
    namespaces: Vec<String>,
    containers: Vec<String>,
    statuses: Vec<String>,
    /// A log whose hash is below this is kept.
    threshold: u128,
}

/// What may stand in a rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    #[serde(default)]
    kube_namespace: Names,
    #[serde(default, alias = "container")]
    kube_container_name: Names,
    #[serde(default)]
    status: Names,
    rate: f64,
}

/// One name or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Names::Several(Vec::new())
    }
}

impl Sampling {
    /// How many bytes the rules take.
    pub(crate) fn bytes(&self) -> usize {
        let of_names = |names: &Vec<String>| names.iter().map(|name| name.len() + size_of::<String>()).sum::<usize>();
        let of_share = |share: &Share| {
            size_of::<Share>() + of_names(&share.namespaces) + of_names(&share.containers) + of_names(&share.statuses)
        };
        self.0.iter().map(of_share).sum()
    }
}

impl From<Names> for Vec<String> {
    fn from(names: Names) -> Self {
        match names {
            Names::One(name) => vec![name],
            Names::Several(names) => names,
        }
    }
}

/// The statuses that Datadog knows. Source: Datadog, "Log Status Remapper".
pub(crate) const STATUSES: [&str; 9] =
    ["emergency", "alert", "critical", "error", "warn", "notice", "info", "debug", "ok"];

impl Sampling {
    /// Reads a rule or a list of them: `{"kube_namespace":"dev","status":"info","rate":0.1}`.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn parse(json: &str) -> Result<Sampling, Vec<String>> {
        let value: serde_json::Value = serde_json::from_str(json)
            .map_err(|error| vec![format!("is not JSON: {}", super::parse::json_problem(&error))])?;
        let rules = match value {
            serde_json::Value::Array(rules) => rules,
            rule => vec![rule],
        };
        let (mut shares, mut problems) = (Vec::new(), Vec::new());
        for (index, rule) in rules.into_iter().enumerate() {
            match share(rule, index + 1) {
                Ok(share) => shares.push(share),
                Err(problem) => problems.push(format!("rule {} {problem}", index + 1)),
            }
        }
        if problems.is_empty() { Ok(Sampling(shares)) } else { Err(problems) }
    }

    /// The rules that can apply to a container.
    pub(crate) fn of(&self, namespace: &str, container: &str) -> Sampling {
        let names = |names: &[String], name: &str| names.is_empty() || names.iter().any(|known| known == name);
        let shares =
            self.0.iter().filter(|share| names(&share.namespaces, namespace) && names(&share.containers, container));
        Sampling(shares.cloned().collect())
    }

    /// Whether there is nothing to decide.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number, from 1, of the rule that leaves this log out; `None` if it is kept.
    pub(crate) fn leaves_out(&self, id: &str, status: &str) -> Option<usize> {
        let fits = |share: &&Share| share.statuses.is_empty() || share.statuses.iter().any(|known| known == status);
        let share = self.0.iter().find(fits)?;
        (u128::from(hash(id.as_bytes())) >= share.threshold).then_some(share.number)
    }
}

fn share(rule: serde_json::Value, number: usize) -> Result<Share, String> {
    const EXPECTED: &str = "must be an object of `rate` (0 to 1) and, as wanted, `kube_namespace`, `kube_container_name` and \
                            `status`, each a name or a list of names";
    let written: WrittenRule = serde_json::from_value(rule).map_err(|_| EXPECTED.to_owned())?;
    if !(0.0..=1.0).contains(&written.rate) {
        return Err("must have a `rate` from 0 to 1".to_owned());
    }
    let statuses: Vec<String> = written.status.into();
    if statuses.iter().any(|status| !STATUSES.contains(&status.as_str())) {
        return Err(format!("must have a `status` that is one of {}", STATUSES.join(", ")));
    }
    Ok(Share {
        number,
        namespaces: written.kube_namespace.into(),
        containers: written.kube_container_name.into(),
        statuses,
        // In 2^64ths. A rate of 1 is above every hash.
        threshold: (written.rate * 18_446_744_073_709_551_616.0) as u128,
    })
}

/// FNV-1a, then the finaliser of MurmurHash3: ids differ in their last digits only, and those must move the highest bits.
/// It must never change, or an event that is sent again would be sampled otherwise.
fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(sampling: &Sampling, status: &str) -> usize {
        let ids = (0..10_000).map(|number| format!("{:056}", 37_000_000 + number));
        ids.filter(|id| sampling.leaves_out(id, status).is_none()).count()
    }

    #[test]
    fn the_share_is_the_share() {
        for (rate, expected) in [(0.0, 0), (0.1, 1_000), (0.5, 5_000), (1.0, 10_000)] {
            let sampling = Sampling::parse(&format!(r#"{{"rate":{rate}}}"#)).unwrap();
            let kept = kept(&sampling, "info");
            assert!(kept.abs_diff(expected) <= 150 && (rate > 0.0 || kept == 0), "{kept} of {expected}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let sampling = Sampling::parse(
            r#"[{"kube_namespace":"dev","status":["error","warn"],"rate":1},{"kube_namespace":["dev","test"],"rate":0}]"#,
        )
        .unwrap();
        let dev = sampling.of("dev", "web");
        assert_eq!((dev.leaves_out("1", "error"), dev.leaves_out("1", "info")), (None, Some(2)));
        assert_eq!(sampling.of("test", "web").leaves_out("1", "error"), Some(2));
        assert!(sampling.of("prod", "web").is_empty());
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(hash(b""), 0xefd0_1f60_ba99_2926);
        assert_eq!(
            hash(b"37000000000000000000000000000000000000000000000000000001"),
            hash(b"37000000000000000000000000000000000000000000000000000001")
        );
    }

    #[test]
    fn mistakes_are_told_together() {
        for (json, problems) in [
            ("{", 1),
            ("7", 1),
            (r#"[{"rate":2},{"rate":0.1},{"rate":0.5,"status":"fatal"},{"namespace":"x","rate":1}]"#, 3),
            (r#"{"status":"info"}"#, 1),
        ] {
            assert_eq!(Sampling::parse(json).unwrap_err().len(), problems, "{json}");
        }
    }

    proptest! {
        #[test]
        fn a_larger_share_holds_the_smaller_one(id in "[0-9]{1,56}", low in 0.0..1.0, more in 0.0..1.0) {
            let kept = |rate: f64| Sampling::parse(&format!(r#"{{"rate":{rate}}}"#)).unwrap().leaves_out(&id, "").is_none();
            let high = low + (1.0 - low) * more;
            prop_assert!(!kept(low) || kept(high));
            prop_assert_eq!(kept(low), kept(low));
        }
    }
}
