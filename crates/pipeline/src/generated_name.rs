//! Names that Kubernetes' controllers generate, told from names that people give: only a form that people hardly ever choose counts.

/// A generated name's suffix has five characters. Source: Kubernetes, `apiserver/pkg/storage/names`.
const SUFFIX: usize = 5;

/// The characters of generated names: no vowels, so that no words come about. Source: Kubernetes, `apimachinery/pkg/util/rand`, `String`.
pub(crate) fn is_safe(byte: u8) -> bool {
    b"bcdfghjklmnpqrstvwxz2456789".contains(&byte)
}

/// The ReplicaSet of a Deployment's pod, and the Deployment: `<deployment>-<template hash>-<suffix>`.
pub(crate) fn replica_set_of(pod: &str) -> Option<(&str, &str)> {
    let (replica_set, suffix) = pod.rsplit_once('-')?;
    let (deployment, hash) = replica_set.rsplit_once('-')?;
    (is_suffix(suffix) && !deployment.is_empty() && is_template_hash(hash)).then_some((replica_set, deployment))
}

/// The Job of a CronJob's pod: `<CronJob>-<minutes since 1970>-<suffix>`.
pub(crate) fn scheduled_job_of(pod: &str) -> Option<&str> {
    let (job, suffix) = pod.rsplit_once('-')?;
    let (cron_job, minutes) = job.rsplit_once('-')?;
    (is_suffix(suffix) && !cron_job.is_empty() && is_minutes(minutes)).then_some(job)
}

/// Whether a controller gave the pod's name its end by chance, so that no other pod ever has it. A StatefulSet numbers its pods, and gives a name
/// again.
pub(crate) fn is_unique(pod: &str) -> bool {
    pod.rsplit_once('-')
        .is_some_and(|(_, suffix)| is_suffix(suffix) && !suffix.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_suffix(text: &str) -> bool {
    text.len() == SUFFIX && text.bytes().all(is_safe)
}

/// A template's hash is a number of 32 bits whose decimal digits are each written as a character of the safe ones: ten of them can
/// occur, none other. Nearly all such numbers have 8 to 10 digits; shorter ones are not told from words.
///
/// Source: Kubernetes, `pkg/controller/controller_utils.go`, `ComputeHash`, and `apimachinery/pkg/util/rand`, `SafeEncodeString`.
fn is_template_hash(text: &str) -> bool {
    /// What `SafeEncodeString` makes of the digits 0 to 9.
    const DIGITS: &[u8; 10] = b"456789bcdf";
    if !(8..=10).contains(&text.len()) || text.starts_with('4') {
        return false;
    }
    let digit = |byte: u8| DIGITS.iter().position(|known| *known == byte);
    let number = text.bytes().try_fold(0_u64, |number, byte| Some(number * 10 + digit(byte)? as u64));
    number.is_some_and(|number| u32::try_from(number).is_ok())
}

/// The time that a CronJob's controller appends to a Job's name, in minutes, as long as that is between 2020 and 2040: a date such as
/// `20261122` is not, and seconds, which controllers wrote before Kubernetes 1.21, are what scripts append.
///
/// Source: Kubernetes, `pkg/controller/cronjob/utils.go`, `getJobName`.
fn is_minutes(text: &str) -> bool {
    const YEARS: std::ops::Range<u32> = 26_297_280..36_816_480;
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse().is_ok_and(|minutes| YEARS.contains(&minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_given_again() {
        for (pod, unique) in [
            ("web-6d4cf56db6-x7k2p", true),
            ("migrate-x7k2p", true),
            ("db-0", false),
            ("db-24567", false),
            ("web", false),
            ("web-nginx", false),
            ("", false),
        ] {
            assert_eq!(is_unique(pod), unique, "{pod}");
        }
    }

    #[test]
    fn a_template_hash_is_a_number_of_32_bits() {
        // The largest, 4294967295, and one more.
        for (hash, is_hash) in [
            ("86f8fbc6f9", true),
            ("86f8fbc6fb", false),
            ("6d4cf56db6", true),
            ("56c89cfff7", true),
            ("768dd754b7", true),
            ("5444444", false),
            ("54444444", true),
            ("544444444", true),
            ("5444444444", true),
            ("54444444444", false),
            // A number has no leading zero.
            ("4d4cf56db6", false),
            // Characters of generated suffixes, but of no hash.
            ("6d4xf56db6", false),
            ("6d4cf56db3", false),
            ("csv", false),
            ("", false),
        ] {
            assert_eq!(is_template_hash(hash), is_hash, "{hash}");
        }
    }

    #[test]
    fn minutes_are_no_date() {
        for (text, are_minutes) in [
            ("29384160", true),
            ("26297279", false),
            ("26297280", true),
            ("36816479", true),
            ("36816480", false),
            ("20261122", false),
            ("1764238800", false),
            ("+29384160", false),
            ("600", false),
            ("", false),
        ] {
            assert_eq!(is_minutes(text), are_minutes, "{text}");
        }
    }

    #[test]
    fn both_parts_have_to_be_there() {
        assert_eq!(replica_set_of("web-6d4cf56db6-x7k2p"), Some(("web-6d4cf56db6", "web")));
        assert_eq!(scheduled_job_of("report-29384160-4kq8z"), Some("report-29384160"));
        for pod in [
            "-6d4cf56db6-x7k2p",
            "6d4cf56db6-x7k2p",
            "web-6d4cf56db6-x7k2",
            "web-6d4cf56db6-x7k2pp",
            "web-6d4cf56db6-x7k1p",
        ] {
            assert_eq!(replica_set_of(pod), None, "{pod}");
        }
        for pod in ["-29384160-4kq8z", "29384160-4kq8z", "report-29384160", "report-29384160-4kq8"] {
            assert_eq!(scheduled_job_of(pod), None, "{pod}");
        }
    }
}
