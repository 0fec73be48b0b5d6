# Written by scripts/terraform_module from template.yaml: change that, and run the script.

resource "aws_cloudformation_stack" "podferry" {
  name         = var.stack_name
  template_url = var.template_url
  capabilities = ["CAPABILITY_IAM"]
  tags         = var.tags

  # What is null is not passed on, so that an older template, which lacks a newer parameter, can be used with this module. What is
  # sensitive is apart: in one map with the others it would hide them all in plans.
  parameters = merge(
    { for name, value in {
      CodeBucket                   = var.code_bucket
      CodeKey                      = var.code_key
      ApiKeySecretArn              = var.api_key_secret_arn
      ApiKeySsmName                = var.api_key_ssm_name
      ApiKeyKms                    = var.api_key_kms
      KmsKeyArn                    = var.kms_key_arn
      Site                         = var.site
      ClusterName                  = var.cluster_name
      Env                          = var.env
      Service                      = var.datadog_service
      Source                       = var.datadog_source
      Tags                         = var.datadog_tags
      LogGroupName                 = var.log_group_name
      SecondLogGroupName           = var.second_log_group_name
      ThirdLogGroupName            = var.third_log_group_name
      FilterPattern                = var.filter_pattern
      EmitSystemFields             = var.emit_system_fields
      LogGroupPrefix               = var.log_group_prefix
      ContainerExcludeLogs         = var.container_exclude_logs
      ContainerIncludeLogs         = var.container_include_logs
      ExcludeAtMatch               = var.exclude_at_match
      IncludeAtMatch               = var.include_at_match
      ProcessingRules              = var.processing_rules
      RedactIp                     = var.redact_ip
      RedactEmail                  = var.redact_email
      ScrubbingRule                = var.scrubbing_rule
      ScrubbingRuleReplacement     = var.scrubbing_rule_replacement
      Redact                       = var.redact
      AutoMultiLineDetection       = var.auto_multi_line_detection
      MultilineLogRegexPattern     = var.multiline_log_regex_pattern
      Sample                       = var.sample
      StatusFromText               = var.status_from_text
      MetadataRecords              = var.metadata_records
      MetadataWait                 = var.metadata_wait
      MetadataUnknown              = var.metadata_unknown
      MetadataLookups              = var.metadata_lookups
      ForwardLog                   = var.forward_log
      Compression                  = var.compression
      CompressionLevel             = var.compression_level
      MaxWorkers                   = var.max_workers
      HttpsProxy                   = var.https_proxy
      NoProxy                      = var.no_proxy
      CaBundle                     = var.ca_bundle
      CaBundleLayerArn             = var.ca_bundle_layer_arn
      UndeliveredQueueEnabled      = var.undelivered_queue_enabled
      UndeliveredQueueConcurrency  = var.undelivered_queue_concurrency
      UndeliveredKmsKeyArn         = var.undelivered_kms_key_arn
      SubscribedAlias              = var.subscribed_alias
      AlarmTopicArn                = var.alarm_topic_arn
      Route                        = var.route
      KinesisStreamArn             = var.kinesis_stream_arn
      KinesisKmsKeyArn             = var.kinesis_kms_key_arn
      KinesisParallelizationFactor = var.kinesis_parallelization_factor
      Architecture                 = var.architecture
      MemorySize                   = var.memory_size
      Timeout                      = var.timeout
      ReservedConcurrency          = var.reserved_concurrency
      LogLevel                     = var.log_level
      RetentionInDays              = var.retention_in_days
      FunctionName                 = var.function_name
      SubnetIds                    = var.subnet_ids
      SecurityGroupIds             = var.security_group_ids
      PermissionsBoundaryArn       = var.permissions_boundary_arn
      RolePath                     = var.role_path
      OwnLogKmsKeyArn              = var.own_log_kms_key_arn
    } : name => value if value != null },
    { for name in nonsensitive(var.api_key == null) ? [] : ["ApiKey"] : name => var.api_key },
  )
}
