"""The metrics of a running pgmoat, as a Prometheus server reads them."""

import re
import urllib.request

SAMPLE = re.compile(r"^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """One scrape. Lookups add up all series that have the labels."""

    def __init__(self, text):
        self.text = text
        self.families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        self.samples = []
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples.append((name, dict(LABEL.findall(labels or "")), float(value)))

    def all(self, name, **labels):
        return [(have, value) for found, have, value in self.samples
                if found == name and labels.items() <= have.items()]

    def sum(self, name, **labels):
        return sum(value for _, value in self.all(name, **labels))

    def by(self, label, name, **labels):
        """The sums by value of one label, without zeros: {"committed": 2}."""
        sums = {}
        for have, value in self.all(name, **labels):
            if value:
                sums[have[label]] = sums.get(have[label], 0) + value
        return sums


def scrape(pgmoat):
    with urllib.request.urlopen(f"http://{pgmoat.settings['http_listen']}/metrics", timeout=30) as answer:
        return Metrics(answer.read().decode())


class Since:
    """What was counted since it was created."""

    def __init__(self, pgmoat):
        self._pgmoat = pgmoat
        self._before = scrape(pgmoat)

    def by(self, label, name, **labels):
        before = self._before.by(label, name, **labels)
        now = scrape(self._pgmoat).by(label, name, **labels)
        return {key: value - before.get(key, 0) for key, value in now.items() if value != before.get(key, 0)}

    def sum(self, name, **labels):
        return scrape(self._pgmoat).sum(name, **labels) - self._before.sum(name, **labels)

    def from_client(self):
        return self.by("type", "pgmoat_messages_total", direction="from_client")

    def from_server(self):
        return self.by("type", "pgmoat_messages_total", direction="from_server")

    def transactions(self):
        return self.by("state", "pgmoat_transactions_total")

    def errors(self):
        return self.by("sqlstate_class", "pgmoat_server_errors_total")

    def queries(self):
        return self.sum("pgmoat_queries_total")
