"""Write ``evaluation_numbers.json``: what the planted world of the evaluation's tests scores.

    python tests/data/make_evaluation_numbers.py

Run it where a change of method is meant to change the figures, and say so in the commit. Kernels of
linear algebra sum in orders of their own, and in a world this small that moves some figures by
thousandths: the test allows for that, and a network strays further.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NUMBERS = HERE / "evaluation_numbers.json"
SYSTEMS = (
    "random",
    "mel statistics + ridge",
    "cnn (from nothing)",
    "ALS on all plays",
    "ALS fold-in",
)


def measure(planted: Any) -> dict[str, dict[str, dict[str, float]]]:
    """Means and shares of the oracle of a planted world, seed 0, rounded to 6 places."""
    import torch

    from audiorec.evaluation import evaluate

    section = planted.recipe.evaluate.model_copy(update={"seeds": (0,)})
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of sums, and so the last digits, depend on it
    try:
        body = evaluate(
            planted.store,
            planted.plays,
            planted.tracks,
            recipe=planted.recipe.model_copy(update={"evaluate": section}),
            systems=SYSTEMS,
        ).to_json()
    finally:
        torch.set_num_threads(before)
    assert isinstance(body, dict)
    return {
        table: {
            name: {metric: round(row[metric], 6) for metric in ("AUC", "mAP@500", "nDCG@50")}
            for name, row in body[table].items()
        }
        for table in ("systems", "share_of_oracle")
    }


def main() -> None:
    """Measure and write."""
    path = HERE.parent / "unit" / "planted.py"
    spec = importlib.util.spec_from_file_location("planted", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules["planted"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    NUMBERS.write_text(json.dumps(measure(module.make_planted()), indent=1) + "\n")


if __name__ == "__main__":
    main()
