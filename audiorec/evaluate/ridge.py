"""The evaluation's ridge regression is everyone's: `audiorec.ridge`."""

from __future__ import annotations

from audiorec.ridge import Ridge, fit_ridge

__all__ = ["Ridge", "fit_ridge"]
