//! Where undelivered logs are kept: `PODFERRY_UNDELIVERED_QUEUE_URL` and `PODFERRY_DEAD_LETTER_QUEUE_URL`.

use super::api_key::AwsSettings;
use super::reader::VariableReader;

/// Names the queue for what may go through later.
pub const UNDELIVERED_QUEUE_URL: &str = "PODFERRY_UNDELIVERED_QUEUE_URL";
/// Names the queue for what never will.
pub const DEAD_LETTER_QUEUE_URL: &str = "PODFERRY_DEAD_LETTER_QUEUE_URL";

/// The queues. Without the first, an invocation with undelivered logs fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// For what may go through later; its messages come back to the function.
    pub undelivered: Option<SqsQueue>,
    /// For what never will. Without it such logs go to the other one, whose redrive policy moves them in the end.
    pub dead_letter: Option<SqsQueue>,
}

/// A queue of SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsQueue {
    pub(crate) url: String,
    /// The queue's name: what its ARN ends in, too.
    pub name: String,
    pub region: String,
    /// Where to reach SQS: the host of `url`, unless `AWS_ENDPOINT_URL_SQS` or `AWS_ENDPOINT_URL` is set.
    pub(crate) endpoint: String,
}

pub(super) fn read(reader: &mut VariableReader, aws: &AwsSettings) -> QueueSettings {
    let queues = QueueSettings {
        undelivered: queue(reader, UNDELIVERED_QUEUE_URL, aws),
        dead_letter: queue(reader, DEAD_LETTER_QUEUE_URL, aws),
    };
    let any = if queues.undelivered.is_some() { UNDELIVERED_QUEUE_URL } else { DEAD_LETTER_QUEUE_URL };
    if (queues.undelivered.is_some() || queues.dead_letter.is_some()) && aws.access_key_id.is_empty() {
        reader.mistake(
            "AWS_ACCESS_KEY_ID",
            format!("is missing: Lambda sets it; elsewhere, export credentials for the queue of {any}"),
        );
    }
    queues
}

fn queue(reader: &mut VariableReader, variable: &'static str, aws: &AwsSettings) -> Option<SqsQueue> {
    let url = reader.get(variable)?;
    let found = parsed(&url, aws);
    if found.is_none() {
        reader.mistake(
            variable,
            "must be the URL of an SQS queue, such as `https://sqs.eu-west-1.amazonaws.com/123456789012/name`",
        );
    }
    found
}

fn parsed(url: &str, aws: &AwsSettings) -> Option<SqsQueue> {
    let parsed = reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = parsed.host_str()?;
    let mut path = parsed.path_segments()?.filter(|part| !part.is_empty());
    let (_account, name) = (path.next()?, path.next()?);
    if path.next().is_some() {
        return None;
    }
    // `sqs.REGION.…`; the host of a VPC's endpoint has the region elsewhere, and is then in the function's own.
    let of_host = host.strip_prefix("sqs.").and_then(|rest| rest.split('.').next()).filter(|part| part.contains('-'));
    let region = of_host.map_or_else(|| aws.region.clone(), str::to_owned);
    let endpoint = aws.endpoint_sqs.clone().unwrap_or_else(|| parsed.origin().ascii_serialization());
    (!region.is_empty()).then(|| SqsQueue { url: url.to_owned(), name: name.to_owned(), region, endpoint })
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<QueueSettings, String> {
        let known = [("DD_API_KEY", "k"), ("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "a")];
        let map: std::collections::HashMap<String, String> =
            known.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::read(&map).map(|settings| settings.queues).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn a_url_tells_region_name_and_host() {
        let found = read(&[
            (UNDELIVERED_QUEUE_URL, "https://sqs.us-east-2.amazonaws.com/123456789012/logs"),
            (DEAD_LETTER_QUEUE_URL, "http://127.0.0.1:5000/123456789012/dead"),
        ])
        .unwrap();
        let queue = found.undelivered.unwrap();
        assert_eq!((queue.region.as_str(), queue.name.as_str()), ("us-east-2", "logs"));
        assert_eq!(queue.endpoint, "https://sqs.us-east-2.amazonaws.com");
        let queue = found.dead_letter.unwrap();
        assert_eq!((queue.region.as_str(), queue.endpoint.as_str()), ("eu-west-1", "http://127.0.0.1:5000"));
        let elsewhere = [
            (UNDELIVERED_QUEUE_URL, "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/1/q"),
            ("AWS_ENDPOINT_URL_SQS", "http://x:1"),
        ];
        let queue = read(&elsewhere).unwrap().undelivered.unwrap();
        assert_eq!((queue.region.as_str(), queue.endpoint.as_str()), ("eu-west-1", "http://x:1"));
        assert_eq!(read(&[]).unwrap(), QueueSettings::default());
    }

    #[test]
    fn what_is_no_url_of_a_queue_is_a_mistake() {
        for url in [
            "logs",
            "https://sqs.eu-west-1.amazonaws.com/",
            "https://x/1/2/3",
            "arn:aws:sqs:eu-west-1:1:q",
            "ftp://x/1/q",
        ] {
            assert!(read(&[(UNDELIVERED_QUEUE_URL, url)]).unwrap_err().contains(UNDELIVERED_QUEUE_URL), "{url}");
        }
        let without =
            read(&[(UNDELIVERED_QUEUE_URL, "https://sqs.eu-west-1.amazonaws.com/1/q"), ("AWS_ACCESS_KEY_ID", "")]);
        assert!(without.unwrap_err().contains("AWS_ACCESS_KEY_ID"));
    }
}
