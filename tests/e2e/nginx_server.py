"""docs/deploy/nginx.conf in a real nginx. Only names of this machine are changed in it: ports,
certificate, paths."""

import os
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.polling import TIMEOUT, eventually

from .server_support import ROOT
from .support import ANSWERING, free_port

CONFIGURATION = ROOT / "docs" / "deploy" / "nginx.conf"
NAME = "www.example.com"

# Debian keeps it off an ordinary user's PATH.
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
assert NGINX, "nginx is not installed; .ci/system-packages says how"

AROUND = """
{user}
pid {folder}/nginx.pid;
error_log stderr notice;
events {{}}
http {{
    types {{ text/javascript js; text/css css; }}
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Nginx:
    """An nginx with the documented configuration; a context manager that leaves nothing behind."""

    def __init__(
        self,
        folder: Path,
        upstream: int,
        *,
        read_timeout: str = "180s",
        limits: dict[str, str] | None = None,
    ) -> None:
        self.folder, self.log = folder, folder / "log"
        self.port, self.plain_port = free_port(), free_port()
        (folder / "static").mkdir(exist_ok=True)
        (folder / "static" / "a.txt").write_text("from nginx")
        make_certificate(folder)
        self._write(upstream, read_timeout, limits or {})

    def _write(self, upstream: int, read_timeout: str, limits: dict[str, str]) -> None:
        text = CONFIGURATION.read_text()
        changes = {
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream};",
            f"/etc/ssl/certs/{NAME}.pem": f"{self.folder}/certificate.pem",
            f"/etc/ssl/private/{NAME}.key": f"{self.folder}/key.pem",
            "/srv/mysite/static/": f"{self.folder}/static/",
            "proxy_read_timeout 180s;": f"proxy_read_timeout {read_timeout};",
            **limits,
        }
        for documented, here in changes.items():
            assert text.count(documented) == 1, documented
            text = text.replace(documented, here)
        (self.folder / "site.conf").write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""
        around = AROUND.format(folder=self.folder, user=user)
        (self.folder / "nginx.conf").write_text(around)

    def command(self, *arguments: str) -> list[str]:
        assert NGINX
        # -e: it would complain of the packaged log before it reads the configuration.
        return [NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr", *arguments]

    def __enter__(self) -> Self:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command("-g", "daemon off;"), stderr=log)
        try:
            eventually(self._answers, what=self.log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.plain_port}/").status_code > 0
        except httpx.TransportError:
            return False

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(TIMEOUT)

    @property
    def origin(self) -> str:
        return f"https://{NAME}:{self.port}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.folder / "certificate.pem")

    def get(self, path: str) -> httpx.Response:
        return httpx.get(
            f"https://127.0.0.1:{self.port}{path}",
            headers={"Host": f"{NAME}:{self.port}"},
            verify=self.trust,
            timeout=ANSWERING,
        )


def make_certificate(folder: Path) -> None:
    """A key and a certificate for NAME and this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    names = [x509.DNSName(NAME), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
