"""IAM, as far as the SageMaker SDKs ask it: there are no permissions on one machine, so everything is allowed.

Every role name is a role that SageMaker may assume. A job's RoleArn is likewise taken as it is.
"""

import hashlib
import json
from typing import Any
from urllib.parse import quote

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure

CREATED_AT = 1_767_225_600  # 2026-01-01: no role was ever made here, and clients want a time
TRUST_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

_ALL_ALLOWED = "everything is allowed here, whatever the policies say"
SIMULATION = Structure(
    "SimulatePrincipalPolicyRequest",
    honoured=("ActionNames", "ResourceArns", "MaxItems", "Marker"),
    without_effect={
        "PolicySourceArn": "everybody may do everything here",
        "PolicyExclusionList": _ALL_ALLOWED,
        "ResourcePolicy": _ALL_ALLOWED,
        "ResourceOwner": _ALL_ALLOWED,
        "CallerArn": "everybody may do everything here",
        "ContextEntries": _ALL_ALLOWED,
        "ResourceHandlingOption": _ALL_ALLOWED,
    },
    refused={
        "PolicyInputList": "policies are not evaluated here; leave it out",
        "PermissionsBoundaryPolicyInputList": "policies are not evaluated here; leave it out",
    },
)
STRUCTURES = (SIMULATION,)
DEFAULT_PAGE = 100


def get_role(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The role of that name, which SageMaker may assume."""
    name = members["RoleName"]
    digest = hashlib.sha256(name.encode()).hexdigest().upper()
    return {
        "Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": f"AROA{digest[:17]}",
            "Arn": f"arn:aws:iam::{context.settings.account_id}:role/{name}",
            "CreateDate": CREATED_AT,
            "AssumeRolePolicyDocument": quote(json.dumps(TRUST_POLICY), safe=""),  # as IAM itself writes it
            "MaxSessionDuration": 3600,
        }
    }


def simulate_principal_policy(context: Context, members: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """`allowed` for each asked action and resource, in pages. Raises ValidationException."""
    SIMULATION.check(members)
    asked = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed", "MissingContextValues": []}
        for action in members["ActionNames"]
        for resource in members.get("ResourceArns") or ["*"]
    ]
    marker = members.get("Marker", "0")
    if not marker.isdecimal() or not int(marker) <= len(asked):
        raise ValidationException("Invalid Marker: it was not given by this operation")
    first = int(marker)
    last = first + members.get("MaxItems", DEFAULT_PAGE)
    more = {"IsTruncated": True, "Marker": str(last)} if last < len(asked) else {"IsTruncated": False}
    return {"EvaluationResults": asked[first:last], **more}
