"""How many reads a second each vault of a lab answers, over TLS on connections that stay open. Needs `wrk`.

Not a test: figures to read. With a release build:

    rotaproof up --detach --env-file lab.env && . ./lab.env && target/tools/bin/python tests/figures/throughput.py
"""
import json
import os
import re
import subprocess
import tempfile

import boto3
import google.auth.transport.requests
import hvac
from azure.identity import EnvironmentCredential
from azure.keyvault.secrets import SecretClient
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from google.oauth2 import service_account
from onepasswordconnectsdk.client import new_client_from_environment
from onepasswordconnectsdk.models import Field, Item, ItemVault

CONNECTIONS, SECONDS = 8, 5


def aws():
    boto3.client("secretsmanager").create_secret(Name="bench", SecretString='{"password": "value"}')
    session, url = boto3.Session(), os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"] + "/"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    request = AWSRequest("POST", url, headers=headers, data='{"SecretId":"bench"}')
    SigV4Auth(session.get_credentials(), "secretsmanager", session.region_name).add_auth(request)
    return url, dict(request.headers), request.data


def vault():
    client = hvac.Client(verify=os.environ["VAULT_CACERT"])
    client.secrets.kv.v2.create_or_update_secret("bench", {"password": "value"})
    return f"{client.url}/v1/secret/data/bench", {"X-Vault-Token": client.token}, None


def azure():
    address = os.environ["ROTAPROOF_AZURE_VAULT_URL"]
    credential = EnvironmentCredential()
    SecretClient(address, credential).set_secret("bench", "value")
    token = credential.get_token("https://vault.azure.net/.default").token
    direct = os.environ["ROTAPROOF_AZURE_ENDPOINT"]
    return f"{direct}/secrets/bench/?api-version=7.4", {"Authorization": f"Bearer {token}", "Host": address.split("/")[2]}, None


def gcp():
    credentials = service_account.Credentials.from_service_account_file(
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"], scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    parent = f"https://secretmanager.googleapis.com/v1/projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/secrets"
    session.post(f"{parent}?secretId=bench", json={"replication": {"automatic": {}}}).raise_for_status()
    session.post(f"{parent}/bench:addVersion", json={"payload": {"data": "dmFsdWU="}}).raise_for_status()
    direct = os.environ["ROTAPROOF_GCP_ENDPOINT"]
    path = f"/v1/projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/secrets/bench/versions/latest:access"
    headers = {"Authorization": f"Bearer {credentials.token}", "Host": "secretmanager.googleapis.com"}
    return direct + path, headers, None


def onepassword():
    client = new_client_from_environment()
    place = client.get_vaults()[0].id
    fields = [Field(label="password", value="value", type="CONCEALED")]
    item = client.create_item(place, Item(title="bench", category="LOGIN", vault=ItemVault(id=place), fields=fields))
    url = f"{os.environ['OP_CONNECT_HOST']}/v1/vaults/{place}/items/{item.id}"
    return url, {"Authorization": f"Bearer {os.environ['OP_CONNECT_TOKEN']}"}, None


def measure(url, headers, body):
    command = ["wrk", "--threads", "2", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s", "--latency"]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body is not None:
            script.write(f"wrk.method = 'POST'; wrk.body = {json.dumps(body)}")
            script.flush()
            command += ["--script", script.name]
        printed = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", printed)
    assert refused is None, refused.group(0)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]), re.search(r"99%\s+(\S+)", printed)[1]


for read in [aws, vault, azure, gcp, onepassword]:
    rate, slowest = measure(*read())
    print(f"{read.__name__:12} {rate:9,.0f}/s   99 % within {slowest}", flush=True)
