//! What logs cost in Datadog, by its list prices: an estimate for a decision, not a bill.

/// Dollars for a gigabyte (10⁹ bytes) of logs, uncompressed. Source: Datadog, "Pricing", Log Management, ingestion, list price.
pub(crate) const INGESTED_PER_GB: f64 = 0.10;

/// Dollars for a million logs that are indexed, kept for 15 days, billed by the year. Source: the same, standard indexing.
pub(crate) const INDEXED_PER_MILLION: f64 = 1.70;

/// Dollars, for two different things.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prices {
    pub(crate) ingested_per_gb: f64,
    pub(crate) indexed_per_million: f64,
}

/// Dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) ingested: f64,
    /// If all of them are indexed.
    pub(crate) indexed: f64,
}

impl Prices {
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many logs that a cent is lost")]
    pub(crate) fn of(&self, logs: u64, bytes: u64) -> Cost {
        Cost {
            ingested: bytes as f64 / 1e9 * self.ingested_per_gb,
            indexed: logs as f64 / 1e6 * self.indexed_per_million,
        }
    }
}

impl Cost {
    #[must_use]
    pub(crate) fn total(&self) -> f64 {
        self.ingested + self.indexed
    }
}

/// `$1.80`; small amounts as `less than $0.01`.
#[must_use]
pub(crate) fn dollars(amount: f64) -> String {
    if amount > 0.0 && amount < 0.01 { "less than $0.01".to_owned() } else { format!("${amount:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gigabyte_and_a_million() {
        let prices = Prices { ingested_per_gb: INGESTED_PER_GB, indexed_per_million: INDEXED_PER_MILLION };
        let cost = prices.of(1_000_000, 1_000_000_000);
        assert_eq!((cost.ingested, cost.indexed), (0.10, 1.70));
        assert_eq!(dollars(cost.total()), "$1.80");
        assert_eq!(
            (dollars(0.0), dollars(0.009), dollars(0.01)),
            ("$0.00".into(), "less than $0.01".into(), "$0.01".into())
        );
    }
}
