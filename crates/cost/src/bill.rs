//! Dollars a month, by list prices: an estimate for a decision, not a bill.

use crate::findings::{Coverage, Findings, Sums};
use crate::line::Preset;
use crate::prices::{
    ARCHIVED_PART, AWS_GB, DATADOG_GB, DatadogPrices, LAMBDA_GB, LAMBDA_GB_SECOND, LAMBDA_MILLION_REQUESTS,
    LAMBDA_SECONDS, LAMBDA_SECONDS_A_LOG, LogClass, LogPrices, MONTH_SECONDS,
};

/// How many months of logs there are where they never expire, a year after they began.
const KEPT_FOREVER_MONTHS: f64 = 12.0;

/// A file that covers less says nothing about a month.
const LEAST_SPAN_MS: i64 = 60_000;

/// What a month is taken to have where nothing tells it.
const ROUND_MONTH_GB: f64 = 100.0;

/// How what was counted becomes a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonthScale {
    /// A month is so many times what was counted.
    pub factor: f64,
    pub by: ScaledBy,
}

/// What the scale rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScaledBy {
    /// The gigabytes of a month, as somebody said.
    Said(f64),
    /// What CloudWatch counted in so many seconds.
    Metric { seconds: f64 },
    /// The time that was counted, in seconds.
    Span { seconds: f64 },
    /// Nothing: a round number of gigabytes.
    Round(f64),
}

impl MonthScale {
    /// `said_gb`: the gigabytes of a month, if somebody knows. `metric`: billed bytes that CloudWatch counted, and in how many seconds.
    #[expect(clippy::cast_precision_loss, reason = "bytes of logs, for estimates")]
    pub fn of(findings: &Findings, said_gb: Option<f64>, metric: Option<(u64, f64)>) -> MonthScale {
        let counted = (findings.total.billed as f64).max(1.0);
        if let Some(gb) = said_gb {
            return MonthScale { factor: gb * AWS_GB / counted, by: ScaledBy::Said(gb) };
        }
        if let Some((bytes, seconds)) = metric.filter(|(bytes, seconds)| *bytes > 0 && *seconds > 0.0) {
            let month = bytes as f64 * MONTH_SECONDS / seconds;
            return MonthScale { factor: month / counted, by: ScaledBy::Metric { seconds } };
        }
        let seconds = match findings.coverage {
            Coverage::Sampled { seconds } | Coverage::Whole { seconds: Some(seconds) } => seconds,
            Coverage::Whole { .. } if findings.span_ms >= LEAST_SPAN_MS => findings.span_ms as f64 / 1000.0,
            Coverage::Whole { .. } => 0.0,
        };
        if seconds > 0.0 {
            return MonthScale { factor: MONTH_SECONDS / seconds, by: ScaledBy::Span { seconds } };
        }
        MonthScale { factor: ROUND_MONTH_GB * AWS_GB / counted, by: ScaledBy::Round(ROUND_MONTH_GB) }
    }
}

/// What is paid, and for how long logs are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct BillTerms {
    pub prices: LogPrices,
    /// `None`: they never expire.
    pub retention_days: Option<i64>,
    pub scale: MonthScale,
    /// `None`: leave Datadog out.
    pub datadog: Option<DatadogPrices>,
}

/// Dollars a month.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bill {
    pub ingestion: f64,
    pub storage: f64,
    pub lambda: f64,
    pub datadog_ingestion: f64,
    /// If all of them are indexed.
    pub datadog_indexing: f64,
}

impl Bill {
    pub fn total(&self) -> f64 {
        self.ingestion + self.storage + self.lambda + self.datadog_ingestion + self.datadog_indexing
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of logs, for estimates")]
impl BillTerms {
    /// What so many billed bytes cost in CloudWatch Logs, to ingest and to keep.
    pub fn cloudwatch(&self, billed: u64) -> f64 {
        self.ingestion(billed) + self.storage(billed)
    }

    fn ingestion(&self, billed: u64) -> f64 {
        self.month_gb(billed) * self.prices.ingestion
    }

    /// The gigabytes of a month, as AWS counts them.
    pub fn month_gb(&self, billed: u64) -> f64 {
        billed as f64 * self.scale.factor / AWS_GB
    }

    fn storage(&self, billed: u64) -> f64 {
        let months = self.retention_days.map_or(KEPT_FOREVER_MONTHS, |days| days as f64 / 30.0);
        self.month_gb(billed) * ARCHIVED_PART * months * self.prices.storage
    }

    /// What would be saved of the storage if logs were kept for fewer days.
    pub(crate) fn storage_saved(&self, billed: u64, days: i64) -> f64 {
        let shorter = BillTerms { retention_days: Some(days), ..self.clone() };
        self.storage(billed) - shorter.storage(billed)
    }

    /// What Datadog asks for so many bytes and logs.
    pub fn datadog(&self, bytes: u64, logs: u64) -> (f64, f64) {
        let Some(prices) = self.datadog else { return (0.0, 0.0) };
        let ingestion = bytes as f64 * self.scale.factor / DATADOG_GB * prices.ingested_per_gb;
        let indexing = logs as f64 * self.scale.factor / 1e6 * prices.indexed_per_million;
        (ingestion, indexing)
    }

    /// What events cost that are written as they are.
    pub fn bill(&self, sums: &Sums) -> Bill {
        self.bill_of(sums, sums.billed)
    }

    /// What the same lines would cost under a preset.
    pub fn bill_under(&self, sums: &Sums, preset: Preset) -> Bill {
        self.bill_of(sums, sums.under(preset))
    }

    fn bill_of(&self, sums: &Sums, billed: u64) -> Bill {
        let (datadog_ingestion, datadog_indexing) = self.datadog(sums.datadog, sums.logs);
        Bill {
            ingestion: self.ingestion(billed),
            storage: self.storage(billed),
            lambda: self.lambda(sums),
            datadog_ingestion,
            datadog_indexing,
        }
    }

    /// The Infrequent Access class has no subscription filters, so nothing of it gets to a function.
    fn lambda(&self, sums: &Sums) -> f64 {
        if self.prices.class == LogClass::InfrequentAccess {
            return 0.0;
        }
        let invocations = sums.invocations as f64 * self.scale.factor;
        let logs = sums.lines as f64 * self.scale.factor;
        let seconds = invocations * LAMBDA_SECONDS + logs * LAMBDA_SECONDS_A_LOG;
        seconds * LAMBDA_GB * LAMBDA_GB_SECOND + invocations / 1e6 * LAMBDA_MILLION_REQUESTS
    }
}

/// What part of the whole some bytes are, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "bytes of logs, for estimates")]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::LogClass;
    use crate::tally::{Tally, TallyEvent};

    fn counted(span_ms: i64) -> Findings {
        let mut tally = Tally::new("/g", true);
        for timestamp in [1_795_000_000_000, 1_795_000_000_000 + span_ms] {
            tally.add(&TallyEvent { stream: "s", timestamp, message: &"x".repeat(487) });
        }
        tally.finish(Coverage::Whole { seconds: None })
    }

    #[test]
    fn a_month_is_scaled_by_what_is_known_best() {
        let of = |span_ms, said, metric| MonthScale::of(&counted(span_ms), said, metric).by;
        assert_eq!(of(0, None, None), ScaledBy::Round(100.0));
        assert_eq!(of(59_999, None, None), ScaledBy::Round(100.0));
        assert_eq!(of(60_000, None, None), ScaledBy::Span { seconds: 60.0 });
        assert_eq!(of(60_000, None, Some((1, 3600.0))), ScaledBy::Metric { seconds: 3600.0 });
        assert_eq!(of(60_000, None, Some((0, 3600.0))), ScaledBy::Span { seconds: 60.0 });
        assert_eq!(of(60_000, Some(5.0), Some((1, 3600.0))), ScaledBy::Said(5.0));
    }

    #[test]
    fn dollars_are_those_of_the_price_list() {
        let findings = counted(0);
        let terms = |retention_days, class| BillTerms {
            prices: LogPrices::of("us-east-1", class),
            retention_days,
            scale: MonthScale::of(&findings, Some(200.0), None),
            datadog: Some(DatadogPrices { ingested_per_gb: 0.1, indexed_per_million: 1.7 }),
        };
        let bill = terms(Some(15), LogClass::Standard).bill(&findings.total);
        // 200 GB at $0.50; half a month of it is there, 0.15 of its size, at $0.03.
        assert!((bill.ingestion - 100.0).abs() < 1e-9, "{bill:?}");
        assert!((bill.storage - 200.0 * 0.15 * 0.5 * 0.03).abs() < 1e-9, "{bill:?}");
        // 513 bytes a log.
        let logs = 200.0 * AWS_GB / 513.0;
        assert!((bill.datadog_indexing - logs / 1e6 * 1.7).abs() < 1e-6, "{bill:?}");
        let infrequent = terms(Some(15), LogClass::InfrequentAccess).bill(&findings.total);
        assert!((infrequent.ingestion - 50.0).abs() < 1e-9 && infrequent.lambda == 0.0, "{infrequent:?}");
        assert!(bill.lambda > 0.0);
        let forever = terms(None, LogClass::Standard).bill(&findings.total).storage;
        assert!((forever - 200.0 * 0.15 * 12.0 * 0.03).abs() < 1e-9);
    }
}
