"""STS and IAM as the SageMaker SDKs use them to find and check an execution role."""

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import iam, sts
from local_sagemaker.operations.context import Context
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return make_context(tmp_path_factory.mktemp("state"))


def test_the_caller_is_a_role_that_exists(context: Context) -> None:
    caller = sts.get_caller_identity(context, {})
    check_response("sts", "GetCallerIdentity", caller)
    # How both SDKs' get_execution_role makes a role's name of the caller's ARN.
    role_arn = re.sub(r"^(.+)sts::(\d+):assumed-role/(.+?)/.*$", r"\1iam::\2:role/\3", caller["Arn"])
    answer = iam.get_role(context, {"RoleName": role_arn.rpartition("/")[2]})
    check_response("iam", "GetRole", answer)
    assert answer["Role"]["Arn"] == role_arn
    trust = json.loads(unquote(answer["Role"]["AssumeRolePolicyDocument"]))
    assert trust["Statement"][0]["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Statement"][0]["Action"] == "sts:AssumeRole"


def test_everything_is_allowed(context: Context) -> None:
    asked: dict[str, Any] = {"PolicySourceArn": "arn:aws:iam::123456789012:role/r", "ActionNames": ["s3:Get", "s3:Put"]}
    answer = iam.simulate_principal_policy(context, {**asked, "ResourceArns": ["arn:1", "arn:2"]})
    check_response("iam", "SimulatePrincipalPolicy", answer)
    found = [(result["EvalActionName"], result["EvalResourceName"]) for result in answer["EvaluationResults"]]
    assert found == [("s3:Get", "arn:1"), ("s3:Get", "arn:2"), ("s3:Put", "arn:1"), ("s3:Put", "arn:2")]
    assert {result["EvalDecision"] for result in answer["EvaluationResults"]} == {"allowed"}
    first = iam.simulate_principal_policy(context, {**asked, "MaxItems": 1})
    assert first["IsTruncated"] is True
    rest = iam.simulate_principal_policy(context, {**asked, "Marker": first["Marker"]})
    assert rest["IsTruncated"] is False
    assert [result["EvalActionName"] for result in rest["EvaluationResults"]] == ["s3:Put"]
    for bad in ({"Marker": "x"}, {"Marker": "9"}, {"PolicyInputList": ["{}"]}):
        with pytest.raises(ValidationException):
            iam.simulate_principal_policy(context, {**asked, **bad})
