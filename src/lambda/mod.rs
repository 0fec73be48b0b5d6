//! The edge to Lambda: invocations in, answers out, and the API key from wherever it is kept.

pub mod api_key;
pub mod aws;
pub mod handler;
pub mod own_log;
pub mod runtime;
