"""template.yaml as plain CloudFormation: for StackSets, which take no SAM, and for whoever has no SAM CLI."""

from template_support.stack import translate

# What SAM's own upload says otherwise: where the zip is. A bucket has to be in the region of the function. For a stack set of several
# regions there is one in each, and its name ends in the region's; no bucket's name ends in a hyphen by itself.
PARAMETERS = {
    "CodeBucket": {
        "Type": "String",
        "Description": "Bucket of the function's zip, in the region of the stack. With a hyphen at its end, the region follows by itself: "
        "logs-code- is logs-code-eu-west-1 in eu-west-1, for a stack set of several regions.",
        "AllowedPattern": "^[a-z0-9][a-z0-9.-]{2,62}$",
        "ConstraintDescription": "must be the name of a bucket, or its beginning up to a hyphen",
    },
    "CodeKey": {
        "Type": "String",
        "Description": "Key of the function's zip in that bucket. Give each version a key of its own: CloudFormation does not look into a "
        "zip, and updates the function only where the key is another.",
        "AllowedPattern": "^[A-Za-z0-9/_.+=-]{1,1024}$",
        "ConstraintDescription": "must be the key of an object, such as podferry/0.1.0/forwarder-arm64.zip",
    },
}
# The name ends in a hyphen: with a slash behind it, it can be parted there.
BEFORE_LAST_HYPHEN = {"Fn::Select": [0, {"Fn::Split": ["-/", {"Fn::Sub": "${CodeBucket}/"}]}]}
CONDITIONS = {"CodeIsInEachRegion": {"Fn::Not": [{"Fn::Equals": [BEFORE_LAST_HYPHEN, {"Fn::Sub": "${CodeBucket}/"}]}]}}
CODE = {
    "S3Bucket": {"Fn::If": ["CodeIsInEachRegion", {"Fn::Sub": "${CodeBucket}${AWS::Region}"}, {"Ref": "CodeBucket"}]},
    "S3Key": {"Ref": "CodeKey"},
}
GROUP = {"Label": {"default": "The code"}, "Parameters": list(PARAMETERS)}


def plain(sam):
    """The template without SAM, and with the place of the code as parameters."""
    template = translate(sam, {})
    template.pop("Transform", None)
    function = template["Resources"]["Forwarder"]
    # How SAM builds it.
    function.pop("Metadata", None)
    function["Properties"]["Code"] = CODE
    template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"].insert(0, GROUP)
    template["Conditions"] |= CONDITIONS
    template["Parameters"] = PARAMETERS | template["Parameters"]
    return template
