"""A real Dovecot of our own: IMAP with TLS on free ports, a test authority, one mailbox, tokens by JWT.

    with Dovecot() as d:
        d.deliver(b"From: …")

Runs from a folder of its own, as whoever runs the tests; root gives the mail to nobody, since Dovecot serves no mail of root's.
"""
import base64
import hashlib
import hmac
import imaplib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from touchline import free_port, wait_for

PASSWORD, SECRET = "tr0ub4dor", b"a key for tokens of the tests only"


def missing():
    """What cannot run here, in words; None: all is there."""
    return None if shutil.which("dovecot") or os.path.exists("/usr/sbin/dovecot") else "dovecot-imapd is not installed"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(user="support", lives=3600, secret=SECRET):
    """A JWT as an identity provider would give it."""
    head = b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "default"}).encode())
    now = int(time.time())
    body = b64(json.dumps({"sub": user, "iat": now - 5, "nbf": now - 5, "exp": now + lives, "azp": "default"}).encode())
    return f"{head}.{body}." + b64(hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest())


class Dovecot:
    def __init__(self, extra=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="touchline-dovecot-"))
        self.dir.chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        self.who = pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")
        self.maildir = self.dir / "mail" / "support" / "Maildir"
        self.process, self.n = None, 0
        self._certificates()
        self._configure(extra)
        self.start()

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)

    def _certificates(self):
        self.ca = self.dir / "ca.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
                      "ca.pem", "-days", "2", "-subj", "/CN=test authority")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out",
                      "server.csr", "-subj", "/CN=localhost")
        (self.dir / "names").write_text("subjectAltName=DNS:localhost\n")
        self._openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
                      "-days", "2", "-extfile", "names")

    def _configure(self, extra):
        d, user = self.dir, self.who.pw_name
        keys = d / "keys" / "default" / "HS256"
        keys.mkdir(parents=True)
        (keys / "default").write_text(base64.b64encode(SECRET).decode())
        (d / "oauth2.conf").write_text("introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=%s/keys/\n"
                                       "username_attribute = sub\n" % d)
        (d / "users").write_text(f"support:{{PLAIN}}{PASSWORD}:{self.who.pw_uid}:{self.who.pw_gid}::{d}/mail/support::\n")
        (d / "mail").mkdir()
        for name in ("cur", "new", "tmp"):
            (self.maildir / name).mkdir(parents=True)
        group = subprocess.run(["id", "-gn", user], capture_output=True, text=True, check=True).stdout.strip()
        (d / "dovecot.conf").write_text(f"""
protocols = imap
listen = 127.0.0.1
base_dir = {d}/run
state_dir = {d}/run
log_path = {d}/dovecot.log
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:~/Maildir
mail_fsync = never
ssl = yes
ssl_cert = <{d}/server.pem
ssl_key = <{d}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {d}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = {d}/users
}}
userdb {{
  driver = passwd-file
  args = {d}/users
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
mailbox_idle_check_interval = 1s
{extra}
""")
        self.own()

    def own(self):
        """All of the mail belongs to whom Dovecot runs as."""
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", f"{self.who.pw_uid}:{self.who.pw_gid}", str(self.dir / "mail")], check=True)

    def start(self):
        binary = shutil.which("dovecot") or "/usr/sbin/dovecot"
        with open(self.dir / "start.log", "ab") as log:
            self.process = subprocess.Popen([binary, "-F", "-c", str(self.dir / "dovecot.conf")], stdout=log, stderr=log,
                                            start_new_session=True)
        wait_for(self.login, 15, why=f"dovecot (logs in {self.dir})").logout()

    def stop(self, sig=signal.SIGTERM):
        """It and its children, which stand in a group of their own."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, sig)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def close(self):
        self.stop(signal.SIGKILL)
        if os.environ.get("KEEP") is None:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            log = self.dir / "dovecot.log"
            print("--- dovecot's log:\n" + "\n".join(log.read_text().splitlines()[-30:] if log.exists() else []))
        self.close()

    # ---- the mailbox, seen from outside ----
    def login(self):
        c = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        c.login("support", PASSWORD)
        return c

    def deliver(self, *mails):
        """As a mail server does: written aside, then moved in."""
        for mail in mails:
            self.n += 1
            name = f"{int(time.time())}.M{self.n:07d}.test"
            path = self.maildir / "tmp" / name
            path.write_bytes(mail)
            if os.getuid() == 0:
                os.chown(path, self.who.pw_uid, self.who.pw_gid)
            path.rename(self.maildir / "new" / name)

    def append(self, mail, folder="INBOX", date=None):
        c = self.login()
        answer = c.append(folder, None, imaplib.Time2Internaldate(date or time.time()), mail)
        c.logout()
        assert answer[0] == "OK", answer

    def count(self, criterion="ALL", folder="INBOX"):
        c = self.login()
        try:
            if c.select(folder, readonly=True)[0] != "OK":
                return 0
            return len(c.uid("SEARCH", criterion)[1][0].split())
        finally:
            c.logout()

    def command(self, run, folder="INBOX"):
        """run(connection) with the folder open for changes."""
        c = self.login()
        c.select(folder)
        try:
            return run(c)
        finally:
            c.logout()

    def new_uidvalidity(self):
        """The mailbox is made anew under its name: same mails, other UIDs, another UIDVALIDITY."""
        self.stop()
        for path in self.maildir.glob("dovecot*"):
            path.unlink()
        mails = sorted(self.maildir.glob("cur/*"))
        for i, path in enumerate(mails): # in another order than before
            path.rename(path.with_name(f"{int(time.time())}.M{len(mails) - i:07d}x.test:2,"))
        validity = int(time.time()) + 1000 + self.n
        (self.maildir / "dovecot-uidlist").write_text(f"3 V{validity} N1 G{os.urandom(16).hex()}\n")
        self.own()
        self.start()
