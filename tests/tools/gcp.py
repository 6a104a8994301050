"""GCP Secret Manager, as Google's own library finds it in the lab's environment: a key file, and the proxy or the direct endpoint."""
import json
import os
import unittest
import uuid

import google.auth.exceptions
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.cloud import secretmanager
from google.oauth2 import service_account

PROJECT = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}"
KEY_FILE = os.environ["GOOGLE_APPLICATION_CREDENTIALS"]
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
State = secretmanager.SecretVersion.State


def another_key():
    """The administrator's key file with a key that is not theirs."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    with open(KEY_FILE) as file:
        info = json.load(file)
    info["private_key"] = (
        rsa.generate_private_key(65537, 2048)
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )
    return service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])


class Api:
    """What holds over either transport; the errors are those that REST tells apart, gRPC's are kinds of them."""

    def setUp(self):
        self.client = self.connect()
        self.id = f"key-{uuid.uuid4()}"
        self.name = f"{PROJECT}/secrets/{self.id}"

    def create(self, *payloads):
        self.client.create_secret(
            parent=PROJECT, secret_id=self.id, secret={"replication": {"automatic": {}}, "labels": {"test": self.id}}
        )
        for payload in payloads:
            self.add(payload)

    def add(self, payload):
        return self.client.add_secret_version(parent=self.name, payload={"data": payload})

    def read(self, version="latest"):
        return self.client.access_secret_version(name=f"{self.name}/versions/{version}").payload.data

    def test_a_rotated_secret_is_read_by_latest_and_a_pin_stays(self):
        self.create(b"one")
        self.assertEqual(self.read(), b"one")
        added = self.add(b"two")
        self.assertTrue(added.name.endswith("/versions/2"))
        self.assertEqual((self.read(), self.read("1")), (b"two", b"one"))

    def test_an_alias_is_moved(self):
        self.create(b"one", b"two")
        for version in (1, 2):
            self.client.update_secret(
                secret={"name": self.name, "version_aliases": {"good": version}},
                update_mask={"paths": ["version_aliases"]},
            )
            self.assertEqual(self.read("good"), [b"one", b"two"][version - 1])

    def test_latest_never_falls_back_from_a_disabled_version(self):
        self.create(b"one", b"two")
        newest = f"{self.name}/versions/2"
        self.assertEqual(self.client.disable_secret_version(name=newest).state, State.DISABLED)
        with self.assertRaisesRegex(exceptions.BadRequest, "DISABLED state"):
            self.read()
        self.assertEqual(self.read("1"), b"one")
        self.assertEqual(self.client.enable_secret_version(name=newest).state, State.ENABLED)
        self.assertEqual(self.read(), b"two")

    def test_a_destroyed_version_is_gone_and_a_deleted_secret_too(self):
        self.create(b"one")
        destroyed = self.client.destroy_secret_version(name=f"{self.name}/versions/1")
        self.assertEqual(destroyed.state, State.DESTROYED)
        self.assertIsNotNone(destroyed.destroy_time)
        with self.assertRaisesRegex(exceptions.BadRequest, "DESTROYED state"):
            self.read()
        self.client.delete_secret(name=self.name)
        with self.assertRaises(exceptions.NotFound):
            self.client.get_secret(name=self.name)

    def test_versions_and_secrets_are_listed_page_by_page(self):
        self.create(*[str(number).encode() for number in range(5)])
        pages = self.client.list_secret_versions(request={"parent": self.name, "page_size": 2}).pages
        self.assertEqual([len(page.versions) for page in pages], [2, 2, 1])
        listed = self.client.list_secrets(request={"parent": PROJECT, "filter": f"labels.test={self.id}", "page_size": 1})
        self.assertEqual([secret.name.rsplit("/", 1)[1] for secret in listed], [self.id])

    def test_a_stale_etag_a_wrong_checksum_and_a_second_secret_of_the_name_are_refused(self):
        self.create(b"one")
        with self.assertRaises(exceptions.BadRequest):
            self.client.delete_secret(request={"name": self.name, "etag": '"stale"'})
        with self.assertRaises(exceptions.BadRequest):
            self.client.add_secret_version(parent=self.name, payload={"data": b"two", "data_crc32c": 1})
        with self.assertRaises(exceptions.Conflict):
            self.create()

    def test_another_project_is_refused(self):
        with self.assertRaises(exceptions.Forbidden) as caught:
            self.client.access_secret_version(name="projects/other/secrets/x/versions/latest")
        self.assertEqual(caught.exception.reason, "IAM_PERMISSION_DENIED")

    def test_another_key_is_refused(self):
        self.create(b"one")
        self.client = self.connect(credentials=another_key())
        # By the API for a token that the key signed itself, or by the token endpoint for what it signed for one.
        with self.assertRaises((exceptions.Unauthorized, google.auth.exceptions.RefreshError)):
            self.read()

    def test_a_token_of_the_token_endpoint_is_as_good(self):
        self.create(b"one")
        from google.auth.transport.requests import Request

        credentials = service_account.Credentials.from_service_account_file(KEY_FILE, scopes=[SCOPE])
        credentials.refresh(Request())
        self.assertTrue(credentials.token.startswith("ya29."))
        self.client = self.connect(credentials=credentials)
        self.assertEqual(self.read(), b"one")


class Grpc(Api, unittest.TestCase):
    def connect(self, **how):
        return secretmanager.SecretManagerServiceClient(**how)


class Rest(Api, unittest.TestCase):
    def connect(self, **how):
        return secretmanager.SecretManagerServiceClient(transport="rest", **how)


class Direct(Api, unittest.TestCase):
    def connect(self, **how):
        endpoint = os.environ["ROTAPROOF_GCP_ENDPOINT"].removeprefix("https://")
        return secretmanager.SecretManagerServiceClient(client_options=ClientOptions(api_endpoint=endpoint), **how)


if __name__ == "__main__":
    unittest.main()
