"""What every source has: its figures, a ledger, reconcile and backfill that can be interrupted."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

from touchline import BUILD, OPERATOR, ROOT, Touchline, wait_for

SOURCE = pathlib.Path(__file__).parent / "plugin/shelf.c"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The channel `shelf`, built against the headers."""
    folder = tmp_path_factory.mktemp("shelf")
    san = ["-fsanitize=address,undefined"] if "san" in BUILD.name else []
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-Wall", "-Werror", *san, f"-I{ROOT / 'include'}", str(SOURCE),
                    str(BUILD / "libtouchkit.a"), "-ljansson", "-lcrypto", "-lm", "-o", str(folder / "shelf.so")], check=True)
    return folder


def with_shelf(folder, size=300, pause=1):
    def edit(text):
        return text.replace("channels:\n", f"plugins: [{BUILD / 'channels'}, {folder}]\nchannels:\n  shelf:\n"
                            f"    - {{ name: a, size: {size}, pause: {pause} }}\n    - {{ name: support, size: 1 }}\n", 1)
    return edit


def tool(t, *args, **more):
    env = {**os.environ, "TOUCHLINE_URL": t.url, "TOUCHLINE_TOKEN": OPERATOR, "ASAN_OPTIONS": "detect_leaks=0"}
    return subprocess.Popen([str(BUILD / "touchline"), *args], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def run(t, *args):
    p = tool(t, *args)
    out, err = p.communicate(timeout=60)
    return p.returncode, out, err


def summary(t, *args):
    code, out, err = run(t, *args, "--json")
    o = json.loads(out) if out else {}
    return code, o.get("summary"), o, err


def source(t, name):
    return next((s for s in t.get("/v1/sources").json()["items"] if s["source"] == name), None)


def test_what_a_source_never_gave_us_is_told_with_its_place_and_can_be_taken_in(shelf):
    with Touchline(edit=with_shelf(shelf)) as t:
        for n in (1, 2, 3, 3, 150):
            assert t.request("POST", f"/shelf/a/{n}", None).status_code in (200, 202)
        s = source(t, "shelf:a")
        assert (s["received"], s["kept"], s["duplicate"], s["quarantined"]) == (5, 4, 1, 0) and s["configured"]
        code, figures, whole, err = summary(t, "reconcile", "a", "--since", "30d")
        assert code == 1 and figures == {"server": 300, "kept": 4, "missing": 296, "places": 4}, err
        assert {i["place"] for i in whole["items"]} == {f"1/{n:010}" for n in range(1, 301) if n not in (1, 2, 3, 150)}
        code, out, err = run(t, "reconcile", "shelf:a")
        assert code == 1 and "never taken in" in out and not err  # no terminal: no line of progress
        code, figures, _, err = summary(t, "backfill", "shelf:a", "--since", "all")
        assert code == 0 and figures["kept"] == 300, err
        code, figures, whole, err = summary(t, "reconcile", "a")
        assert code == 0 and figures == {"server": 300, "kept": 300, "missing": 0, "places": 300} and not whole["items"], err
        t.restart(signal.SIGKILL)  # the ledger is on the disk
        assert summary(t, "reconcile", "a")[1]["places"] == 300
        assert source(t, "shelf:a")["kept"] == 300


def test_one_operation_at_a_time_on_a_source_and_wrong_names_are_told(shelf):
    with Touchline(edit=with_shelf(shelf, size=100000, pause=20)) as t:
        first = t.post("/v1/sources/shelf:a/reconcile", {"since": "7d"})
        assert first.status_code == 202 and first.headers["Location"].endswith(first.json()["id"])
        again = t.post("/v1/sources/a/backfill", {"since": "7d"})
        assert again.status_code == 409 and first.json()["id"] in again.json()["detail"]
        here = f"/v1/operations/{first.json()['id']}"
        wait_for(lambda: t.get(here).json()["done"] > 0, why="progress")
        assert t.request("DELETE", here).status_code == 202
        wait_for(lambda: t.get(here).json()["state"] == "cancelled", why="its end")
        page = t.get(here, params={"limit": 10}).json()
        assert len(page["items"]) == 10 and t.get(here, params={"cursor": page["next"]}).json()["items"][0]["place"] == "1/0000000011"
        assert t.post("/v1/sources/support/reconcile", {}).json()["code"] == "ambiguous"  # the mailbox and the shelf
        assert t.post("/v1/sources/nowhere/reconcile", {}).status_code == 404
        assert t.post("/v1/sources/email:nowhere/reconcile", {}).status_code in (202, 404)
        assert t.post("/v1/sources/contact/backfill", {}).json()["code"] == "not-here"
        assert t.post("/v1/sources/a/reconcile", {"since": "soon"}).status_code == 422
        assert run(t, "backfill", "a")[0] == 2 and run(t, "reconcile")[0] == 2


@pytest.mark.parametrize("how", ["ctrl-c", "restart"])
def test_what_was_interrupted_goes_on_where_it_was_left(shelf, how):
    with Touchline(edit=with_shelf(shelf, size=5000, pause=10)) as t:
        args = ("reconcile", "a", "--since", "30d", "--json")
        p = tool(t, *args)
        wait_for(lambda: "event=operation.begin" in t.log.read_text(), why="begun")
        number = t.log.read_text().split("event=operation.begin id=")[1].split()[0]
        wait_for(lambda: t.get(f"/v1/operations/{number}").json()["done"] > 200, why="some of it")
        if how == "ctrl-c":
            p.send_signal(signal.SIGINT)
            out, err = p.communicate(timeout=20)
            assert p.returncode == 130 and "goes on" in err and not out
            p = tool(t, *args)
        else:
            t.restart()  # the tool asks again by itself
        out, err = p.communicate(timeout=60)
        whole = json.loads(out)
        assert p.returncode == 1 and whole["resumed"] is True, err
        assert whole["summary"]["missing"] == 5000 and whole["summary"]["kept"] == 0
        assert len(whole["items"]) >= 4000  # those told before it was left are there too, but for what is too many to keep
        assert summary(t, "reconcile", "a", "--since", "1d")[2]["resumed"] is False


def test_a_source_without_a_list_of_its_own_is_held_against_the_timeline(fresh):
    t = fresh
    for n in range(3):
        r = t.request("POST", "/forms/contact", None, data={"email": f"f{n}@example.org", "message": f"number {n}"})
        assert r.status_code < 400, r.text
    code, figures, whole, err = summary(t, "reconcile", "forms:contact", "--since", "1d")
    assert code == 0, (err, whole)
    assert figures["kept"] == 3 and figures["looked_at"] == 3 and figures["missing"] == 0
    contact = t.contact("email:f1@example.org")["id"]
    at = t.timeline(contact)[0]["id"]
    t.redis().delete(f"{{{contact}}}:t", f"{{{contact}}}:b", f"{{{contact}}}:c")  # as if the store had lost it
    for key in t.redis().scan_iter("{p:*"):
        t.redis().delete(key)
    code, figures, whole, err = summary(t, "reconcile", "contact", "--since", "1d")
    assert code == 1 and figures["missing"] == 3 and at in {i["id"] for i in whole["items"]}
    code, _, _, err = summary(t, "reconcile", "push:nobody")
    assert code == 1 and "nothing is known" in err


def test_the_search_is_built_anew_with_progress_and_the_figures(fresh):
    t = fresh
    for n in range(5):
        t.push({"id": f"r{n}", "channel": "chat", "text": "x", "from": {"email": f"r{n}@example.org", "name": "Rita Reindex"}})
    for key in t.redis().scan_iter("{x:*"):
        t.redis().delete(key)
    assert not t.get("/v1/contacts", params={"q": "reindex"}).json()["items"]
    code, figures, _, err = summary(t, "reindex")
    assert code == 0 and figures["contacts"] == 5, err
    wait_for(lambda: len(t.get("/v1/contacts", params={"q": "reindex"}).json()["items"]) == 5, why="found again")
    code, out, err = run(t, "source")
    assert code == 0 and "push:dev-adapter" in out and "forms:contact" in out, err


def test_a_source_that_is_silent_for_too_long_is_told_once_and_when_it_is_back(tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("0")
    alarm = '\nalarm: { sources: { "push:dev-adapter": 4h, "forms:contact": no } }\n'
    with Touchline(env={"TOUCHLINE_CLOCK": str(clock)}, edit=lambda s: s + alarm) as t:
        say = {"id": "1", "channel": "chat", "text": "x", "from": {"email": "s@example.org"}}
        assert t.push(say).status_code == 201
        s = source(t, "push:dev-adapter")
        assert s["last_received_at"] and s["silent"] is False
        t.request("POST", "/forms/contact", None, data={"email": "f@example.org", "message": "once"})
        assert 'touchline_source_silent{source="push:dev-adapter"} 0' in t.get("/metrics").text
        clock.write_text(str(5 * 3600 * 1000))
        wait_for(lambda: t.post("/v1/touchpoints", {"id": "clock", "channel": "other", "from": {"email": "c@example.org"}}, OPERATOR).ok
                 and "event=source.silent" in look(t), 20, why="silent")
        ready = t.get("/readyz", None)
        assert ready.status_code == 200 and list(ready.json()["silent"]) == ["push:dev-adapter"]
        assert source(t, "push:dev-adapter")["silent"] and not source(t, "forms:contact")["silent"]
        text = t.get("/metrics").text
        assert 'touchline_source_silent{source="push:dev-adapter"} 1' in text
        assert 'touchline_source_last_received_seconds{source="push:dev-adapter"}' in text
        t.restart()  # it stays told, and is not told again
        assert t.get("/readyz", None).json()["silent"]
        assert t.push({**say, "id": "2"}).ok
        assert not t.get("/readyz", None).json()["silent"]
        log = t.log.read_text()
        assert log.count("event=source.silent") == 1 and log.count("event=source.back") == 1


def look(t):
    """The log, after the daemon was made to look now (a reload does)."""
    t.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=config.reload" in t.log.read_text(), why="reloaded")
    return t.log.read_text()
