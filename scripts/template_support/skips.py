"""The checks of checkov that do not hold, resource by resource, each with its reason. checkov prints them among its results."""

NO_VPC = "SubnetIds gives one; without it the function calls Datadog and AWS over TLS, and a VPC would need a NAT gateway and protect nothing"
LOGS_ENCRYPTED = "OwnLogKmsKeyArn gives a key; without it CloudWatch Logs has one of its own, and no log of an application is in this group"
INTERFACES_OF_ANY_VPC = "EC2 knows no narrower resource for most of these, AWS's own policy has the same, and a denial keeps the function's code from them"
WRITTEN_ONCE = "Objects are written once, under names that do not come again; a version would only outlive the lifecycle"
NO_ACCESS_LOG = "A log of the accesses needs a bucket that outlives the stack and has the same duties; CloudTrail can have data events"
OWN_KEY_OF_SQS = "SQS encrypts with a key of its own (SqsManagedSseEnabled), which the check does not know; UndeliveredKmsKeyArn gives another"

SKIPS = {
    "Forwarder": {
        "CKV_AWS_115": "ReservedConcurrency gives a limit; one by default would take from the account what others need",
        "CKV_AWS_116": "ForwarderEventInvokeConfig has a destination for what fails, which keeps more than a dead-letter queue does",
        "CKV_AWS_117": NO_VPC,
        "CKV_AWS_173": "No variable is a secret: the key is in Secrets Manager, in the Parameter Store, or is ciphertext. Lambda encrypts them",
    },
    "ForwarderLogs": {"CKV_AWS_158": LOGS_ENCRYPTED},
    "FailedEventsBucket": {"CKV_AWS_18": NO_ACCESS_LOG, "CKV_AWS_21": WRITTEN_ONCE},
    "UndeliveredQueue": {"CKV_AWS_27": OWN_KEY_OF_SQS},
    "DeadLetterQueue": {"CKV_AWS_27": OWN_KEY_OF_SQS},
    "VpcPolicy": {"CKV_AWS_111": INTERFACES_OF_ANY_VPC},
    "FirehoseLogs": {"CKV_AWS_158": LOGS_ENCRYPTED},
    "FirehoseBackupBucket": {"CKV_AWS_18": NO_ACCESS_LOG, "CKV_AWS_21": WRITTEN_ONCE},
}


def with_skips(template):
    """The template with these as Metadata, where checkov looks for them; in template.yaml they would only be in the way."""
    for name, resource in template["Resources"].items():
        skips = [{"id": check, "comment": reason} for check, reason in SKIPS.get(name, {}).items()]
        if skips:
            resource["Metadata"] = resource.get("Metadata", {}) | {"checkov": {"skip": skips}}
    return template
