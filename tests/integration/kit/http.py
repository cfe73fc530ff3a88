"""A client of pgmoat's HTTP endpoint."""

import base64
import json
import ssl
import urllib.error
import urllib.request

from kit.process import PATIENCE


class Http:
    """GET requests; `authority` for https, `user` as (name, password)."""

    def __init__(self, port, authority=None, user=None):
        self.base = f"{'https' if authority else 'http'}://localhost:{port}"
        self._headers = {}
        if user:
            self._headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        context = ssl.create_default_context(cafile=authority.certificate) if authority else None
        # Ignores proxy settings of the environment, and sends no Accept-Encoding.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=context)] if context else []))

    def get(self, path):
        """(status, body as bytes)"""
        request = urllib.request.Request(self.base + path, headers=self._headers)
        try:
            with self._opener.open(request, timeout=PATIENCE) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def text(self, path):
        status, body = self.get(path)
        assert status == 200, (path, status, body)
        return body.decode()  # strict: invalid UTF-8 fails the test

    def json(self, path):
        return json.loads(self.text(path))
