"""AWS Secrets Manager and STS, as boto3 finds them in the lab's environment."""
import json
import unittest
import uuid

import boto3
from botocore.exceptions import ClientError


class SecretsManager(unittest.TestCase):
    def setUp(self):
        self.client = boto3.client("secretsmanager")
        self.name = f"team/{uuid.uuid4()}"

    def create(self, **fields):
        return self.client.create_secret(Name=self.name, SecretString=json.dumps(fields))

    def read(self, **which):
        return json.loads(self.client.get_secret_value(SecretId=self.name, **which)["SecretString"])

    def refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"]["Message"]

    def test_a_rotated_secret_is_read_by_stage_and_by_version(self):
        first = self.create(password="one")["VersionId"]
        second = self.client.put_secret_value(SecretId=self.name, SecretString='{"password": "two"}')["VersionId"]
        self.assertEqual(self.read(), {"password": "two"})
        self.assertEqual(self.read(VersionStage="AWSPREVIOUS"), {"password": "one"})
        self.assertEqual(self.read(VersionId=first), {"password": "one"})
        stages = self.client.describe_secret(SecretId=self.name)["VersionIdsToStages"]
        self.assertEqual(stages, {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]})

    def test_a_pending_version_is_promoted_and_rolled_back(self):
        first = self.create(password="one")["VersionId"]
        second = self.client.put_secret_value(
            SecretId=self.name, SecretString='{"password": "two"}', VersionStages=["AWSPENDING"]
        )["VersionId"]
        self.assertEqual(self.read(), {"password": "one"})
        move = dict(SecretId=self.name, VersionStage="AWSCURRENT")
        self.client.update_secret_version_stage(**move, MoveToVersionId=second, RemoveFromVersionId=first)
        self.assertEqual(self.read(), {"password": "two"})
        self.client.update_secret_version_stage(**move, MoveToVersionId=first, RemoveFromVersionId=second)
        self.assertEqual(self.read(), {"password": "one"})

    def test_a_deleted_secret_is_restored_or_gone(self):
        self.create(password="one")
        self.client.delete_secret(SecretId=self.name, RecoveryWindowInDays=7)
        self.refused("InvalidRequestException", self.client.get_secret_value, SecretId=self.name)
        self.client.restore_secret(SecretId=self.name)
        self.assertEqual(self.read(), {"password": "one"})
        self.client.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)
        self.refused("ResourceNotFoundException", self.client.get_secret_value, SecretId=self.name)

    def test_secrets_are_listed_page_by_page(self):
        names = {f"{self.name}/{number}" for number in range(7)}
        for name in names:
            self.client.create_secret(Name=name, SecretString="x")
        pages = self.client.get_paginator("list_secrets").paginate(
            Filters=[{"Key": "name", "Values": [self.name]}], PaginationConfig={"PageSize": 3}
        )
        pages = [{secret["Name"] for secret in page["SecretList"]} for page in pages]
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual(set.union(*pages), names)

    def test_the_same_secret_is_there_under_the_clouds_own_name(self):
        self.create(password="one")
        direct, self.client = self.client, boto3.client(
            "secretsmanager", endpoint_url="https://secretsmanager.us-east-1.amazonaws.com"
        )
        self.assertNotEqual(direct.meta.endpoint_url, self.client.meta.endpoint_url)
        self.assertEqual(self.read(), {"password": "one"})

    def test_wrong_credentials_are_refused(self):
        self.create(password="one")
        right = boto3.Session().get_credentials()
        stranger = boto3.client("secretsmanager", aws_access_key_id="AKIAAAAAAAAAAAAAAAAA", aws_secret_access_key="x" * 40)
        self.refused("UnrecognizedClientException", stranger.get_secret_value, SecretId=self.name)
        forger = boto3.client("secretsmanager", aws_access_key_id=right.access_key, aws_secret_access_key="x" * 40)
        self.refused("InvalidSignatureException", forger.get_secret_value, SecretId=self.name)

    def test_a_secret_that_is_not_there_is_not_found(self):
        message = self.refused("ResourceNotFoundException", self.client.get_secret_value, SecretId=self.name)
        self.assertEqual(message, "Secrets Manager can't find the specified secret.")


class SecurityTokenService(unittest.TestCase):
    def test_the_caller_is_told_who_it_is(self):
        self.assertRegex(boto3.client("sts").get_caller_identity()["Arn"], r"^arn:aws:iam::\d{12}:")

    def test_a_garbage_web_identity_is_refused(self):
        with self.assertRaises(ClientError) as caught:
            boto3.client("sts").assume_role_with_web_identity(
                RoleArn="arn:aws:iam::123456789012:role/eso", RoleSessionName="test", WebIdentityToken="garbage"
            )
        self.assertEqual(caught.exception.response["Error"]["Code"], "InvalidIdentityToken")


if __name__ == "__main__":
    unittest.main(verbosity=2)
