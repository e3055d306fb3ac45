"""docs/openapi.yaml as a judge: which operation a request was, and whether an answer is what it says.

    description = Description()
    description.check(response)          # a requests.Response; raises AssertionError
"""
import json
import pathlib
import re
import urllib.parse

import jsonschema
import yaml

FILE = pathlib.Path(__file__).resolve().parents[2] / "docs/openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete", "options")


def template_regex(template):
    return re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(template)) + r"\Z")


class Description:
    def __init__(self):
        self.tree = yaml.safe_load(FILE.read_text())
        self.paths = self.tree["paths"]
        # Plain segments go before parameters.
        self.templates = [(template_regex(t), t) for t in sorted(self.paths, key=lambda t: t.count("{"))]

    def operations(self):
        """All of them, as (method, template, operation)."""
        return [(m.upper(), t, item[m]) for t, item in self.paths.items() for m in METHODS if m in item]

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            at = self.tree
            for name in node["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            node = at
        return node

    def parameters(self, template, operation):
        both = self.paths[template].get("parameters", []) + operation.get("parameters", [])
        return [self.resolve(p) for p in both]

    def find(self, method, path):
        for regex, template in self.templates:
            if regex.match(path):
                return template, self.paths[template].get(method.lower())
        return None, None

    def validator(self, schema):
        whole = {"components": self.tree["components"], **schema} if "$ref" not in schema else {
            "components": self.tree["components"], "allOf": [schema]}
        return jsonschema.Draft202012Validator(whole)

    def faults(self, schema, value):
        return [f"{'/'.join(str(p) for p in e.absolute_path) or '(whole)'}: {e.message[:300]}"
                for e in self.validator(schema).iter_errors(value)]

    def check(self, response):
        """The status is described, the media type too, and the body fits its schema."""
        request = response.request
        path = urllib.parse.urlsplit(request.url).path
        template, operation = self.find("get" if request.method == "HEAD" else request.method, path)
        what = f"{request.method} {template or path} {response.status_code}"
        assert operation, f"{what}: not described"
        responses = operation["responses"]
        described = self.resolve(responses.get(str(response.status_code)) or responses["default"])
        content = described.get("content", {})
        if not response.content:
            assert not content or request.method == "HEAD", f"{what}: no body, but one is described"
            return
        media = response.headers["Content-Type"].split(";")[0]
        assert media in content, f"{what}: {media} is not described"
        if media.endswith("json") and media != "application/x-ndjson":
            faults = self.faults(content[media]["schema"], response.json())
            assert not faults, f"{what}: {faults}\n{response.text[:1000]}"
            if media == "application/problem+json":
                assert response.json()["status"] == response.status_code, what

    def check_event(self, name, data, stream="/v1/me/events"):
        events = self.paths[stream]["get"]["responses"]["200"]["content"]["text/event-stream"]["x-events"]
        assert name in events, f"event {name}: not described"
        faults = self.faults(events[name], data)
        assert not faults, f"event {name}: {faults}\n{json.dumps(data)[:1000]}"
