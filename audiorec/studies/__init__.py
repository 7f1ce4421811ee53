"""Studies: single questions put to the evaluation, and runs on public data sets.

The evaluation does not know them. ``audiorec evaluate --study NAME`` asks one of `STUDIES`.
`copies`, `hetrec`, `interval_coverage`, `msd`, `real_music` and `yoochoose` are commands of their
own, by ``python -m audiorec.studies.NAME``.
"""

from __future__ import annotations

from audiorec.studies.registry import STUDIES, Study

__all__ = ["STUDIES", "Study"]
