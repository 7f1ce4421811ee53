"""How threads wait and examples are drawn: a machine's speed is no property of the code."""

import os

from hypothesis import HealthCheck, settings

# As `audiorec` does before torch is imported: threads that spin while they wait for each other
# take ten times the processor time of the work on a machine that is busy.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
