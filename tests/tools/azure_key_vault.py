"""Azure Key Vault and the identity platform, as Azure's SDKs find them in the lab's environment."""
import os
import unittest
import uuid

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity import ClientSecretCredential, EnvironmentCredential
from azure.keyvault.secrets import ApiVersion, SecretClient

URL = os.environ["ROTAPROOF_AZURE_VAULT_URL"]


class KeyVault(unittest.TestCase):
    def setUp(self):
        self.client = SecretClient(URL, EnvironmentCredential())
        self.addCleanup(self.client.close)
        self.name = f"team-{uuid.uuid4()}"

    def read(self, *version):
        return self.client.get_secret(self.name, *version).value

    def deleted(self):
        return self.client.begin_delete_secret(self.name, _polling_interval=0.01).result()

    def test_a_rotated_secret_is_read_now_and_by_version(self):
        first = self.client.set_secret(self.name, "one", content_type="text/plain", tags={"team": "a"})
        second = self.client.set_secret(self.name, "two")
        self.assertEqual(self.read(), "two")
        self.assertEqual(self.read(first.properties.version), "one")
        self.assertEqual(first.properties.tags, {"team": "a"})
        self.assertEqual(first.properties.content_type, "text/plain")
        self.assertRegex(second.properties.version, "^[0-9a-f]{32}$")
        versions = {p.version for p in self.client.list_properties_of_secret_versions(self.name)}
        self.assertEqual(versions, {first.properties.version, second.properties.version})

    def test_a_disabled_version_is_not_read_until_it_is_enabled(self):
        first = self.client.set_secret(self.name, "one").properties.version
        second = self.client.set_secret(self.name, "two").properties.version
        self.client.update_secret_properties(self.name, second, enabled=False)
        with self.assertRaises(HttpResponseError) as caught:
            self.read()
        self.assertEqual(caught.exception.status_code, 403)
        self.assertIn("SecretDisabled", str(caught.exception))
        self.assertEqual(self.read(first), "one")
        self.client.update_secret_properties(self.name, second, enabled=True)
        self.assertEqual(self.read(), "two")

    def test_a_deleted_secret_is_recovered_or_purged(self):
        self.client.set_secret(self.name, "one")
        self.assertEqual(self.deleted().name, self.name)
        with self.assertRaises(ResourceNotFoundError):
            self.read()
        self.assertIn(self.name, [secret.name for secret in self.client.list_deleted_secrets()])
        with self.assertRaises(ResourceExistsError):
            self.client.set_secret(self.name, "two")
        self.client.begin_recover_deleted_secret(self.name, _polling_interval=0.01).result()
        self.assertEqual(self.read(), "one")
        self.deleted()
        self.client.purge_deleted_secret(self.name)
        with self.assertRaises(ResourceNotFoundError):
            self.client.get_deleted_secret(self.name)

    def test_a_backup_is_restored_with_every_version(self):
        first = self.client.set_secret(self.name, "one").properties.version
        self.client.set_secret(self.name, "two")
        backup = self.client.backup_secret(self.name)
        with self.assertRaises(ResourceExistsError):
            self.client.restore_secret_backup(backup)
        self.deleted()
        self.client.purge_deleted_secret(self.name)
        self.client.restore_secret_backup(backup)
        self.assertEqual((self.read(), self.read(first)), ("two", "one"))

    def test_secrets_are_listed_page_by_page(self):
        names = {f"{self.name}-{number}" for number in range(7)}
        for name in names:
            self.client.set_secret(name, "x")
        pages = self.client.list_properties_of_secrets(max_page_size=3).by_page()
        pages = [[secret.name for secret in page] for page in pages]
        self.assertTrue(all(len(page) <= 3 for page in pages))
        self.assertLessEqual(names, {name for page in pages for name in page})

    def test_every_version_of_the_api_is_spoken(self):
        self.client.set_secret(self.name, "one")
        for version in ApiVersion:
            with SecretClient(URL, EnvironmentCredential(), api_version=version) as client:
                self.assertEqual(client.get_secret(self.name).value, "one", version)

    def test_what_does_not_exist_and_what_is_no_name_is_refused(self):
        with self.assertRaises(ResourceNotFoundError) as caught:
            self.read()
        self.assertIn("SecretNotFound", str(caught.exception))
        with self.assertRaises(HttpResponseError) as caught:
            self.client.set_secret("no_name", "x")
        self.assertIn("The request URI contains an invalid name", str(caught.exception))

    def test_wrong_credentials_are_refused_by_the_identity_platform(self):
        tenant, client_id = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"]
        secret = os.environ["AZURE_CLIENT_SECRET"]
        for credential, code in [
            (ClientSecretCredential(tenant, client_id, "wrong"), "AADSTS7000215"),
            (ClientSecretCredential(tenant, str(uuid.uuid4()), secret), "AADSTS700016"),
            (ClientSecretCredential(str(uuid.uuid4()), client_id, secret), "AADSTS90002"),
        ]:
            with self.subTest(code), self.assertRaises((ClientAuthenticationError, ValueError)) as caught:
                # The vault's challenge names its tenant; another one is met by asking for the token itself.
                credential.get_token("https://vault.azure.net/.default")
            if code != "AADSTS90002":
                self.assertIn(code, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
