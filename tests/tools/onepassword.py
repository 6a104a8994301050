"""1Password Connect as its own Python SDK sees it: OP_CONNECT_HOST and OP_CONNECT_TOKEN, nothing else."""

import os
import unittest
import urllib.error
import urllib.request

from onepasswordconnectsdk import new_client, new_client_from_environment
from onepasswordconnectsdk.errors import FailedToRetrieveItemException, FailedToRetrieveVaultException
from onepasswordconnectsdk.models import Field, FieldSection, GeneratorRecipe, Item, ItemUrls, ItemVault, Section

HOST = os.environ["OP_CONNECT_HOST"]


class Connect(unittest.TestCase):
    def setUp(self):
        self.client = new_client_from_environment()
        self.vault = self.client.get_vaults()[0]

    def create(self, title, password="first", **more):
        item = Item(
            vault=ItemVault(id=self.vault.id),
            title=title,
            category="LOGIN",
            fields=[
                Field(id="username", type="STRING", purpose="USERNAME", value="jovyan"),
                Field(id="password", type="CONCEALED", purpose="PASSWORD", value=password),
            ],
            **more,
        )
        created = self.client.create_item(self.vault.id, item)
        self.addCleanup(self.remove, created.id)
        return created

    def remove(self, item_id):
        try:
            self.client.delete_item(item_id, self.vault.id)
        except FailedToRetrieveItemException:
            pass  # the test did it

    def value(self, item, label):
        return next(field.value for field in item.fields if field.label == label)

    def test_a_vault_is_found_by_its_name_and_its_id(self):
        self.assertEqual(len(self.vault.id), 26)
        by_name = self.client.get_vault_by_title(self.vault.name)
        self.assertEqual(by_name.id, self.vault.id)
        by_id = self.client.get_vault(self.vault.id)
        self.assertEqual((by_id.name, by_id.type), (self.vault.name, "USER_CREATED"))
        with self.assertRaises(FailedToRetrieveItemException):
            self.client.get_vault_by_title("no such vault")

    def test_an_item_is_created_and_read_by_title_and_id(self):
        created = self.create("read me", tags=["notebooks"], urls=[ItemUrls(primary=True, href="https://example.com")])
        self.assertEqual(created.version, 1)
        for found in (
            self.client.get_item("read me", self.vault.name),
            self.client.get_item(created.id, self.vault.id),
        ):
            self.assertEqual((found.id, found.category, found.tags), (created.id, "LOGIN", ["notebooks"]))
            self.assertEqual(found.urls[0].href, "https://example.com")
            self.assertEqual(self.value(found, "username"), "jovyan")
            self.assertEqual(self.value(found, "password"), "first")

    def test_a_rotation_is_a_new_version_of_the_same_item(self):
        item = self.create("rotate me")
        next(field for field in item.fields if field.label == "password").value = "second"
        rotated = self.client.update_item(item.id, self.vault.id, item)
        self.assertEqual((rotated.id, rotated.version), (item.id, 2))
        read = self.client.get_item(item.id, self.vault.id)
        self.assertEqual((self.value(read, "password"), self.value(read, "username")), ("second", "jovyan"))
        self.assertEqual(read.created_at, item.created_at)

    def test_connect_makes_a_value_by_its_recipe(self):
        item = self.create("generate me")
        field = next(field for field in item.fields if field.label == "password")
        field.value, field.generate = None, True
        field.recipe = GeneratorRecipe(length=24, character_sets=["LETTERS", "DIGITS"])
        first = self.value(self.client.update_item(item.id, self.vault.id, item), "password")
        second = self.value(self.client.update_item(item.id, self.vault.id, item), "password")
        self.assertRegex(first, "^[a-zA-Z0-9]{24}$")
        self.assertNotEqual(first, second)

    def test_sections_group_fields(self):
        item = self.create("with a section")
        item.sections = [Section(id="extra", label="Extra")]
        item.fields.append(
            Field(id="", type="CONCEALED", label="api token", section=FieldSection(id="extra"), value="t")
        )
        self.client.update_item(item.id, self.vault.id, item)
        read = self.client.get_item(item.id, self.vault.id)
        field = next(field for field in read.fields if field.label == "api token")
        self.assertEqual((field.section.id, read.sections[0].label), ("extra", "Extra"))
        self.assertEqual(len(field.id), 26)

    def test_items_are_listed_with_filters_and_without_fields(self):
        self.create("one", tags=["list"])
        self.create("two", tags=["list", "other"])
        titles = lambda query: [item.title for item in self.client.get_items(self.vault.id, query)]
        self.assertEqual(titles('title eq "two"'), ["two"])
        self.assertEqual(titles('tag eq "list"'), ["one", "two"])
        self.assertEqual(titles('tag eq "nothing"'), [])
        self.assertIn("one", [item.title for item in self.client.get_items(self.vault.id)])
        with self.assertRaisesRegex(FailedToRetrieveItemException, "Invalid filter"):
            self.client.get_items(self.vault.id, "title eq '")

    def test_a_deleted_item_is_gone(self):
        item = self.create("delete me")
        self.client.delete_item(item.id, self.vault.id)
        with self.assertRaisesRegex(FailedToRetrieveItemException, "Found 0 items"):
            self.client.get_item("delete me", self.vault.id)
        with self.assertRaisesRegex(FailedToRetrieveItemException, f"item {item.id} not found"):
            self.client.delete_item(item.id, self.vault.id)

    def test_an_item_without_files_has_none(self):
        item = self.create("no files")
        self.assertEqual(self.client.get_files(item.id, self.vault.id), [])
        with self.assertRaisesRegex(FailedToRetrieveItemException, "not found"):
            self.client.get_file("a" * 26, item.id, self.vault.id)

    def test_what_connect_cannot_keep_is_refused(self):
        item = Item(vault=ItemVault(id=self.vault.id), title="custom", category="CUSTOM")
        with self.assertRaisesRegex(FailedToRetrieveItemException, "Invalid item category"):
            self.client.create_item(self.vault.id, item)

    def test_wrong_tokens_are_refused(self):
        token = os.environ["OP_CONNECT_TOKEN"]
        head, claims, signature = token.split(".")
        for wrong, message in (
            ("garbage", "Invalid bearer token"),
            (f"{head}.{claims}", "Invalid bearer token"),
            (f"{head}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}", "Invalid token signature"),
        ):
            client = new_client(HOST, wrong)
            with self.assertRaisesRegex(FailedToRetrieveVaultException, f"401.*{message}"):
                client.get_vaults()

    def test_nobody_comes_in_without_a_token(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{HOST}/v1/vaults")
        self.assertEqual(refused.exception.code, 401)
        with urllib.request.urlopen(f"{HOST}/heartbeat") as alive:
            self.assertEqual(alive.read(), b".")


if __name__ == "__main__":
    unittest.main(verbosity=2)
