"""Kubernetes' own Python client, with its strict models, as it finds the lab: KUBECONFIG."""
import base64
import json
import unittest
import uuid

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

config.load_kube_config()


class InNamespace(unittest.TestCase):
    def setUp(self):
        self.core = client.CoreV1Api()
        self.namespace = f"t-{uuid.uuid4().hex[:8]}"
        meta = client.V1ObjectMeta(name=self.namespace)
        self.core.create_namespace(client.V1Namespace(metadata=meta))
        self.addCleanup(self.core.delete_namespace, self.namespace)

    def refused(self, code, reason, call, *arguments, **options):
        with self.assertRaises(ApiException) as caught:
            call(*arguments, **options)
        status = json.loads(caught.exception.body)
        self.assertEqual((caught.exception.status, status["kind"], status["reason"]), (code, "Status", reason))
        return status

    def secret(self, name, **data):
        return client.V1Secret(metadata=client.V1ObjectMeta(name=name, labels={"tier": "one"}), string_data=data)


class Core(InNamespace):
    def test_a_secret_is_created_read_replaced_and_deleted(self):
        made = self.core.create_namespaced_secret(self.namespace, self.secret("s", a="1"))
        self.assertEqual((made.type, base64.b64decode(made.data["a"])), ("Opaque", b"1"))
        read = self.core.read_namespaced_secret("s", self.namespace)
        self.assertEqual(read.metadata.uid, made.metadata.uid)
        read.data["b"] = base64.b64encode(b"2").decode()
        replaced = self.core.replace_namespaced_secret("s", self.namespace, read)
        self.assertEqual(sorted(replaced.data), ["a", "b"])
        status = self.refused(409, "Conflict", self.core.replace_namespaced_secret, "s", self.namespace, read)
        self.assertIn("the object has been modified", status["message"])
        deleted = self.core.delete_namespaced_secret("s", self.namespace)
        self.assertEqual((deleted["status"], deleted["details"]["uid"]), ("Success", made.metadata.uid))
        self.refused(404, "NotFound", self.core.read_namespaced_secret, "s", self.namespace)

    def test_lists_select_and_come_in_chunks(self):
        for name in ["a", "b", "c"]:
            self.core.create_namespaced_secret(self.namespace, self.secret(name))
        first = self.core.list_namespaced_secret(self.namespace, limit=2)
        self.assertEqual((len(first.items), first.metadata.remaining_item_count), (2, 1))
        rest = self.core.list_namespaced_secret(self.namespace, limit=2, _continue=first.metadata._continue)
        self.assertEqual([secret.metadata.name for secret in rest.items], ["c"])
        one = self.core.list_namespaced_secret(self.namespace, label_selector="tier=one", field_selector="metadata.name=b")
        self.assertEqual([secret.metadata.name for secret in one.items], ["b"])

    def test_three_kinds_of_patches(self):
        body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="m"), data={"a": "1", "b": "2"})
        self.core.create_namespaced_config_map(self.namespace, body)
        patch = lambda body: self.core.patch_namespaced_config_map("m", self.namespace, body).data
        # The client sends a list as a JSON patch, and anything else as a strategic merge patch.
        self.assertEqual(patch([{"op": "remove", "path": "/data/a"}]), {"b": "2"})
        self.assertEqual(patch({"data": {"b": None, "c": "3"}}), {"c": "3"})

    def test_a_watch_continues_where_the_list_was(self):
        before = self.core.list_namespaced_config_map(self.namespace).metadata.resource_version
        names = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="m"))
        self.core.create_namespaced_config_map(self.namespace, names)
        self.core.patch_namespaced_config_map("m", self.namespace, {"data": {"a": "1"}})
        self.core.delete_namespaced_config_map("m", self.namespace)
        stream = watch.Watch().stream(
            self.core.list_namespaced_config_map, self.namespace, resource_version=before, timeout_seconds=1)
        self.assertEqual([event["type"] for event in stream if event["object"].metadata.name == "m"], ["ADDED", "MODIFIED", "DELETED"])

    def test_what_is_invalid_has_its_causes(self):
        status = self.refused(422, "Invalid", self.core.create_namespaced_secret, self.namespace, self.secret("Not A Name"))
        self.assertEqual([cause["field"] for cause in status["details"]["causes"]], ["metadata.name"])
        self.refused(404, "NotFound", self.core.create_namespaced_secret, "nowhere", self.secret("s"))
        self.core.create_namespaced_secret(self.namespace, self.secret("s"))
        self.refused(409, "AlreadyExists", self.core.create_namespaced_secret, self.namespace, self.secret("s"))

    def test_a_token_is_of_its_account(self):
        account = client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="robot"))
        self.core.create_namespaced_service_account(self.namespace, account)
        request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=["vault"], expiration_seconds=600))
        token = self.core.create_namespaced_service_account_token("robot", self.namespace, request).status.token
        review = client.V1TokenReview(spec=client.V1TokenReviewSpec(token=token, audiences=["vault"]))
        reviewed = client.AuthenticationV1Api().create_token_review(review).status
        self.assertTrue(reviewed.authenticated)
        self.assertEqual(reviewed.user.username, f"system:serviceaccount:{self.namespace}:robot")

    def test_workloads_pass_the_strict_models(self):
        container = client.V1Container(name="c", image="busybox", command=["true"])
        spec = client.V1PodSpec(restart_policy="Never", containers=[container])
        job = client.V1Job(
            metadata=client.V1ObjectMeta(name="j"), spec=client.V1JobSpec(backoff_limit=0, template=client.V1PodTemplateSpec(spec=spec)))
        batch = client.BatchV1Api()
        made = batch.create_namespaced_job(self.namespace, job)
        self.assertEqual((made.spec.backoff_limit, made.spec.completions), (0, 1))
        self.assertEqual(batch.list_namespaced_job(self.namespace).items[0].metadata.name, "j")
        self.core.list_namespaced_pod(self.namespace)
        self.core.list_namespaced_event(self.namespace)
        client.AppsV1Api().list_namespaced_deployment(self.namespace)


class Custom(InNamespace):
    GROUP = {"group": "external-secrets.io", "version": "v1", "plural": "externalsecrets"}

    def body(self, name):
        return {
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": name},
            "spec": {"secretStoreRef": {"name": "none"}, "data": [{"secretKey": "k", "remoteRef": {"key": "r"}}]},
        }

    def test_an_object_is_defaulted_patched_and_deleted(self):
        objects = client.CustomObjectsApi()
        where = {"namespace": self.namespace, **self.GROUP}
        made = objects.create_namespaced_custom_object(body=self.body("e"), **where)
        self.assertEqual((made["spec"]["refreshInterval"], made["spec"]["target"]["creationPolicy"]), ("1h0m0s", "Owner"))
        patched = objects.patch_namespaced_custom_object(name="e", body={"spec": {"refreshInterval": "2h"}}, **where)
        self.assertEqual((patched["spec"]["refreshInterval"], patched["metadata"]["generation"]), ("2h", 2))
        listed = objects.list_namespaced_custom_object(**where)
        self.assertEqual((listed["kind"], len(listed["items"])), ("ExternalSecretList", 1))
        objects.delete_namespaced_custom_object(name="e", **where)

    def test_a_definition_is_served_from_its_creation_on_and_gone_with_it(self):
        group = f"g{uuid.uuid4().hex[:6]}.example.com"
        schema = client.V1JSONSchemaProps(type="object", properties={"spec": client.V1JSONSchemaProps(
            type="object", properties={"size": client.V1JSONSchemaProps(type="integer", default=3, maximum=9)})})
        definition = client.V1CustomResourceDefinition(
            metadata=client.V1ObjectMeta(name=f"things.{group}"),
            spec=client.V1CustomResourceDefinitionSpec(
                group=group, scope="Namespaced",
                names=client.V1CustomResourceDefinitionNames(kind="Thing", plural="things", singular="thing"),
                versions=[client.V1CustomResourceDefinitionVersion(
                    name="v1", served=True, storage=True, schema=client.V1CustomResourceValidation(open_apiv3_schema=schema))]))
        definitions = client.ApiextensionsV1Api()
        definitions.create_custom_resource_definition(definition)
        seen = watch.Watch().stream(definitions.list_custom_resource_definition,
                                    field_selector=f"metadata.name=things.{group}", timeout_seconds=30)
        conditions = (event["object"].status.conditions for event in seen if event["object"].status)
        established = next((made for made in conditions if made), [])
        self.assertIn("Established", [condition.type for condition in established])
        objects = client.CustomObjectsApi()
        where = {"group": group, "version": "v1", "plural": "things", "namespace": self.namespace}
        thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {}}
        self.assertEqual(objects.create_namespaced_custom_object(body=thing, **where)["spec"], {"size": 3})
        thing = {**thing, "metadata": {"name": "u"}, "spec": {"size": 10}}
        status = self.refused(422, "Invalid", objects.create_namespaced_custom_object, body=thing, **where)
        self.assertIn("should be less than or equal to 9", status["message"])
        definitions.delete_custom_resource_definition(f"things.{group}")


if __name__ == "__main__":
    unittest.main()
