# One cluster: the zip and the template in your bucket, and the API key in a secret that exists already.

variable "release" {
  description = "Folder with forwarder-arm64.zip and podferry.json, both of the same release."
  type        = string
}

variable "bucket" {
  description = "Bucket for both, in the region of the cluster."
  type        = string
}

locals {
  # A key for each content: CloudFormation updates the function only if the key changes.
  code_key     = "podferry/${filesha256("${var.release}/forwarder-arm64.zip")}/forwarder-arm64.zip"
  template_key = "podferry/${filesha256("${var.release}/podferry.json")}/podferry.json"
}

resource "aws_s3_object" "code" {
  bucket = var.bucket
  key    = local.code_key
  source = "${var.release}/forwarder-arm64.zip"
}

resource "aws_s3_object" "template" {
  bucket = var.bucket
  key    = local.template_key
  source = "${var.release}/podferry.json"
}

data "aws_s3_bucket" "release" {
  bucket = var.bucket
}

data "aws_secretsmanager_secret" "datadog" {
  name = "datadog-api-key"
}

module "podferry" {
  source = "../.."

  template_url = "https://${data.aws_s3_bucket.release.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  code_bucket  = aws_s3_object.code.bucket
  code_key     = aws_s3_object.code.key

  api_key_secret_arn = data.aws_secretsmanager_secret.datadog.arn
  site               = "datadoghq.eu"
  cluster_name       = "prod"
  log_group_name     = "/aws/eks/prod/fargate"

  tags = { team = "platform" }
}

output "forwarder_arn" {
  value = module.podferry.forwarder_arn
}
