//! Datadog's sites: what `DD_SITE` may be, and what manifests are held against.

/// Datadog's sites. Source: Datadog, "Getting started with Datadog sites".
pub const SITES: [&str; 9] = [
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "datadoghq.eu",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "ddog-gov.com",
    "us2.ddog-gov.com",
];
