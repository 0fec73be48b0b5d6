//! Dead letters: what is in a queue, why, and since when; and sending it again, or dropping it. Never its text.
//!
//! * [`dead_letter`] says of a message what it is; pure.
//! * [`queue`] reads a queue without removing anything, and carries out what was decided.

pub(crate) mod dead_letter;
pub(crate) mod queue;
