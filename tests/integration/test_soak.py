"""A minute of what tests/soak does for hours: all modes, and faults of every kind. With the shipped binary."""

import os

import pytest

from kit.environment import RUNS_AS_ROOT
from kit.soak import FAKETIME, SHORT, Soak

# Once per run, not for each build. Longer by hand: PGMOAT_SOAK_SECONDS=300.
SECONDS = int(os.environ.get("PGMOAT_SOAK_SECONDS", "75"))

pytestmark = [
    pytest.mark.once_a_run,
    pytest.mark.skipif(not RUNS_AS_ROOT, reason="needs root for namespaces, control groups and others' limits"),
]


def test_it_survives_what_happens_in_years(workspace, installations, authority):
    assert FAKETIME, "no faketime: deploy/install-packages tests"
    soak = Soak(workspace, installations, authority, workspace.release)
    try:
        soak.run(SECONDS, SHORT)
    finally:
        soak.close()
