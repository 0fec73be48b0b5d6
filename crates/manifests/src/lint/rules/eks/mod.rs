//! What EKS rejects: it then disables logging for every new pod, and says so only in an annotation and an event of that pod.
//!
//! * [`place`]: the namespace, its label, and the name of the ConfigMap.
//! * [`data`]: the keys of the ConfigMap and how long they are.
//! * [`sections`]: the sections under them, and their lines.
//! * [`indentation`]: how lines are indented.
//! * [`plugins`]: which filters and outputs there may be.

pub(crate) mod data;
pub(crate) mod indentation;
pub(crate) mod place;
pub(crate) mod plugins;
pub(crate) mod sections;

/// The page with most of the rules.
const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";
/// How Fluent Bit reads lines.
const READER: &str = "fluent/fluent-bit, src/config_format/flb_cf_fluentbit.c";
