"""Debian's Prometheus, scraping what a test runs."""

import json
import urllib.parse

from kit.environment import free_port, write_for_user
from kit.http import Http
from kit.process import Process, eventually


def job(name, port, authority=None, user=None):
    """What to scrape; over TLS with a CA, with a password for a user."""
    job = {"job_name": name, "static_configs": [{"targets": [f"localhost:{port}"]}]}
    if authority:
        job |= {"scheme": "https", "tls_config": {"ca_file": str(authority.certificate)}}
    if user:
        job["basic_auth"] = {"username": user[0], "password": user[1]}
    return job


class Prometheus:
    """Use it in a with statement. It needs about five seconds before the first scrape."""

    def __init__(self, workspace, *jobs):
        self.folder = workspace.folder("prometheus")
        # JSON is YAML.
        write_for_user(self.folder / "prometheus.yml", json.dumps(
            {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": list(jobs)}))
        port = free_port()
        self.process = Process(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"], self.folder / "log")
        self._http = Http(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()

    def query(self, expression):
        """The series of the expression."""
        try:
            path = "/api/v1/query?query=" + urllib.parse.quote(expression)
            return self._http.json(path)["data"]["result"]
        except (OSError, AssertionError):  # it is still starting
            assert self.process.exit_code is None, self.process.log()
            return []

    def wait_for(self, expression):
        eventually(lambda: self.query(expression), f"{expression}\n{self.process.log()}")
