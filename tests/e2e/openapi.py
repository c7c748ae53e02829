"""openapi.py - holds every live answer against the gateway's own document: which operation a request was, and whether its answer has the
documented status and shape. gateway.py asks it about each answer of the API that a test receives.

SPDX-License-Identifier: Apache-2.0"""
import json
import re
import urllib.parse

import jsonschema


class Document:
    def __init__(self, document):
        self.document = document
        self.commands = {p.split("/")[2].lower(): item["post"] for p, item in document["paths"].items() if p.startswith("/api.php/")}
        self.rest = [(re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", p) + "$"), p.count("{"), item) for p, item in document["paths"].items()
                     if p.startswith("/api/")]
        self.rest.sort(key=lambda row: row[1])

    def operation(self, method, path, body):
        """The operation behind a request, None when it named none."""
        path, _, query = path.partition("?")
        if path.startswith("/api.php"):
            return self.commands.get(self.command(path, query, body).lower())
        for pattern, _, item in self.rest:
            if pattern.match(path):
                return item.get({"HEAD": "get"}.get(method, method.lower()))
        return None

    @staticmethod
    def command(path, query, body):
        if path.startswith("/api.php/"):
            return path.split("/")[2]
        text = body if isinstance(body, str) else body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
        found = re.search(r'"command"\s*:\s*"([^"]*)"', text, re.I) if text.lstrip().startswith("{") else None
        if found:
            return found[1]
        for source in (text, query):
            for name, values in urllib.parse.parse_qs(source).items():
                if name.lower() == "command":
                    return values[0]
        found = re.search(r'name="?command"?\r\n\r\n([^\r]*)', text, re.I)
        return found[1] if found else ""

    def check(self, method, path, body, status, answer):
        operation = self.operation(method, path, body)
        if operation is None or not isinstance(answer, (dict, list)):
            return
        responses = operation["responses"]
        response = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        assert response, f"{operation['operationId']} answered {status}, which its document does not list: {answer}"
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return
        error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(
            {**schema, "components": self.document["components"]}).iter_errors(answer))
        assert error is None, f"{operation['operationId']} {status}: {error.message} at {list(error.absolute_path)}\n{json.dumps(answer)[:2000]}"
