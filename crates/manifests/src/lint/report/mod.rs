//! Findings, written: for people (`text`), for programs (`json`), for code scanning (`sarif`), for GitHub's checks (`github`); and the
//! table of rules, written (`explain`).

pub mod explain;
pub mod github;
pub mod json;
pub mod sarif;
pub mod text;
