"""kubectl 1.34, as it finds the lab: KUBECONFIG. What is asserted is what it says against a Kubernetes 1.34."""
import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import uuid

import boto3

SEED = pathlib.Path(__file__).resolve().parents[2] / "scenarios" / "seed"
TIMEOUT = "--timeout=20s"


def kubectl(*arguments, stdin=None, code=0, env=None):
    """Standard output and standard error; the exit code has to be as expected."""
    ran = subprocess.run(
        ["kubectl", *arguments], input=stdin, text=True, capture_output=True, timeout=60, env={**os.environ, **(env or {})}
    )
    assert ran.returncode == code, f"kubectl {' '.join(arguments)}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout, ran.stderr


def said(*arguments, **options):
    return kubectl(*arguments, **options)[0].strip()


def refused(*arguments, code=1, **options):
    return kubectl(*arguments, code=code, **options)[1].strip()


def table(text):
    """The cells of what `get` printed, by row; two spaces or more part them."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.strip().splitlines()]


class InNamespace(unittest.TestCase):
    """A namespace of its own for each test."""

    maxDiff = None

    def setUp(self):
        self.namespace = f"t-{uuid.uuid4().hex[:8]}"
        said("create", "namespace", self.namespace)
        self.addCleanup(kubectl, "delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found")

    def k(self, *arguments, **options):
        return said("-n", self.namespace, *arguments, **options)

    def no(self, *arguments, **options):
        return refused("-n", self.namespace, *arguments, **options)

    def json(self, *arguments):
        return json.loads(self.k("get", *arguments, "-o", "json"))

    def apply(self, manifest, *arguments, **options):
        return self.k("apply", *arguments, "-f", "-", stdin=manifest, **options)


MAP = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {tier: one}
data:
"""


class Get(InNamespace):
    def setUp(self):
        super().setUp()
        self.k("create", "secret", "generic", "one", "--from-literal=a=1", "--from-literal=b=2")
        self.k("create", "secret", "generic", "two", "--type=example.com/other")
        self.k("label", "secret", "two", "tier=two")

    def test_a_table_has_the_kinds_own_columns(self):
        rows = table(self.k("get", "secrets"))
        self.assertEqual(rows[0], ["NAME", "TYPE", "DATA", "AGE"])
        self.assertEqual([row[:3] for row in rows[1:]], [["one", "Opaque", "2"], ["two", "example.com/other", "0"]])
        self.assertRegex(rows[1][3], r"^\d+s$")
        self.assertEqual(table(self.k("get", "configmaps,sa", "--no-headers"))[-1][:2], ["serviceaccount/default", "0"])

    def test_wide_namespaces_labels_and_sorting_add_to_it(self):
        rows = table(said("get", "secrets", "-A", "--field-selector", f"metadata.namespace={self.namespace}"))
        self.assertEqual((rows[0][0], rows[1][0]), ("NAMESPACE", self.namespace))
        self.assertIn("tier=two", self.k("get", "secrets", "--show-labels"))
        names = [row[0] for row in table(self.k("get", "secrets", "--sort-by=.type", "--no-headers"))]
        self.assertEqual(names, ["one", "two"])

    def test_selectors_choose(self):
        self.assertEqual(self.k("get", "secrets", "-l", "tier=two", "-o", "name"), "secret/two")
        self.assertEqual(self.k("get", "secrets", "-l", "tier notin (two)", "-o", "name"), "secret/one")
        self.assertEqual(self.k("get", "secrets", "--field-selector", "type=Opaque", "-o", "name"), "secret/one")
        self.assertIn("field label not supported: data.a", self.no("get", "secrets", "--field-selector", "data.a=1"))

    def test_every_output_has_the_object(self):
        self.assertEqual(self.json("secret", "one")["data"], {"a": "MQ==", "b": "Mg=="})
        self.assertIn("  a: MQ==\n", self.k("get", "secret", "one", "-o", "yaml"))
        self.assertEqual(self.k("get", "secret", "one", "-o", "jsonpath={.data.a}"), "MQ==")
        columns = table(self.k("get", "secrets", "-o", "custom-columns=NAME:.metadata.name,A:.data.a"))
        self.assertEqual(columns, [["NAME", "A"], ["one", "MQ=="], ["two", "<none>"]])
        self.assertEqual(self.k("get", "secrets", "--chunk-size=1", "-o", "name").split(), ["secret/one", "secret/two"])

    def test_what_is_not_there_is_told_in_kubernetes_words(self):
        self.assertEqual(self.no("get", "secret", "none"), 'Error from server (NotFound): secrets "none" not found')
        self.assertEqual(self.no("get", "nothings"), 'error: the server doesn\'t have a resource type "nothings"')
        self.assertEqual(self.no("get", "events", code=0), f"No resources found in {self.namespace} namespace.")
        self.assertIn("the server doesn't have a resource type", self.no("get", "things.example.com"))

    def test_a_watch_prints_what_changes(self):
        command = ["kubectl", "-n", self.namespace, "get", "configmaps", "settings", "--watch", "--output-watch-events"]
        self.apply(MAP + "  a: one\n")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
            try:
                self.assertEqual(watch.stdout.readline().split(), ["EVENT", "NAME", "DATA", "AGE"])
                self.assertEqual(watch.stdout.readline().split()[:3], ["ADDED", "settings", "1"])
                self.k("patch", "configmap", "settings", "--type=merge", "-p", '{"data": {"b": "two"}}')
                self.assertEqual(watch.stdout.readline().split()[:3], ["MODIFIED", "settings", "2"])
                self.k("delete", "configmap", "settings")
                self.assertEqual(watch.stdout.readline().split()[:3], ["DELETED", "settings", "2"])
            finally:
                watch.kill()

    def test_all_is_what_the_category_has(self):
        self.k("create", "cronjob", "tick", "--image=busybox", "--schedule=0 3 1 1 *", "--", "true")
        self.assertIn("cronjob.batch/tick", self.k("get", "all"))


class Apply(InNamespace):
    def test_what_is_left_out_goes_and_what_others_wrote_stays(self):
        self.assertEqual(self.apply(MAP + "  a: one\n  b: two\n"), "configmap/settings created")
        self.k("patch", "configmap", "settings", "--type=merge", "-p", '{"data": {"theirs": "kept"}}')
        self.assertEqual(self.apply(MAP + "  a: one\n"), "configmap/settings configured")
        self.assertEqual(self.apply(MAP + "  a: one\n"), "configmap/settings unchanged")
        live = self.json("configmap", "settings")
        self.assertEqual(live["data"], {"a": "one", "theirs": "kept"})
        last = json.loads(live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])
        self.assertEqual(last["data"], {"a": "one"})

    def test_a_conflict_names_the_manager_and_is_won_by_force(self):
        apply = ["--server-side", "--field-manager=one"]
        self.assertEqual(self.apply(MAP + "  a: one\n", *apply), "configmap/settings serverside-applied")
        text = self.no("apply", "--server-side", "--field-manager=two", "-f", "-", stdin=MAP + "  a: two\n")
        self.assertIn('error: Apply failed with 1 conflict: conflict with "one": .data.a', text)
        self.assertIn("Please review the fields above", text)
        self.apply(MAP + "  a: two\n", "--server-side", "--field-manager=two", "--force-conflicts")
        self.assertEqual(self.json("configmap", "settings")["data"], {"a": "two"})
        managed = json.loads(self.k("get", "configmap", "settings", "-o", "json", "--show-managed-fields"))
        managers = [entry["manager"] for entry in managed["metadata"]["managedFields"]]
        self.assertEqual(sorted(managers), ["one", "two"])

    def test_a_difference_is_shown_and_applies_nothing(self):
        self.apply(MAP + "  a: one\n")
        shown = self.k("diff", "-f", "-", stdin=MAP + "  a: two\n", code=1)
        self.assertIn("\n-  a: one\n+  a: two", shown)
        self.assertEqual(self.k("diff", "-f", "-", stdin=MAP + "  a: one\n"), "")
        self.assertEqual(self.json("configmap", "settings")["data"], {"a": "one"})

    def test_a_dry_run_answers_and_changes_nothing(self):
        out = self.apply(MAP + "  a: one\n", "--dry-run=server")
        self.assertEqual(out, "configmap/settings created (server dry run)")
        self.assertIn("NotFound", self.no("get", "configmap", "settings"))
        made = self.k("create", "secret", "generic", "one", "--from-literal=a=1", "--dry-run=server", "-o", "json")
        self.assertTrue(json.loads(made)["metadata"]["uid"])
        self.assertIn("NotFound", self.no("get", "secret", "one"))
        self.apply(MAP + "  a: one\n")
        self.k("delete", "configmap", "settings", "--dry-run=server")
        self.k("get", "configmap", "settings")

    def test_fields_that_a_kind_does_not_have_are_refused(self):
        text = self.no("apply", "-f", "-", stdin=MAP.replace("\ndata:", "\ndta: {a: b}"))
        self.assertIn('ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"', text)
        _, text = kubectl("-n", self.namespace, "create", "--validate=warn", "-f", "-", stdin=MAP.replace("\ndata:", "\ndta: {a: b}"))
        self.assertEqual(text.strip(), 'Warning: unknown field "dta"')


class Change(InNamespace):
    def setUp(self):
        super().setUp()
        self.apply(MAP + "  a: one\n  b: two\n")

    def data(self):
        return self.json("configmap", "settings").get("data", {})

    def test_three_kinds_of_patches(self):
        patch = lambda kind, text: self.k("patch", "configmap", "settings", f"--type={kind}", "-p", text)
        self.assertEqual(patch("json", '[{"op": "remove", "path": "/data/b"}]'), "configmap/settings patched")
        patch("merge", '{"data": {"a": null, "c": "three"}}')
        patch("strategic", '{"data": {"d": "four"}}')
        self.assertEqual(self.data(), {"c": "three", "d": "four"})
        self.assertEqual(patch("merge", '{"data": {"d": "four"}}'), "configmap/settings patched (no change)")

    def test_labels_and_annotations(self):
        self.assertEqual(self.k("label", "configmap", "settings", "a=b"), "configmap/settings labeled")
        self.assertIn("'a' already has a value (b), and --overwrite is false", self.no("label", "configmap", "settings", "a=c"))
        self.k("label", "configmap", "settings", "a=c", "--overwrite")
        self.k("annotate", "configmap", "settings", "force-sync=1")
        meta = self.json("configmap", "settings")["metadata"]
        self.assertEqual((meta["labels"]["a"], meta["annotations"]["force-sync"]), ("c", "1"))
        self.assertIn("a valid label must be", self.no("label", "configmap", "settings", "a=-"))

    def test_an_editor_edits(self):
        with tempfile.TemporaryDirectory() as folder:
            editor = pathlib.Path(folder, "editor")
            editor.write_text('#!/bin/sh\nsed -i "s/a: one/a: edited/" "$1"\n')
            editor.chmod(0o700)
            out = self.k("edit", "configmap", "settings", env={"EDITOR": str(editor), "KUBE_EDITOR": str(editor)})
        self.assertEqual((out, self.data()["a"]), ("configmap/settings edited", "edited"))

    def test_a_stale_version_is_refused(self):
        stale = self.json("configmap", "settings")
        self.k("patch", "configmap", "settings", "--type=merge", "-p", '{"data": {"a": "new"}}')
        stale["data"]["a"] = "stale"
        text = self.no("replace", "-f", "-", stdin=json.dumps(stale))
        self.assertIn(
            'Operation cannot be fulfilled on configmaps "settings": the object has been modified; '
            "please apply your changes to the latest version and try again", text)
        self.assertEqual(self.data()["a"], "new")

    def test_what_is_immutable_stays(self):
        self.k("patch", "configmap", "settings", "--type=merge", "-p", '{"immutable": true}')
        text = self.no("patch", "configmap", "settings", "--type=merge", "-p", '{"data": {"a": "new"}}')
        self.assertEqual(
            text, 'The ConfigMap "settings" is invalid: data: Forbidden: field is immutable when `immutable` is set')


class Create(InNamespace):
    def test_the_generators(self):
        self.assertEqual(self.k("create", "secret", "generic", "s", "--from-literal=a=1"), "secret/s created")
        self.assertEqual(self.k("create", "configmap", "c", "--from-literal=a=1"), "configmap/c created")
        self.assertEqual(self.k("create", "serviceaccount", "robot"), "serviceaccount/robot created")
        self.assertEqual(self.k("create", "quota", "q", "--hard=pods=1"), "resourcequota/q created")
        self.assertEqual(self.k("create", "job", "j", "--image=busybox", "--", "true"), "job.batch/j created")
        self.assertEqual(self.k("create", "role", "r", "--verb=get", "--resource=secrets"), "role.rbac.authorization.k8s.io/r created")
        self.assertEqual(
            self.no("create", "secret", "generic", "s"),
            'error: failed to create secret secrets "s" already exists')
        self.assertIn('namespaces "nowhere" not found', refused("-n", "nowhere", "create", "configmap", "c"))

    def test_a_token_says_who_it_is_of(self):
        self.k("create", "serviceaccount", "robot")
        token = self.k("create", "token", "robot", "--audience=vault", "--duration=15m")
        claims = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        self.assertEqual(claims["sub"], f"system:serviceaccount:{self.namespace}:robot")
        self.assertEqual((claims["aud"], claims["exp"] - claims["iat"]), (["vault"], 900))
        who = self.k("auth", "whoami", "-o", "json", "--token", self.k("create", "token", "robot"))
        who = json.loads(who)["status"]["userInfo"]["username"]
        self.assertEqual(who, claims["sub"])
        self.assertIn("may not specify a duration less than 10 minutes", self.no("create", "token", "robot", "--duration=1m"))


class Delete(InNamespace):
    def test_a_deletion_waits_for_finalizers_unless_told_not_to(self):
        self.apply(MAP.replace("\ndata:", "\n  finalizers: [example.com/hold]"))
        self.assertIn("deleted", self.k("delete", "configmap", "settings", "--wait=false"))
        text = self.no("wait", "--for=delete", "configmap/settings", "--timeout=1s")
        self.assertIn("timed out waiting for the condition on configmaps/settings", text)
        self.k("patch", "configmap", "settings", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
        self.k("wait", "--for=delete", "configmap/settings", TIMEOUT)

    def test_a_cascade_in_the_foreground_takes_the_dependents_first(self):
        self.apply(MAP + "  a: one\n")
        uid = self.json("configmap", "settings")["metadata"]["uid"]
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "settings", "uid": uid, "blockOwnerDeletion": True}
        dependent = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "child", "ownerReferences": [owner]}}
        self.apply(json.dumps(dependent))
        self.k("delete", "configmap", "settings", "--cascade=foreground", TIMEOUT)
        self.assertIn("NotFound", self.no("get", "secret", "child"))
        self.assertIn("NotFound", self.no("delete", "secret", "child"))

    def test_a_namespace_goes_with_all_that_is_in_it(self):
        self.apply(MAP.replace("\ndata:", "\n  finalizers: [example.com/hold]"))
        said("delete", "namespace", self.namespace, "--wait=false")
        self.assertEqual(table(said("get", "namespace", self.namespace))[1][1], "Terminating")
        text = self.no("create", "configmap", "late")
        self.assertIn(
            f"unable to create new content in namespace {self.namespace} because it is being terminated", text)
        held = "jsonpath={.status.conditions[?(@.type=='NamespaceContentRemaining')].message}"
        said("wait", f"namespace/{self.namespace}", "--for=condition=NamespaceContentRemaining", TIMEOUT)
        self.assertIn("configmaps. has 1 resource instances", said("get", "namespace", self.namespace, "-o", held))
        self.k("patch", "configmap", "settings", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
        said("wait", "--for=delete", f"namespace/{self.namespace}", TIMEOUT)

    def test_the_clusters_own_namespaces_stay(self):
        text = refused("delete", "namespace", "default")
        self.assertEqual(text, 'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted')


class Describe(InNamespace):
    def test_a_secret_without_its_values(self):
        self.k("create", "secret", "generic", "s", "--from-literal=password=hunter2")
        text = self.k("describe", "secret", "s")
        self.assertIn("password:  7 bytes", text)
        self.assertNotIn("hunter2", text)

    def test_a_namespace_with_its_quotas(self):
        text = said("describe", "namespace", self.namespace)
        self.assertRegex(text, r"Status:\s+Active")
        self.assertIn("No resource quota.", text)
        self.assertIn("No LimitRange resource.", text)

    def test_events_belong_to_what_they_are_about(self):
        self.apply(MAP + "  a: one\n")
        uid = self.json("configmap", "settings")["metadata"]["uid"]
        event = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "settings.1"}, "type": "Normal", "reason": "Read", "count": 1,
            "message": "was read", "involvedObject": {"kind": "ConfigMap", "name": "settings", "namespace": self.namespace, "uid": uid},
            "source": {"component": "reader"}, "firstTimestamp": "2025-11-08T00:00:00Z", "lastTimestamp": "2025-11-08T00:00:00Z",
        }
        self.k("create", "-f", "-", stdin=json.dumps(event))
        self.assertRegex(self.k("describe", "configmap", "settings"), r"Normal\s+Read\s+\S+\s+reader\s+was read")
        self.assertRegex(self.k("events"), r"Normal\s+Read\s+ConfigMap/settings\s+was read")
        self.assertEqual(table(self.k("get", "events"))[0], ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"])

    def test_a_pod_and_what_it_printed(self):
        pod = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
            "spec": {"restartPolicy": "Never", "containers": [
                {"name": "one", "image": "busybox", "command": ["sh", "-c", "echo hello"]},
                {"name": "two", "image": "busybox", "command": ["sh", "-c", "echo other"]}]},
        }
        self.apply(json.dumps(pod))
        self.k("wait", "pod/p", "--for=condition=PodScheduled", TIMEOUT)
        self.k("wait", "pod/p", "--for=jsonpath={.status.containerStatuses[0].name}", TIMEOUT)
        text = self.k("describe", "pod", "p")
        self.assertRegex(text, r"Namespace:\s+" + self.namespace)
        self.assertIn("busybox", text)
        rows = table(self.k("get", "pod", "p", "-o", "wide"))
        self.assertEqual(rows[0][:6], ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"])
        log = self.k("logs", "p", "-c", "one", "--timestamps", "--since=1h", "--tail=1")
        self.assertRegex(log + "\n", r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z .*)?\n")
        self.assertIn("container three is not valid for pod p", self.no("logs", "p", "-c", "three"))
        self.k("delete", "pod", "p", TIMEOUT)

    def test_what_no_lab_can_do_is_told_and_not_hung(self):
        self.apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
                               "spec": {"containers": [{"name": "c", "image": "busybox"}]}}))
        for command in [("exec", "p", "--", "true"), ("attach", "p"), ("port-forward", "p", "1:1")]:
            self.assertTrue(self.no(*command), command)


class Explain(unittest.TestCase):
    def test_built_in_and_custom_kinds_are_explained(self):
        self.assertRegex(said("explain", "secret"), r"KIND:\s+Secret\nVERSION:\s+v1\n")
        self.assertRegex(said("explain", "secret.data"), r"FIELD: data")
        text = said("explain", "externalsecret.spec.target")
        self.assertRegex(text, r"GROUP:\s+external-secrets.io\nKIND:\s+ExternalSecret\nVERSION:\s+v1\n")
        self.assertIn("creationPolicy", text)
        self.assertIn('field "nothing" does not exist', refused("explain", "externalsecret.spec.nothing"))

    def test_the_api_says_what_it_has(self):
        rows = {row[0] for row in table(said("api-resources"))}
        self.assertLessEqual({"secrets", "jobs", "externalsecrets", "notebookvalidationjobs"}, rows)
        self.assertIn("external-secrets.io/v1", said("api-versions").split())
        self.assertIn("Server Version: v1.34", said("version"))


class ExternalSecrets(InNamespace):
    """The record's manifests, and an ExternalSecret that the lab's operator syncs from its AWS."""

    STORE = """
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws}
spec:
  provider:
    aws:
      service: SecretsManager
      region: %s
      auth:
        secretRef:
          accessKeyIDSecretRef: {name: aws-key, key: id}
          secretAccessKeySecretRef: {name: aws-key, key: secret}
"""
    EXTERNAL_SECRET = """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: app}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: aws, kind: SecretStore}
  target: {name: app, creationPolicy: %s}
  data: [{secretKey: password, remoteRef: {key: %s, property: password}}]
"""

    def test_the_records_manifests_apply(self):
        for folder in sorted(SEED.iterdir()):
            manifests = folder / "manifests"
            said("apply", "-f", str(manifests / "cluster.yaml"))
            corrected = manifests / "job-corrected.yaml"
            job = corrected if corrected.is_file() else manifests / "job.yaml"
            for manifest in [manifests / "store.yaml", manifests / "externalsecret.yaml", job]:
                out, warnings = kubectl("apply", "--dry-run=server", "-f", str(manifest))
                # What the lab has ready under the same name is configured.
                self.assertRegex(out, r"(created|configured) \(server dry run\)")
                if "external-secrets.io/v1beta1" in manifest.read_text():
                    self.assertRegex(
                        warnings, r"^Warning: external-secrets.io/v1beta1 \w+ is deprecated; use external-secrets.io/v1 \w+")
        # The job that the record prints for AWS has its notebook's path where the kind does not look for it.
        text = refused("apply", "-f", str(SEED / "aws" / "manifests" / "job.yaml"))
        self.assertIn('strict decoding error: unknown field "spec.notebook.git.path"', text)

    def test_a_value_outside_of_its_enumeration_is_refused(self):
        text = self.no("apply", "-f", "-", stdin=self.EXTERNAL_SECRET % ("Sometimes", "x"))
        self.assertIn('The ExternalSecret "app" is invalid: spec.target.creationPolicy: Unsupported value: "Sometimes": supported values: "Owner"', text)

    def test_a_secret_is_synced_waited_for_described_and_forced(self):
        aws = boto3.client("secretsmanager")
        name = f"kubectl/{self.namespace}"
        aws.create_secret(Name=name, SecretString='{"password": "one"}')
        self.addCleanup(aws.delete_secret, SecretId=name, ForceDeleteWithoutRecovery=True)
        self.k("create", "secret", "generic", "aws-key",
               f"--from-literal=id={os.environ['AWS_ACCESS_KEY_ID']}", f"--from-literal=secret={os.environ['AWS_SECRET_ACCESS_KEY']}")
        self.apply(self.STORE % os.environ["AWS_REGION"])
        self.k("wait", "secretstore/aws", "--for=condition=Ready", TIMEOUT)
        self.apply(self.EXTERNAL_SECRET % ("Owner", name))
        self.k("wait", "externalsecret/app", "--for=condition=Ready", TIMEOUT)

        rows = table(self.k("get", "externalsecrets"))
        self.assertEqual(rows[0], ["NAME", "STORETYPE", "STORE", "REFRESH INTERVAL", "STATUS", "READY", "LAST SYNC"])
        # As Go writes it: ESO adds its finalizer by a PUT of the whole object.
        self.assertEqual(rows[1][:6], ["app", "SecretStore", "aws", "1h0m0s", "SecretSynced", "True"])
        rows = table(self.k("get", "secretstores"))
        self.assertEqual(rows[0], ["NAME", "AGE", "STATUS", "CAPABILITIES", "READY"])
        self.assertEqual(rows[1][2:], ["Valid", "ReadWrite", "True"])
        self.assertEqual(base64.b64decode(self.json("secret", "app")["data"]["password"]), b"one")
        self.assertRegex(self.k("describe", "externalsecret", "app"), r"Reason:\s+SecretSynced")
        self.assertRegex(self.k("events", "--for", "externalsecret/app"), r"ExternalSecret/app\s+\S+")

        aws.put_secret_value(SecretId=name, SecretString='{"password": "two"}')
        self.k("annotate", "externalsecret", "app", "force-sync=1", "--overwrite")
        two = base64.b64encode(b"two").decode()
        self.k("wait", "secret/app", f"--for=jsonpath={{.data.password}}={two}", TIMEOUT)
        self.k("delete", "externalsecret", "app", TIMEOUT)
        self.k("wait", "--for=delete", "secret/app", TIMEOUT)


if __name__ == "__main__":
    unittest.main()
