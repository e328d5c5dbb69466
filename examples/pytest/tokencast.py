"""A local stack, and a client over its Function URL, with Python's standard library alone."""

import contextlib
import json
import subprocess
import urllib.error
import urllib.request


class Stack:
    """`npx tokencast dev`, on a free port."""

    def __init__(self, process, ready):
        self._process = process
        self._ready = ready
        self.users = ready["users"]

    @classmethod
    @contextlib.contextmanager
    def start(cls, *options):
        command = ["npx", "tokencast", "dev", "--json", "--port", "0", "--control", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError(f"npx tokencast dev ended with {process.wait()}")
                yield cls(process, json.loads(line))
            finally:
                process.terminate()

    def sign_in(self, username):
        """Returns an access token of one of the stack's users."""
        user = next(user for user in self.users if user["username"] == username)
        answer = _request(
            self._ready["cognitoEndpoint"],
            {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": self._ready["userPoolClientId"],
                "AuthParameters": {"USERNAME": username, "PASSWORD": user["password"]},
            },
            {
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth",
            },
        )
        with answer:
            return json.load(answer)["AuthenticationResult"]["AccessToken"]

    def ask(self, token, prompt):
        """Yields the events of an answer, each as a dictionary."""
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        with _request(self._ready["streamUrl"], {"prompt": prompt}, headers) as response:
            for line in response:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))

    def script(self, tokens, time_between_tokens_ms=0):
        """Sets what the model says from now on, and how fast."""
        script = {"tokens": tokens, "timeBetweenTokensMs": time_between_tokens_ms}
        self._control("model/script", script)

    def faults(self, *rules):
        """Sets what goes wrong from now on."""
        self._control("faults", {"rules": rules})

    def _control(self, path, body):
        _request(self._ready["controlUrl"] + path, body, method="PUT").close()


def _request(url, body, headers=None, method="POST"):
    request = urllib.request.Request(url, json.dumps(body).encode(), headers or {}, method=method)
    try:
        # The stack is on this machine: no proxy is asked.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {url}: {error.code} {error.read().decode()}") from None
