"""Why two tracks match."""

from __future__ import annotations

from audiorec.explain.pair import Explanation, explain_pair

__all__ = ["Explanation", "explain_pair"]
