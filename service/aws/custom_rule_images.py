"""The image in which AWS evaluates a Debugger rule of a user's own. The sagemaker SDK has no table of it.

Source: "Docker images for Debugger rules" in the developer guide.
"""

from service.errors import BadRequest

_ACCOUNTS = {
    "af-south-1": "515950693465",
    "ap-east-1": "645844755771",
    "ap-northeast-1": "670969264625",
    "ap-northeast-2": "326368420253",
    "ap-south-1": "552407032007",
    "ap-southeast-1": "631532610101",
    "ap-southeast-2": "445670767460",
    "ca-central-1": "105842248657",
    "cn-north-1": "617202126805",
    "cn-northwest-1": "658559488188",
    "eu-central-1": "691764027602",
    "eu-north-1": "091235270104",
    "eu-south-1": "335033873580",
    "eu-west-1": "606966180310",
    "eu-west-2": "074613877050",
    "eu-west-3": "224335253976",
    "me-south-1": "050406412588",
    "sa-east-1": "466516958431",
    "us-east-1": "864354269164",
    "us-east-2": "840043622174",
    "us-gov-west-1": "515361955729",
    "us-west-1": "952348334681",
    "us-west-2": "759209512951",
}


def custom_rule_image(region: str) -> str:
    """The image's URI. Raises BadRequest for a region that has none."""
    if region not in _ACCOUNTS:
        raise BadRequest(
            f"AWS has no image for custom Debugger rules in {region}.",
            "Leave the rules with a source_s3_uri out, or use another region (AWS_DEFAULT_REGION).",
        )
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"{_ACCOUNTS[region]}.dkr.ecr.{region}.amazonaws.com{suffix}/sagemaker-debugger-rule-evaluator:latest"
