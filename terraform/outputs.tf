# Written by scripts/terraform_module from template.yaml: change that, and run the script.

output "stack_id" {
  description = "Id of the CloudFormation stack."
  value       = aws_cloudformation_stack.podferry.id
}

output "forwarder_arn" {
  description = "ARN of the function, the destination for further subscription filters."
  value       = aws_cloudformation_stack.podferry.outputs["ForwarderArn"]
}

output "forwarder_log_group_name" {
  description = "Log group of the function's own log."
  value       = aws_cloudformation_stack.podferry.outputs["ForwarderLogGroupName"]
}

output "forwarder_role_arn" {
  description = "ARN of the function's role, for the policy of a KMS key or a secret."
  value       = aws_cloudformation_stack.podferry.outputs["ForwarderRoleArn"]
}

output "undelivered_queue_url" {
  description = "Queue of what could not be delivered yet; an event that is sent to it by hand is delivered too."
  value       = aws_cloudformation_stack.podferry.outputs["UndeliveredQueueUrl"]
}

output "undelivered_queue_arn" {
  description = "ARN of the queue of what could not be delivered yet, the destination of a redrive."
  value       = aws_cloudformation_stack.podferry.outputs["UndeliveredQueueArn"]
}

output "dead_letter_queue_url" {
  description = "Queue of what cannot be delivered, for people to look at."
  value       = aws_cloudformation_stack.podferry.outputs["DeadLetterQueueUrl"]
}

output "dead_letter_queue_arn" {
  description = "ARN of the queue of what cannot be delivered, the source of a redrive."
  value       = aws_cloudformation_stack.podferry.outputs["DeadLetterQueueArn"]
}

output "failed_events_bucket_name" {
  description = "Bucket of the events that Lambda gave up on."
  value       = aws_cloudformation_stack.podferry.outputs["FailedEventsBucketName"]
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = aws_cloudformation_stack.podferry.outputs["DashboardName"]
}

output "firehose_stream_name" {
  description = "Name of the Firehose stream."
  value       = lookup(aws_cloudformation_stack.podferry.outputs, "FirehoseStreamName", null)
}

output "firehose_backup_bucket_name" {
  description = "Bucket of what Firehose could not send."
  value       = lookup(aws_cloudformation_stack.podferry.outputs, "FirehoseBackupBucketName", null)
}
