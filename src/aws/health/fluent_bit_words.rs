//! The words by which a line of Fluent Bit's own log tells what is wrong.
//!
//! Source of the lines: fluent/fluent-bit 1.9.10 and 5.1.1, `plugins/out_cloudwatch_logs`, `src/aws`, `src/flb_engine.c`,
//! `src/flb_engine_dispatch.c`, `src/flb_input_chunk.c`, `src/flb_network.c`, `src/flb_http_client.c`, `plugins/in_tail`, `plugins/in_emitter`,
//! `plugins/filter_kubernetes`, `plugins/filter_rewrite_tag`; aws/amazon-cloudwatch-logs-for-fluent-bit, `cloudwatch/cloudwatch.go`. Tested with the messages in `fluent_bit_message`.

/// Writes the kinds once, each with its code.
macro_rules! troubles {
    ($($(#[$says:meta])* $name:ident => $code:literal,)*) => {
        /// What a message complains of, in the order in which to report it: causes before what follows from them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum FluentBitTrouble {
            $($(#[$says])* $name,)*
        }

        impl FluentBitTrouble {
            /// All of them, in that order.
            #[cfg(test)]
            pub(super) const ALL: &[FluentBitTrouble] = &[$(FluentBitTrouble::$name,)*];

            /// A short name that stays, for programs, and for who looks it up in docs/operating.md.
            #[must_use]
            pub(crate) fn code(self) -> &'static str {
                match self {
                    $(FluentBitTrouble::$name => $code,)*
                }
            }
        }
    };
}

troubles! {
    /// Fluent Bit itself ended.
    Crashed => "crashed",
    /// CloudWatch Logs may not use the key of a log group.
    KeyDenied => "key-denied",
    /// AWS denies the execution role a call.
    Denied => "access-denied",
    /// There are no credentials, or AWS does not know them.
    Credentials => "credentials",
    /// A name does not resolve, or there is no connection.
    Network => "network",
    /// The log group, or what else an output writes to, does not exist.
    DestinationMissing => "destination-missing",
    /// AWS does not take a name or a value.
    Refused => "value-refused",
    /// The configuration cannot be used.
    Configuration => "configuration",
    /// A record has not the key of `log_key`.
    LogKeyMissing => "log-key-missing",
    /// CloudWatch takes no logs of such times.
    TimesRefused => "times-refused",
    /// Lines or a rest of a file were not read.
    Unread => "unread",
    /// What was to be sent was given up.
    Lost => "lost",
    /// Too much waits in memory.
    MemoryFull => "memory-full",
    /// AWS takes fewer calls.
    Throttled => "throttled",
    /// An event was cut.
    Truncated => "truncated",
    /// The Kubernetes filter gets no metadata.
    Metadata => "metadata",
    /// A parser does not understand a line, or its time.
    Parsing => "parsing",
    /// A connection broke.
    Interrupted => "interrupted",
    /// Several write to one stream, in the order that AWS once asked for.
    SharedStream => "shared-stream",
    /// AWS failed, or answered what Fluent Bit does not understand.
    Server => "server",
    /// Something was not sent, and is tried again.
    Retried => "retried",
    /// An error of none of these kinds.
    Other => "other",
}

/// Words of messages that are no trouble: they are taken care of at once, or another way is tried. On Fargate there is neither a file
/// with credentials nor a metadata service, and Fluent Bit tells of both.
const HARMLESS: [&str; 9] = [
    "ResourceAlreadyExists",
    "already exists",
    "a credential refresh is already in progress",
    "will only apply to log groups created by Fluent Bit",
    "[imds]",
    "hared credentials file",
    "hared config file",
    "AWS Profile",
    "profile provider",
];

/// Words of messages, and what they tell. The first that is found counts.
const WORDS: [(FluentBitTrouble, &[&str]); 21] = [
    (
        FluentBitTrouble::Crashed,
        &[
            "(SIGSEGV)",
            "(SIGABRT)",
            "(SIGILL)",
            "(SIGBUS)",
            "(SIGFPE)",
            "timeout threshold reached",
            "Quitting Fluent Bit",
        ],
    ),
    (FluentBitTrouble::SharedStream, &["InvalidSequenceToken", "DataAlreadyAccepted"]),
    (FluentBitTrouble::KeyDenied, &["specified KMS"]),
    (
        FluentBitTrouble::Denied,
        &["AccessDenied", "not authorized to perform", "UnauthorizedOperation", "HTTP status=401", "HTTP status=403"],
    ),
    (
        FluentBitTrouble::Credentials,
        &[
            "[aws_credentials]",
            "[aws credentials]",
            "Credential Provider",
            "Provider returned no credentials",
            "could not sign request",
            "ExpiredToken",
            "UnrecognizedClient",
            "InvalidClientTokenId",
            "InvalidSignature",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "NoCredentialProviders",
            "WebIdentityErr",
        ],
    ),
    (
        FluentBitTrouble::DestinationMissing,
        &["`auto_create_group` disabled", "ResourceNotFound", "group does not exist"],
    ),
    (
        FluentBitTrouble::Throttled,
        &["Throttling", "Rate exceeded", "TooManyRequests", "LimitExceeded", "ServiceQuotaExceeded"],
    ),
    (
        FluentBitTrouble::Refused,
        &["InvalidParameter", "ValidationException", "SerializationException", "UnknownOperation"],
    ),
    (FluentBitTrouble::LogKeyMissing, &["Could not find log_key", "Failed to find key"]),
    (FluentBitTrouble::TimesRefused, &["marked as expired by", "marked as too new by", "marked as too old by"]),
    (FluentBitTrouble::Unread, &["Skipping long lines", "kipping file", "purged rotated file"]),
    (
        FluentBitTrouble::Lost,
        &[
            "reached retry-attempts limit",
            "removing retry",
            "will be discarded",
            "emission is rejected",
            "could not enqueue records",
            "Rejecting the chunk without retry",
            "cannot be retried",
            "is not retried",
            "iscarding ",
            "evicted from output queue",
        ],
    ),
    (FluentBitTrouble::MemoryFull, &["buf overlimit", "fail to drop enough chunks"]),
    (FluentBitTrouble::Truncated, &["Truncating event", "truncating to "]),
    (
        FluentBitTrouble::Metadata,
        &["[filter:kubernetes", "kube api upstream", "kubelet upstream", "[http_client] cannot increase buffer"],
    ),
    (FluentBitTrouble::Parsing, &["[parser"]),
    (
        FluentBitTrouble::Network,
        &[
            "getaddrinfo(",
            "timed out after",
            "timeout after",
            "failed to: ",
            "no upstream connections available",
            "dial tcp",
            "i/o timeout",
        ],
    ),
    (
        FluentBitTrouble::Interrupted,
        &[
            "[http_client]",
            "[upstream]",
            "[net]",
            "[tls]",
            "[io_tls]",
            "[aws_client]",
            "Broken pipe",
            "Connection reset",
            "http_do=",
            "send request failed",
        ],
    ),
    (
        FluentBitTrouble::Server,
        &[
            "InternalFailure",
            "InternalServerError",
            "ServiceUnavailable",
            "Raw response",
            "response was invalid",
            "Could not parse response",
            "Could not find sequence token",
        ],
    ),
    (
        FluentBitTrouble::Configuration,
        &[
            "configuration error",
            "[config]",
            "nitialization failed",
            "could not initialize",
            "Failed to initialize",
            "failed to initialize",
            "error initializing",
            "error loading config map",
            "is a required field",
            "' is required",
            "unknown configuration property",
            "Could not parse `log_",
            "valid values for log_group_class",
            "NO match rule",
            "may cause infinite loop",
            "[filter:",
            "[lib]",
        ],
    ),
    (
        FluentBitTrouble::Retried,
        &[
            "failed to flush chunk",
            "PutLogEvents payload",
            "Failed to write log event",
            "Failed to send",
            "Failed to create log",
            "Failed to putRetentionPolicy",
            "could not be scheduled",
        ],
    ),
];

/// What a line complains of, if it does.
#[must_use]
pub(super) fn trouble(line: &str) -> Option<FluentBitTrouble> {
    let is_error = has_any(line, &["[error]", "level=error", "level=fatal", "level=panic"]);
    let is_warning = has_any(line, &["[ warn]", "[warn]", "level=warning"]);
    // The last word of one that crashes has no level.
    let is_signal = line.contains("caught signal");
    if !(is_error || is_warning || is_signal) || has_any(line, &HARMLESS) {
        return None;
    }
    let told = WORDS.iter().find(|(_, words)| has_any(line, words)).map(|(trouble, _)| *trouble);
    // A warning of no kind that is known is not worth a person's time.
    told.or(is_error.then_some(FluentBitTrouble::Other))
}

fn has_any(line: &str, words: &[&str]) -> bool {
    words.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever sees a code finds it in the table of the documents.
    #[test]
    fn each_code_is_another_and_is_documented() {
        let documented = include_str!("../../../docs/operating.md");
        for (number, trouble) in FluentBitTrouble::ALL.iter().enumerate() {
            let code = trouble.code();
            assert!(documented.contains(&format!("| `{code}` |")), "{code}");
            assert!(
                !FluentBitTrouble::ALL[..number].iter().any(|before| before.code() == code || before >= trouble),
                "{code}"
            );
        }
    }
}
