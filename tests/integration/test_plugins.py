"""A channel from elsewhere: built against the installed headers, loaded; a wrong one refused by name."""
import os
import pathlib
import subprocess

import pytest

from touchline import BUILD, ROOT, Touchline

SOURCE = pathlib.Path(__file__).parent / "plugin/letters.c"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "-C", str(ROOT), "install", f"DESTDIR={root}", "prefix=/usr"], check=True, stdout=subprocess.DEVNULL)
    return root


def build(installed, folder, *flags):
    folder.mkdir(parents=True, exist_ok=True)
    san = ["-fsanitize=address,undefined"] if "san" in BUILD.name else []
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *san, *flags, f"-I{installed}/usr/include", str(SOURCE),
                    f"{installed}/usr/lib/libtouchkit.a", "-ljansson", "-lcrypto", "-lm", "-o", str(folder / "letters.so")], check=True)


def with_letters(folder):
    def edit(text):
        return text.replace("channels:\n", f"plugins: [{BUILD / 'channels'}, {folder}]\nchannels:\n  letters: {{ clerk: Kim }}\n", 1)
    return edit


def test_what_is_installed_is_whole(installed):
    for name in ("usr/sbin/touchlined", "usr/bin/touchline", "usr/include/touchline/plugin.h", "usr/lib/touchline/channels/email.so",
                 "usr/lib/systemd/system/touchlined.service", "etc/touchline/touchline.yml"):
        assert (installed / name).exists(), name


def test_a_fifth_channel_loads_and_takes_in(installed, tmp_path):
    build(installed, tmp_path / "plugins")
    with Touchline(edit=with_letters(tmp_path / "plugins")) as t:
        r = t.request("POST", "/letters/17", None, data=b"Dear all", headers={"Content-Type": "text/plain"})
        assert r.status_code == 201, r.text
        assert t.request("POST", "/letters/17", None, data=b"Dear all", headers={"Content-Type": "text/plain"}).status_code == 200
        contact = t.contact("phone:+4930999888")
        assert [p["text"] for p in t.timeline(contact["id"])] == ["Dear all"]
        assert t.get("/readyz", None).json()["channels"]["letters"]["state"] == "ok"


def check(t):
    return subprocess.run([str(BUILD / "touchlined"), "-c", str(t.file), "--check"], capture_output=True, text=True,
                          env={**os.environ, "TOUCHLINE_VAR": str(t.var), "ASAN_OPTIONS": "detect_leaks=0"})


def test_a_plugin_of_another_major_is_refused_by_name(installed, tmp_path):
    build(installed, tmp_path / "plugins", "-DWRONG_MAJOR")
    t = Touchline(edit=with_letters(tmp_path / "plugins"), start=False)
    done = check(t)
    assert done.returncode == 1 and "letters" in done.stderr and "ABI" in done.stderr, done.stderr
    t.close()


def test_a_channels_own_keys_are_checked_at_their_place(installed, tmp_path):
    build(installed, tmp_path / "plugins")
    t = Touchline(edit=lambda s: with_letters(tmp_path / "plugins")(s).replace("clerk: Kim", "clerc: Kim"), start=False)
    done = check(t)
    assert done.returncode == 1 and f"{t.file}:" in done.stderr and '"clerk"' in done.stderr, done.stderr
    t.close()


@pytest.mark.parametrize("path", sorted((BUILD / "channels").glob("*.so")), ids=lambda p: p.stem)
def test_a_channel_exports_its_table_and_nothing_else(path):
    names = subprocess.run(["nm", "-D", "--defined-only", str(path)], capture_output=True, text=True, check=True).stdout.split("\n")
    ours = [n.split()[-1] for n in names if n and not any(s in n for s in ("asan", "ubsan", "_init", "_fini", "odr"))]
    assert ours == ["touchline_plugin"], ours
