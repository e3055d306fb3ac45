"""Web forms: every way a browser or a script sends them, and what they may not."""
import uuid

import pytest


def fields(**more):
    return {"name": "Jana Weiß", "email": f"{uuid.uuid4().hex[:10]}@example.org", "subject": "Order", "message": "Where is it?", **more}


def post(t, data, **more):
    return t.request("POST", "/forms/contact", None, data=data, **more)


def test_a_form_comes_in_three_encodings(shared):
    for send in (lambda d: post(shared, d), lambda d: shared.request("POST", "/forms/contact", None, json=d),
                 lambda d: shared.request("POST", "/forms/contact", None, data=d, files={"file": ("a b.txt", b"hello", "text/plain")})):
        data = fields()
        r = send(data)
        assert r.status_code == 201, r.text
        assert set(r.json()) == {"id"}
        tp = shared.get(f"/v1/touchpoints/{r.json()['id']}").json()
        assert (tp["channel"], tp["kind"], tp["text"], tp["subject"]) == ("form", "submission", "Where is it?", "Order")
        assert tp["from"]["email"] == data["email"] and tp["from"]["verified"] is False
    assert tp["attachments"][0]["name"] == "a b.txt"
    assert shared.get(tp["attachments"][0]["url"]).content == b"hello"


def test_a_double_click_is_one_submission(shared):
    data = fields()
    a, b = post(shared, data), post(shared, data)
    assert (a.status_code, b.status_code) == (201, 200) and a.json() == b.json()
    files = {"file": ("x.txt", b"1")}
    data = fields()
    a, b = (shared.request("POST", "/forms/contact", None, data=data, files=files) for _ in range(2))
    assert a.json() == b.json()


def test_the_same_key_with_another_body_is_a_mismatch(shared):
    data = fields(submission_id=uuid.uuid4().hex)
    assert post(shared, data).status_code == 201
    assert post(shared, data).status_code == 200
    assert post(shared, {**data, "message": "other"}).status_code == 422


@pytest.mark.parametrize("change, pointers", [
    ({"message": ""}, {"/message"}),
    ({"email": ""}, {"/email", "/phone"}),
    ({"email": "victim@example.org\r\nBcc: all@example.org"}, {"/email"}),
    ({"email": "a@b>,c@d"}, {"/email"}),
    ({"name": "x\r\nBcc: y@example.org"}, {"/name"}),
    ({"subject": "x\nBcc: y@example.org"}, {"/subject"}),
    ({"unknown": "x"}, {""}),
])
def test_what_is_missing_or_wrong_is_named_by_its_field(shared, change, pointers):
    r = post(shared, fields(**change))
    assert r.status_code == 422, r.text
    assert {e["pointer"] for e in r.json()["errors"]} == pointers


def test_a_phone_alone_is_enough(shared):
    data = fields(email="", phone="030 9876543")
    r = post(shared, data)
    assert r.status_code == 201, r.text
    assert shared.contact("phone:+49309876543")


def test_a_filled_honeypot_gets_the_same_answer_and_no_contact(shared):
    data = fields(website="http://spam.example")
    r = post(shared, data)
    assert r.status_code == 201 and set(r.json()) == {"id"}
    assert shared.contact("email:" + data["email"]) is None
    kept = shared.get("/v1/quarantine").json()["items"]
    assert r.json()["id"] in [q["id"] for q in kept]


def test_origins_are_checked_and_preflight_is_answered(shared):
    ok = {"Origin": "http://localhost:3000"}
    r = post(shared, fields(), headers=ok)
    assert r.status_code == 201 and r.headers["Access-Control-Allow-Origin"] == ok["Origin"] and "Origin" in r.headers["Vary"]
    assert post(shared, fields(), headers={"Origin": "https://evil.example"}).status_code == 403
    assert post(shared, fields(), headers={"Origin": "null"}).status_code == 403
    r = shared.request("OPTIONS", "/forms/contact", None, headers={**ok, "Access-Control-Request-Method": "POST"})
    assert r.status_code == 204 and r.headers["Access-Control-Allow-Methods"] == "POST"
    assert r.headers["Access-Control-Max-Age"] == "600"


def test_what_is_no_form_is_refused(shared):
    assert post(shared, "x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert shared.request("POST", "/forms/nothere", None, data=fields()).status_code == 404
    assert shared.request("POST", "/forms/contact", None, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    broken = {"Content-Type": "multipart/form-data; boundary=xx"}
    assert post(shared, "--yy\r\n\r\n", headers=broken).status_code == 400
    many = "&".join(f"f{i}=1" for i in range(1000))
    assert post(shared, many, headers={"Content-Type": "application/x-www-form-urlencoded"}).status_code == 422
    assert post(shared, fields(message="x" * (1 << 20))).status_code == 413
    assert shared.request("GET", "/forms/contact", None).status_code == 405


def test_markup_is_text(shared):
    text = "<svg/onload=alert(1)> {{7*7}} </script> javascript:x"
    r = post(shared, fields(message=text))
    assert shared.get(f"/v1/touchpoints/{r.json()['id']}").json()["text"] == text
