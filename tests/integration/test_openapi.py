"""docs/openapi.yaml against the route tables, the rights and the real answers."""
import re

import jsonschema
import pytest

from openapi import METHODS, Description
from touchline import ADAPTER, ANNA, CLARA, OPERATOR, ROOT, wait_for

TOKENS = {"adapter": ADAPTER, "agent": ANNA, "supervisor": CLARA, "operator": OPERATOR}
description = Description()
OPERATIONS = description.operations()


# ---- the description by itself ----
def refs(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def test_every_reference_leads_somewhere_and_every_component_is_used():
    used = set(refs(description.tree))
    for ref in used:
        description.resolve({"$ref": ref})
    there = {f"#/components/{kind}/{name}" for kind in ("parameters", "headers", "responses", "schemas")
             for name in description.tree["components"][kind]}
    assert there == used


def test_every_operation_is_whole():
    ids = [op["operationId"] for _, _, op in OPERATIONS]
    assert len(ids) == len(set(ids))
    tags = {t["name"] for t in description.tree["tags"]}
    for method, template, op in OPERATIONS:
        what = f"{method} {template}"
        assert op["summary"] and set(op["tags"]) <= tags, what
        assert set(op["x-roles"]) <= set(TOKENS), what
        assert (op.get("security") == []) == (op["x-roles"] == []), what
        assert "default" in op["responses"], what
        named = {p["name"] for p in description.parameters(template, op) if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", template)), what
        if method == "POST" and template.startswith("/v1/") and template != "/v1/session":
            assert any(p["name"] == "Idempotency-Key" for p in description.parameters(template, op)), what


def test_every_schema_is_one():
    for schema in description.tree["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


# ---- against the tables in the sources ----
ALLOWS = {"ALLOW_ADAPTER": {"adapter"}, "ALLOW_AGENT": {"agent"}, "ALLOW_SUPERVISOR": {"supervisor"}, "ALLOW_OPERATOR": {"operator"},
          "ALLOW_STAFF": {"agent", "supervisor", "operator"}, "ALLOW_NONE": set()}
TABLE_ROW = re.compile(r'\{\s*"([A-Z]+)",\s*"(/[^"]*)",\s*([A-Z_|\s]+?),')
PLUGIN_ROW = re.compile(r'route\(\s*\w+,\s*"([A-Z]+)",\s*"(/[^"]*)"')


def route_tables():
    """(method, pattern) to roles, as the sources say."""
    routes = {}
    for path in sorted((ROOT / "daemon/api").glob("*.c")):
        text = path.read_text()
        own = {m[1]: m[2] for m in re.finditer(r"\b(ALLOW_\w+) = ([A-Z_|\s]+)", text)}
        for method, pattern, allow in TABLE_ROW.findall(text):
            names = re.findall(r"ALLOW_\w+", " ".join(own.get(n, n) for n in re.findall(r"\w+", allow)))
            routes[method, pattern] = set().union(*(ALLOWS[n] for n in names))
    for path in sorted((ROOT / "channels").glob("*/*.c")):
        for method, pattern in PLUGIN_ROW.findall(path.read_text()):
            routes[method, pattern] = set()
    return routes


def test_every_route_is_described_with_its_roles_and_nothing_else_is():
    described = {(method, template): set(op["x-roles"]) for method, template, op in OPERATIONS}
    assert described == route_tables()


# ---- against the daemon ----
def path_of(template):
    return re.sub(r"\{(\w+)\}", lambda m: "1" if m[1] == "n" else "nothing", template)


def ask(t, method, template, token):
    more = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
    r = t.request(method, path_of(template), token, stream=True, **more)
    if "event-stream" in r.headers.get("Content-Type", ""):
        r.close()
    else:
        r.content
    return r


@pytest.mark.parametrize("method,template,op", OPERATIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_rights_are_as_described(shared, method, template, op):
    roles = op["x-roles"]
    if roles:
        r = ask(shared, method, template, None)
        assert r.status_code == 401 and r.headers["WWW-Authenticate"].startswith("Bearer")
        description.check(r)
    for role, token in TOKENS.items():
        r = ask(shared, method, template, token)
        if roles and role not in roles:
            assert r.status_code == 403, role
            assert r.json()["code"] == "forbidden"
        elif roles:
            assert r.status_code not in (401, 403), (role, r.text)
        if "event-stream" not in r.headers.get("Content-Type", ""):
            description.check(r)


@pytest.mark.parametrize("template", description.paths)
def test_other_methods_get_405_with_what_is_allowed(shared, template):
    there = {m.upper() for m in METHODS if m in description.paths[template]}
    for method in {m.upper() for m in METHODS} - there:
        r = ask(shared, method, template, OPERATOR)
        assert r.status_code == 405
        assert set(r.headers["Allow"].split(", ")) == there | ({"HEAD"} if "GET" in there else set())


class Judge:
    """Asks like the daemon's own helper, and holds each answer against the description."""

    def __init__(self, t):
        self.t, self.seen = t, set()

    def __call__(self, method, path, token=OPERATOR, status=None, **more):
        r = self.t.request(method, path, token, **more)
        description.check(r)
        assert status is None or r.status_code == status, f"{method} {path}: {r.status_code} {r.text}"
        self.seen.add((method, description.find(method, path.split("?")[0])[0]))
        return r


PERSON = {"name": "Jana Weiß", "email": "jana@example.org", "phone": "+49301234567"}


def push(n, **more):
    return {"id": f"openapi-{n}", "channel": "chat", "kind": "message", "text": f"message {n}", "from": PERSON, **more}


def judge_pushes(ask_, shared):
    first = ask_("POST", "/v1/touchpoints", ADAPTER, 201, json=push(1, attachments=[{"name": "a.txt", "type": "text/plain", "data": "aGk="}])).json()
    ask_("POST", "/v1/touchpoints", ADAPTER, 200, json=push(1, attachments=[{"name": "a.txt", "type": "text/plain", "data": "aGk="}]))
    ask_("POST", "/v1/touchpoints", ADAPTER, 422, json=push(1, text="other"))
    ask_("POST", "/v1/touchpoints", ADAPTER, 422, json={"id": "x", "channel": "nowhere", "from": {"name": "a name alone"}, "zebra": 1})
    ask_("POST", "/v1/touchpoints", ADAPTER, 207, json=[push(2), {"channel": 7}])
    ask_("POST", "/v1/touchpoints", ADAPTER, 400, data=b"{", headers={"Content-Type": "application/json"})
    ask_("POST", "/v1/touchpoints", ADAPTER, 415, data=b"x", headers={"Content-Type": "text/plain"})
    shown = ask_("GET", f"/v1/touchpoints/{first['id']}", status=200).json()
    ask_("GET", f"/v1/touchpoints/{first['id']}/raw", status=200)
    ask_("GET", f"/v1/receipts/{first['id']}", ADAPTER, 200)
    wait_for(lambda: shared.get(shown["attachments"][0]["url"]).status_code == 200, why="the attachment")
    ask_("GET", shown["attachments"][0]["url"], status=200)
    return first


def judge_contacts(ask_, first):
    contact = first["contact"]
    ask_("GET", "/v1/contacts?identity=email:jana@example.org", status=200)
    ask_("GET", "/v1/contacts?q=jana", status=200)
    ask_("GET", "/v1/contacts?identity=email:nobody@example.org", status=404)
    ask_("GET", f"/v1/contacts/{contact}?x=1", ANNA, 200)
    ask_("GET", f"/v1/contacts/{contact}/timeline?limit=1", ANNA, 200)
    ask_("GET", f"/v1/contacts/{contact}/timeline?limit=0", ANNA, 400)
    ask_("GET", f"/v1/contacts/{contact}/suggestions", ANNA, 200)
    ask_("PATCH", f"/v1/contacts/{contact}", ANNA, 200, json={"tags": ["vip"]})
    ask_("PATCH", f"/v1/contacts/{contact}", ANNA, 412, json={"tags": []}, headers={"If-Match": '"0"'})
    other = ask_("POST", "/v1/contacts", ANNA, 201, json={"name": "Ole", "identities": ["email:ole@example.org"]}).json()
    ask_("POST", "/v1/contacts", ANNA, 409, json={"name": "Ole", "identities": ["email:ole@example.org"]})
    ask_("POST", f"/v1/contacts/{contact}/merge", ANNA, 200, json={"from": other["id"]})
    ask_("POST", f"/v1/contacts/{contact}/split", ANNA, 200, json={"identities": ["email:ole@example.org"]})
    ask_("GET", f"/v1/contacts/{contact}/export", OPERATOR, 200)
    ask_("DELETE", f"/v1/contacts/{contact}?dry_run=1", OPERATOR, 200)
    ask_("DELETE", f"/v1/contacts/{other['id']}", OPERATOR, 202)


def judge_work(ask_, shared, first):
    events = shared.events(ANNA)
    _, _, snapshot = events.wait("snapshot")
    description.check_event("snapshot", snapshot)
    ask_("PUT", "/v1/me/presence", ANNA, 200, json={"state": "available"})
    ask_("PUT", "/v1/me/presence", ANNA, 422, json={"state": "asleep"})
    _, _, offer = events.wait("offer", lambda d: d["task"]["id"] == first["task"])
    description.check_event("offer", offer)
    task = f"/v1/tasks/{first['task']}"
    ask_("GET", "/v1/tasks?state=offered", status=200)
    ask_("GET", "/v1/tasks?state=zebra", status=400)
    ask_("GET", "/v1/me", ANNA, 200)
    ask_("GET", "/v1/me/statistics", ANNA, 200)
    ask_("GET", "/v1/agents", CLARA, 200)
    ask_("GET", "/v1/queues", CLARA, 200)
    ask_("PATCH", "/v1/queues/callbacks", CLARA, 200, json={"paused": True, "reason": "lunch"})
    ask_("GET", "/v1/queues", CLARA, 200)
    ask_("PATCH", "/v1/queues/callbacks", CLARA, 200, json={"paused": False})
    ask_("PATCH", "/v1/queues/callbacks", CLARA, 422, json={})
    ask_("PUT", "/v1/agents/ben/presence", CLARA, 200, json={"state": "offline", "reason": "gone home"})
    ask_("PUT", "/v1/agents/ben/presence", CLARA, 422, json={"state": "offline"})
    ask_("GET", "/v1/audit", CLARA, 200)
    ask_("POST", f"{task}/complete", ANNA, 409, json={})
    ask_("POST", f"{task}/accept", ANNA, 200, json={"offer": offer["offer"]})
    _, _, accepted = events.wait("task", lambda d: d["state"] == "accepted")
    description.check_event("task", accepted)
    conversation = f"/v1/conversations/{first['conversation']}"
    ask_("GET", conversation, ANNA, 200)
    ask_("PUT", f"{conversation}/attention", ANNA, 200, json={"state": "replying"})
    ask_("PUT", f"{conversation}/attention", ANNA, 422, json={"state": "typing"})
    ask_("POST", f"{conversation}/notes", ANNA, 201, json={"text": "internal"})
    ask_("PATCH", conversation, ANNA, 200, json={"status": "pending"})
    ask_("POST", f"{task}/complete", ANNA, 200, json={"disposition": "solved"})
    ask_("GET", task, ANNA, 200)
    events.close()


def judge_operating(ask_):
    for path in ("/healthz", "/readyz"):
        ask_("GET", path, None, 200)
    ask_("GET", "/metrics", OPERATOR, 200)
    ask_("GET", "/v1/quarantine", OPERATOR, 200)
    assert {s["source"] for s in ask_("GET", "/v1/sources", OPERATOR, 200).json()["items"]} >= {"push:dev-adapter", "email:support"}
    begun = ask_("POST", "/v1/sources/contact/reconcile", OPERATOR, 202, json={"since": "1d"}).json()
    wait_for(lambda: ask_("GET", f"/v1/operations/{begun['id']}", OPERATOR, 200).json()["state"] == "done", why="the reconcile")
    ask_("DELETE", f"/v1/operations/{begun['id']}", OPERATOR, 202)
    ask_("POST", "/v1/sources/nowhere/reconcile", OPERATOR, 404, json={})
    ask_("POST", "/v1/sources/contact/backfill", OPERATOR, 409, json={})
    ask_("POST", "/v1/reindex", OPERATOR, 200)
    ask_("POST", "/v1/reindex", OPERATOR, 202, headers={"Prefer": "respond-async"})
    ask_("POST", "/v1/session", None, 401, json={"agent": "anna", "password": "wrong"})
    session = ask_("POST", "/v1/session", None, 201, json={"agent": "anna", "password": "dev"}).json()
    ask_("GET", "/v1/me", session["token"], 200)
    ask_("DELETE", "/v1/session", session["token"], 204)
    ask_("GET", "/v1/me", session["token"], 401)


def test_real_answers_are_as_described(fresh):
    ask_ = Judge(fresh)
    first = judge_pushes(ask_, fresh)
    judge_work(ask_, fresh, first)
    judge_contacts(ask_, first)
    judge_operating(ask_)
    ask_("POST", "/forms/contact", None, 201, json={"email": "form@example.org", "message": "hello"}, headers={"Accept": "application/json"})
    ask_("POST", "/forms/contact", None, 422, json={"email": "form@example.org"}, headers={"Accept": "application/json"})
