//! List prices of AWS and Datadog, in dollars, with their dates and sources.

/// A gigabyte as AWS bills it. Source: "Amazon CloudWatch pricing", whose examples count 1,024 GB a TB.
pub const AWS_GB: f64 = 1_073_741_824.0;

/// A gigabyte as Datadog bills it.
pub(crate) const DATADOG_GB: f64 = 1e9;

/// A month, as long as the bill's average one: 30 days.
pub(crate) const MONTH_SECONDS: f64 = 30.0 * 86_400.0;

/// When the prices below were looked up.
pub const AS_OF: &str = "2026-11-27";

/// Where they come from.
pub const SOURCE: &str = "AWS's price list, as quoted in public repositories";

/// CloudWatch Logs in one region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionPrice {
    pub region: &'static str,
    /// Dollars for a gigabyte of custom logs, Standard class.
    pub ingestion: f64,
    /// Dollars for a gigabyte, compressed, for a month.
    pub storage: f64,
}

const fn region(region: &'static str, ingestion: f64, storage: f64) -> RegionPrice {
    RegionPrice { region, ingestion, storage }
}

/// The one that stands in for regions of which no price was found.
const US_EAST_1: RegionPrice = region("us-east-1", 0.50, 0.03);

/// Regions whose price could be verified. Source: AWS price list, service AmazonCloudWatch, usage types `DataProcessing-Bytes` and
/// `TimedStorage-ByteHrs`.
pub const REGIONS: [RegionPrice; 10] = [
    US_EAST_1,
    region("us-west-1", 0.67, 0.033),
    region("eu-west-1", 0.57, 0.03),
    region("eu-west-2", 0.5985, 0.0315),
    region("eu-central-1", 0.63, 0.0324),
    region("ap-northeast-1", 0.76, 0.033),
    region("ap-northeast-2", 0.76, 0.033),
    region("ap-south-1", 0.67, 0.033),
    region("ap-southeast-1", 0.70, 0.03),
    region("ap-southeast-2", 0.67, 0.033),
];

/// The class of a log group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogClass {
    #[default]
    Standard,
    /// Half the price to ingest, and no subscription filter. Source: AWS price list: 0.25 for 0.50, 0.38 for 0.76.
    InfrequentAccess,
}

/// What is paid for a log group.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPrices {
    /// `None`: there is no price for the region that was asked for, and these are us-east-1's.
    pub region: Option<&'static str>,
    pub ingestion: f64,
    pub storage: f64,
    pub class: LogClass,
}

impl LogPrices {
    /// The prices of a region.
    pub fn of(region: &str, class: LogClass) -> LogPrices {
        let known = REGIONS.iter().find(|known| known.region == region);
        let RegionPrice { ingestion, storage, .. } = *known.unwrap_or(&US_EAST_1);
        let ingestion = match class {
            LogClass::Standard => ingestion,
            LogClass::InfrequentAccess => ingestion / 2.0,
        };
        LogPrices { region: known.map(|known| known.region), ingestion, storage, class }
    }

    /// The same with another price of ingestion, which somebody knows better.
    #[must_use]
    pub fn with_ingestion(self, ingestion: Option<f64>) -> LogPrices {
        LogPrices { ingestion: ingestion.unwrap_or(self.ingestion), ..self }
    }
}

/// What part of its bytes a log takes in the archive. AWS compresses it by gzip at level 6 (source: "Amazon CloudWatch pricing"), and does not say
/// how far; 0.15 is on the dear side: the events of `tests/fixtures/corpus` come to 0.04 to 0.13.
pub(crate) const ARCHIVED_PART: f64 = 0.15;

/// Lambda on arm64: dollars for a gigabyte-second, and for a million requests. Source: "AWS Lambda Pricing", us-east-1, first tier.
pub(crate) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
pub(crate) const LAMBDA_MILLION_REQUESTS: f64 = 0.20;

/// The memory of the template's function, in gigabytes.
pub(crate) const LAMBDA_GB: f64 = 0.25;

/// How long an invocation takes, in seconds, but for its logs: a request to Datadog takes 0.05 to 0.2. Source: `docs/sizing.md`.
pub(crate) const LAMBDA_SECONDS: f64 = 0.125;

/// How long one log takes, in seconds: 2.7 µs of a whole processor (`docs/performance.md`), of which 256 MB have a seventh.
/// Source: AWS Lambda developer guide: 1,769 MB are one processor.
pub(crate) const LAMBDA_SECONDS_A_LOG: f64 = 2.7e-6 * 1769.0 / 256.0;

/// How often CloudWatch Logs hands over what a stream has, in milliseconds. Source: `docs/sizing.md`.
pub(crate) const EVENT_EVERY_MS: i64 = 10_000;

/// How many bytes of a stream an event holds at most: what `PutLogEvents` takes in one call.
/// Source: Amazon CloudWatch Logs API reference, PutLogEvents.
pub(crate) const EVENT_MAX_BYTES: u64 = 1_048_576;

/// What Datadog asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DatadogPrices {
    /// Dollars for a gigabyte of ingested logs.
    pub ingested_per_gb: f64,
    /// Dollars for a million indexed logs.
    pub indexed_per_million: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_their_prices_and_others_those_of_us_east_1() {
        let of = |region: &str, class| LogPrices::of(region, class);
        assert_eq!(of("eu-central-1", LogClass::Standard).ingestion, 0.63);
        assert_eq!(of("ap-northeast-1", LogClass::InfrequentAccess).ingestion, 0.38);
        let unknown = of("mars-north-1", LogClass::Standard);
        assert_eq!((unknown.region, unknown.ingestion, unknown.storage), (None, 0.50, 0.03));
        assert_eq!(unknown.with_ingestion(Some(0.9)).ingestion, 0.9);
    }

    #[test]
    fn each_region_is_there_once() {
        let mut names: Vec<&str> = REGIONS.iter().map(|one| one.region).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REGIONS.len());
    }
}
