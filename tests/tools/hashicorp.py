"""HashiCorp Vault, as hvac finds it in the lab's environment: VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT."""
import os
import unittest
import uuid

import hvac
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest


class KeyValue(unittest.TestCase):
    def setUp(self):
        self.client = hvac.Client(verify=os.environ["VAULT_CACERT"])
        self.assertTrue(self.client.is_authenticated())
        self.kv = self.client.secrets.kv.v2
        self.path = f"team/{uuid.uuid4()}"

    def write(self, password, **options):
        written = self.kv.create_or_update_secret(path=self.path, secret={"password": password}, **options)
        return written["data"]["version"]

    def read(self, **which):
        read = self.kv.read_secret_version(path=self.path, raise_on_deleted_version=True, **which)
        return read["data"]["data"]["password"]

    def test_a_rotated_secret_is_read_new_and_by_its_version(self):
        self.assertEqual([self.write("one", cas=0), self.write("two", cas=1)], [1, 2])
        self.assertEqual(self.read(), "two")
        self.assertEqual(self.read(version=1), "one")
        with self.assertRaises(InvalidRequest) as caught:
            self.write("three", cas=1)
        self.assertIn("check-and-set parameter did not match the current version", str(caught.exception))

    def test_a_patch_changes_only_its_fields(self):
        self.kv.create_or_update_secret(path=self.path, secret={"username": "a", "password": "one"})
        self.kv.patch(path=self.path, secret={"password": "two"})
        read = self.kv.read_secret_version(path=self.path, raise_on_deleted_version=True)
        self.assertEqual(read["data"]["data"], {"username": "a", "password": "two"})

    def test_a_deleted_version_comes_back_and_a_destroyed_one_does_not(self):
        self.write("one")
        self.kv.delete_latest_version_of_secret(path=self.path)
        self.assertRaises(InvalidPath, self.read)
        self.kv.undelete_secret_versions(path=self.path, versions=[1])
        self.assertEqual(self.read(), "one")
        self.kv.destroy_secret_versions(path=self.path, versions=[1])
        self.kv.undelete_secret_versions(path=self.path, versions=[1])
        self.assertRaises(InvalidPath, self.read)

    def test_a_secret_is_listed_and_gone_with_its_metadata(self):
        folder, name = self.path.rsplit("/", 1)
        self.write("one")
        self.assertIn(name, self.kv.list_secrets(path=folder)["data"]["keys"])
        versions = self.kv.read_secret_metadata(path=self.path)["data"]["versions"]
        self.assertEqual(list(versions), ["1"])
        self.kv.delete_metadata_and_all_versions(path=self.path)
        self.assertRaises(InvalidPath, self.read)

    def test_wrong_tokens_are_refused(self):
        self.write("one")
        for token in ["hvs.garbage", ""]:
            self.kv = hvac.Client(verify=os.environ["VAULT_CACERT"], token=token).secrets.kv.v2
            with self.assertRaises(Forbidden) as caught:
                self.read()
            self.assertIn("permission denied", str(caught.exception))

    def test_a_login_without_a_role_for_it_is_refused(self):
        with self.assertRaises((Forbidden, InvalidRequest, InvalidPath)):
            self.client.auth.kubernetes.login(role="jupyter-validator", jwt="garbage")


class Server(unittest.TestCase):
    def test_health_says_that_it_is_unsealed(self):
        client = hvac.Client(verify=os.environ["VAULT_CACERT"])
        health = client.sys.read_health_status(method="GET")
        self.assertEqual((health["initialized"], health["sealed"]), (True, False))

    def test_an_unknown_path_is_not_supported(self):
        client = hvac.Client(verify=os.environ["VAULT_CACERT"])
        with self.assertRaises(InvalidPath) as caught:
            client.adapter.get("/v1/nothing/here")
        self.assertIn("no handler for route", str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
