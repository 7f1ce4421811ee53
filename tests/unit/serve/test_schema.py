"""Schemathesis drives the API by its own description: no 5xx, and no answer outside its schema."""

from __future__ import annotations

import pytest

schemathesis = pytest.importorskip(
    "schemathesis", reason="no schemathesis: pip install 'audiorec-music[dev]'"
)

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from .conftest import make_workspace  # noqa: E402
from .running import Server  # noqa: E402

EXAMPLES = 80
# What starts work of seconds or waits for it has tests of its own.
SLOW = ("/api/v1/jobs", "/api/v1/jobs/events", "/api/v1/preview", "/api/v1/similar/upload")


@pytest.fixture(scope="module")
def schema(tmp_path_factory, write_audio):
    from schemathesis import openapi

    server = Server(make_workspace(tmp_path_factory.mktemp("schema"), write_audio))
    yield openapi.from_url(f"http://127.0.0.1:{server.port}/api/v1/openapi.json")
    server.stop()


def test_no_answer_is_outside_of_the_description(schema):
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance,
              response_schema_conformance]  # fmt: skip
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [each for each in operations if each.path not in SLOW]
    assert len(operations) > 20
    cases = st.one_of([each.as_strategy() for each in operations])
    seen: set[str] = set()

    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def drive(case):
        seen.add(f"{case.method} {case.path}")
        case.call_and_validate(checks=checks)

    drive()
    assert len(seen) > 10
