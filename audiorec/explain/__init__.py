"""Explanations of matches of two tracks, and of the network's filters."""

from __future__ import annotations

from audiorec.explain.pair import Explanation, explain_pair

__all__ = ["Explanation", "explain_pair"]
