//! `--ui`: logs on a page for a browser on this machine. `flag` opens it and says where, `logs` makes of logs what it shows.

mod flag;
mod logs;

pub(super) use flag::{PageFlag, until_interrupted};
pub(super) use logs::{of_content, of_item};
