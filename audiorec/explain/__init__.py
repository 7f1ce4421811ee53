"""Why two tracks match, and what the filters of the network respond to."""

from __future__ import annotations

from audiorec.explain.pair import Explanation, explain_pair

__all__ = ["Explanation", "explain_pair"]
