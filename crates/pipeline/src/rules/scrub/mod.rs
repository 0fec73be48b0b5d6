//! Built-in scrubbers: masks for what is known well enough not to need a pattern of one's own. Opt-in, by name.
//!
//! Each looks for a byte that its subject cannot be without, and reads what stands around it by hand: most logs hold
//! nothing, and then cost one search. All take linear time. `docs/scrubbers.md` says what each hits and leaves; the
//! labelled samples behind that are in `tests/fixtures/scrub`.

mod address;
mod card;
mod runs;
mod secret;

use std::borrow::Cow;

use runs::Hit;

/// A scrubber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scrubber {
    Email,
    Ipv4,
    Ipv6,
    CreditCard,
    AwsAccessKey,
    Jwt,
    Bearer,
}

impl Scrubber {
    pub const ALL: [Scrubber; 7] = [
        Scrubber::Email,
        Scrubber::Ipv4,
        Scrubber::Ipv6,
        Scrubber::CreditCard,
        Scrubber::AwsAccessKey,
        Scrubber::Jwt,
        Scrubber::Bearer,
    ];

    /// The scrubber of a name in `PODFERRY_REDACT`.
    pub fn named(name: &str) -> Option<Scrubber> {
        Scrubber::ALL.into_iter().find(|scrubber| scrubber.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Scrubber::Email => "email",
            Scrubber::Ipv4 => "ipv4",
            Scrubber::Ipv6 => "ipv6",
            Scrubber::CreditCard => "credit_card",
            Scrubber::AwsAccessKey => "aws_access_key",
            Scrubber::Jwt => "jwt",
            Scrubber::Bearer => "bearer",
        }
    }

    /// What stands in place of what is found.
    pub fn replacement(self) -> &'static str {
        match self {
            Scrubber::Email => "[email]",
            Scrubber::Ipv4 => "[ipv4]",
            Scrubber::Ipv6 => "[ipv6]",
            Scrubber::CreditCard => "[credit_card]",
            Scrubber::AwsAccessKey => "[aws_access_key]",
            Scrubber::Jwt => "[jwt]",
            Scrubber::Bearer => "[token]",
        }
    }

    /// Replaces all that it finds. Borrowed where it finds nothing.
    pub fn scrub(self, text: &str) -> Cow<'_, str> {
        match self {
            Scrubber::Email => self.replace(text, address::email),
            Scrubber::Ipv4 => self.replace(text, address::ipv4),
            Scrubber::Ipv6 => self.replace(text, address::ipv6),
            Scrubber::CreditCard => self.replace(text, card::credit_card),
            Scrubber::Jwt => self.replace(text, secret::jwt),
            Scrubber::Bearer => self.replace(text, secret::bearer),
            Scrubber::AwsAccessKey => {
                let text = self.replace(text, secret::access_key_id);
                if !secret::may_hold_labelled(text.as_bytes()) {
                    return text;
                }
                match self.replace(&text, secret::labelled_secret) {
                    Cow::Owned(scrubbed) => Cow::Owned(scrubbed),
                    Cow::Borrowed(_) => text,
                }
            }
        }
    }

    /// Replaces what `find` finds, one hit after the other: it gets the text and where the hit before ended.
    fn replace(self, text: &str, find: fn(&[u8], usize) -> Hit) -> Cow<'_, str> {
        let (mut out, mut copied) = (String::new(), 0);
        while let Some(hit) = find(text.as_bytes(), copied) {
            // Hits begin and end at whole characters.
            let Some(before) = text.get(copied..hit.start) else { break };
            out.push_str(before);
            out.push_str(self.replacement());
            copied = hit.end;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }
}
