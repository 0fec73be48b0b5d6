//! The two Fluent Bits that EKS may run: they differ in many small things.

/// A Fluent Bit. What each does was recorded from 1.9.10 and 5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Core {
    /// 1.9, as AWS's images 2.x have it.
    Older,
    /// 5.x, as AWS's images 3.x have it.
    Newer,
}

impl Core {
    /// Both, the older one first.
    pub const BOTH: [Core; 2] = [Core::Older, Core::Newer];

    /// Its version in short.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Core::Older => "1.9",
            Core::Newer => "5.x",
        }
    }
}
