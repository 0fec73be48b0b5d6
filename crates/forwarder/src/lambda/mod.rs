//! The edge to Lambda: invocations in, answers out, and the API key from wherever it is kept.

pub mod answer;
pub mod api_key;
pub mod aws;
pub mod deadlines;
pub mod firehose;
pub mod handler;
pub mod metrics;
pub mod own_log;
pub mod queue;
pub mod runtime;
pub mod saving;
pub mod work;
