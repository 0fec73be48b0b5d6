//! AWS's partitions: which one a region is in, as ARNs have it, and what the names of its endpoints end in.
//!
//! Source: botocore, `botocore/data/partitions.json`: `regionRegex`, `id` and `outputs.dnsSuffix`.

/// A partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The second part of ARNs: `aws`.
    pub id: &'static str,
    /// `amazonaws.com`.
    pub dns_suffix: &'static str,
    /// What the names of its regions begin with, each with a hyphen behind it.
    prefixes: &'static [&'static str],
}

/// The one that most accounts are in; it is also taken for what cannot be told.
const COMMERCIAL: Partition = Partition {
    id: "aws",
    dns_suffix: "amazonaws.com",
    prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
};

/// The others. Longer prefixes are different words: `us-iso` is not `us-isob`.
const OTHERS: [Partition; 7] = [
    Partition { id: "aws-cn", dns_suffix: "amazonaws.com.cn", prefixes: &["cn"] },
    Partition { id: "aws-us-gov", dns_suffix: "amazonaws.com", prefixes: &["us-gov"] },
    Partition { id: "aws-iso", dns_suffix: "c2s.ic.gov", prefixes: &["us-iso"] },
    Partition { id: "aws-iso-b", dns_suffix: "sc2s.sgov.gov", prefixes: &["us-isob"] },
    Partition { id: "aws-iso-e", dns_suffix: "cloud.adc-e.uk", prefixes: &["eu-isoe"] },
    Partition { id: "aws-iso-f", dns_suffix: "csp.hci.ic.gov", prefixes: &["us-isof"] },
    Partition { id: "aws-eusc", dns_suffix: "amazonaws.eu", prefixes: &["eusc-de"] },
];

/// The partition of a region; of a text that is no region, the commercial one.
pub fn of_region(region: &str) -> Partition {
    let is_of = |partition: &&Partition| partition.prefixes.iter().any(|prefix| follows(region, prefix).is_some());
    OTHERS.iter().find(is_of).copied().unwrap_or(COMMERCIAL)
}

/// Whether a text can be the name of a region: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`. A region that AWS opens later is one, too.
pub fn is_region(text: &str) -> bool {
    [COMMERCIAL].iter().chain(&OTHERS).flat_map(|partition| partition.prefixes).any(|prefix| {
        let rest = follows(text, prefix).and_then(|rest| rest.rsplit_once('-'));
        rest.is_some_and(|(place, number)| {
            DIRECTIONS.contains(&place) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

/// What all regions so far are named after. Source: botocore, `botocore/data/endpoints.json`.
const DIRECTIONS: [&str; 9] =
    ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];

/// What is behind a prefix and its hyphen.
fn follows<'r>(region: &'r str, prefix: &str) -> Option<&'r str> {
    region.strip_prefix(prefix)?.strip_prefix('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_in_its_partition() {
        for (region, id, suffix) in [
            ("us-east-1", "aws", "amazonaws.com"),
            ("eu-central-2", "aws", "amazonaws.com"),
            ("ap-southeast-7", "aws", "amazonaws.com"),
            ("mx-central-1", "aws", "amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("cn-northwest-1", "aws-cn", "amazonaws.com.cn"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            assert!(is_region(region), "{region}");
            let partition = of_region(region);
            assert_eq!((partition.id, partition.dns_suffix), (id, suffix), "{region}");
        }
    }

    #[test]
    fn what_is_no_region() {
        for text in [
            "",
            "us",
            "us-east",
            "us-east1",
            "us-east-",
            "us-east-1a",
            "region-code",
            "<REGION>",
            "AWS_REGION",
            "us_east_1",
            "US-EAST-1",
            "my-region-1",
            "us-esat-1",
            "us-east-1 ",
            "\"us-east-1\"",
            "eusc-east-1",
            "us--east-1",
            "-east-1",
        ] {
            assert!(!is_region(text), "{text}");
        }
        assert_eq!(of_region("").id, "aws");
        assert_eq!(of_region("cn").id, "aws");
    }
}
