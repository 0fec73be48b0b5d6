//! What `podferry cost --output json` prints. `docs/cost.md` describes it; members are added, never renamed.

use serde_json::{Value, json};

use super::priced::GroupCost;
use cost::bill::{Bill, ScaledBy, share};
use cost::copies::{CURVE, RecordSizes};
use cost::findings::{Coverage, RowFindings, Sums};
use cost::line::Preset;
use cost::prices::{AS_OF, LogClass};
use cost::savings::{Saving, savings};

/// Everything that was found.
pub(super) fn report(costs: &[GroupCost]) -> Value {
    let total: f64 = costs.iter().map(|cost| cost.terms.bill(&cost.findings.total).total()).sum();
    json!({
        "prices_as_of": AS_OF,
        "dollars": total,
        "groups": costs.iter().map(group).collect::<Vec<_>>(),
    })
}

fn group(cost: &GroupCost) -> Value {
    let GroupCost { findings, terms } = cost;
    let presets = Preset::ALL.map(|preset| {
        let bytes = findings.total.under(preset);
        json!({
            "preset": preset.name(),
            "bytes": bytes,
            "of_now": share(bytes, findings.total.billed),
            "bill": bill(&terms.bill_under(&findings.total, preset)),
        })
    });
    json!({
        "group": findings.group,
        "region": terms.prices.region,
        "class": match terms.prices.class { LogClass::Standard => "standard", LogClass::InfrequentAccess => "infrequent_access" },
        "ingestion_price": terms.prices.ingestion,
        "storage_price": terms.prices.storage,
        "retention_days": terms.retention_days,
        "counted": {
            "events": findings.total.events,
            "lines": findings.total.lines,
            "bytes": findings.total.billed,
            "metadata_records": findings.total.metadata_events,
            "assumed_lines": findings.total.assumed_lines,
            "logs": terms.datadog.map(|_| findings.total.logs),
            "datadog_bytes": terms.datadog.map(|_| findings.total.datadog),
            "seconds": seconds(cost),
            "is_sample": matches!(findings.coverage, Coverage::Sampled { .. }),
        },
        "scaled_by": scaled_by(terms.scale.by),
        "factor": terms.scale.factor,
        "gb_per_month": terms.month_gb(findings.total.billed),
        "bill": bill(&terms.bill(&findings.total)),
        "containers": findings.rows.iter().map(|row| container(cost, row)).collect::<Vec<_>>(),
        "presets": presets,
        "savings": savings(findings, terms).iter().map(saving).collect::<Vec<_>>(),
    })
}

fn seconds(cost: &GroupCost) -> f64 {
    match cost.findings.coverage {
        Coverage::Sampled { seconds } | Coverage::Whole { seconds: Some(seconds) } => seconds,
        Coverage::Whole { seconds: None } => cost.findings.span_ms as f64 / 1000.0,
    }
}

/// By what the month is told.
fn scaled_by(by: ScaledBy) -> &'static str {
    match by {
        ScaledBy::Said(_) => "gb_per_month",
        ScaledBy::Metric { .. } => "metric",
        ScaledBy::Span { .. } => "time",
        ScaledBy::Round(_) => "nothing",
    }
}

fn bill(bill: &Bill) -> Value {
    json!({
        "ingestion": bill.ingestion,
        "storage": bill.storage,
        "lambda": bill.lambda,
        "datadog_ingestion": bill.datadog_ingestion,
        "datadog_indexing": bill.datadog_indexing,
        "total": bill.total(),
    })
}

fn container(cost: &GroupCost, row: &RowFindings) -> Value {
    let GroupCost { findings, terms } = cost;
    let Sums { events, lines, billed, .. } = row.sums;
    let patterns = row.patterns.iter().map(|one| {
        json!({
            "pattern": one.pattern,
            "events": one.slice.events,
            "bytes": one.slice.billed,
            "share": share(one.slice.billed, findings.total.billed),
            "dollars": terms.cloudwatch(one.slice.billed),
        })
    });
    json!({
        "namespace": row.writer.namespace,
        "owner_kind": row.writer.owner_kind,
        "owner": row.writer.owner,
        "container": row.writer.container,
        "events": events,
        "lines": lines,
        "bytes": billed,
        "share": share(billed, findings.total.billed),
        "dollars": terms.bill(&row.sums).total(),
        "patterns": patterns.collect::<Vec<_>>(),
        "other_bytes": row.rest.billed,
    })
}

fn saving(saving: &Saving) -> Value {
    json!({
        "kind": saving.kind.name(),
        "what": saving.what,
        "gives_up": saving.gives_up,
        "aws": saving.aws,
        "datadog": saving.datadog,
        "expression": saving.expression,
        "snippets": saving.snippets.iter().map(|one| json!({ "place": one.place, "text": one.text })).collect::<Vec<_>>(),
    })
}

/// `compact` against `standard`, by lines a minute.
pub(super) fn curve() -> Vec<Value> {
    let at = |rate: u32| json!({ "lines_per_minute": rate, "ratio": RecordSizes::TYPICAL.ratio(f64::from(rate)) });
    CURVE.map(at).to_vec()
}
