//! podferry ferries the logs of EKS Fargate pods from CloudWatch Logs to Datadog.
#![forbid(unsafe_code)]
pub mod pipeline;
pub mod settings;
