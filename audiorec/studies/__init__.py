"""Studies: evaluations of single questions, and runs on public data sets.

The evaluation does not depend on them. ``audiorec evaluate --study NAME`` runs one of `STUDIES`.
`copies`, `hetrec`, `interval_coverage`, `msd`, `real_music` and `yoochoose` are separate commands,
run by ``python -m audiorec.studies.NAME``.
"""

from __future__ import annotations

from audiorec.studies.registry import STUDIES, Study

__all__ = ["STUDIES", "Study"]
