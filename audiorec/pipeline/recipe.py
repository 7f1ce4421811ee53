"""Recipe: the settings of all stages, as a TOML file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import model_validator

from audiorec.audio import MelConfig
from audiorec.config_base import Section
from audiorec.data.magic_bytes import is_special_file
from audiorec.data.plays import InteractionsConfig
from audiorec.exceptions import DataError, ParameterError, first_line, system_reason
from audiorec.factors import FactorsConfig
from audiorec.index import IndexConfig
from audiorec.models import MUSICNN_MEL, PRETRAINED_ENCODERS, ModelConfig, TrainConfig, check_crop
from audiorec.pipeline.evaluate_config import EvaluateConfig
from audiorec.pipeline.old_settings import update_settings
from audiorec.sessions import SessionsConfig

MOST_RECIPE = 1 << 20  # bytes


class Recipe(Section):
    """Settings of all stages: the contents of a recipe file.

    Examples
    --------
    >>> recipe = Recipe(factors={"factors": 64})
    >>> recipe.factors.factors, recipe.mel.sr
    (64, 22050)
    >>> Path("recipe.toml").write_text(recipe.to_toml()) > 0
    True
    >>> Recipe.load(Path("recipe.toml")) == recipe
    True
    """

    mel: MelConfig = MelConfig()
    interactions: InteractionsConfig = InteractionsConfig()
    factors: FactorsConfig = FactorsConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    index: IndexConfig = IndexConfig()
    sessions: SessionsConfig = SessionsConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @model_validator(mode="before")
    @classmethod
    def _mel_follows_the_encoder(cls, sections: Any) -> Any:
        """Fill in the mel settings of a pretrained encoder, unless others are given."""
        if not isinstance(sections, dict):
            return sections
        model, mel = (_stated(sections.get(name, {})) for name in ("model", "mel"))
        if model.get("encoder") not in PRETRAINED_ENCODERS:
            return sections
        needed = MUSICNN_MEL
        other = [k for k, value in needed.items() if mel.get(k, value) != value]
        if other:
            wanted = ", ".join(
                f"{k} = {json.dumps(value)}" for k, value in needed.items() if value is not None
            )
            raise ValueError(
                f"{other[0]}={mel[other[0]]!r} under [mel] is not what encoder "
                f"{model['encoder']!r} was trained on; leave such settings out, or write: {wanted}"
            )
        return {**sections, "mel": {**mel, **needed}}

    @model_validator(mode="after")
    def _crops_fit_the_clip(self) -> Self:
        if not self.model.pretrained and not self.model.frozen:  # those crop the whole clip
            check_crop(self.mel, self.train)
        return self

    @classmethod
    def load(cls, path: Path, *, notify: Callable[[str], None] | None = None) -> Recipe:
        """Read a recipe from TOML; names of version 0.1 are accepted.

        Parameters
        ----------
        path : Path
        notify : callable or None
            Called with a line for each old name.

        Raises
        ------
        DataError
            If the file cannot be read, is not TOML, has an unknown key or an impossible value.
        """
        if is_special_file(path):
            raise DataError(f"recipe {path} is no regular file; copy it into one")
        try:
            with path.open("rb") as stream:
                content = stream.read(MOST_RECIPE + 1)
            if len(content) > MOST_RECIPE:
                raise DataError(f"recipe {path} has more than {MOST_RECIPE} bytes; name another")
            settings, notes = update_settings(
                tomllib.loads(content.decode("utf-8").replace("\r\n", "\n")),
                former={name: field.default.former for name, field in cls.model_fields.items()},
            )
            recipe = cls(**settings)
        except OSError as error:
            raise DataError(
                f"recipe {path} cannot be read: {system_reason(error).lower()}; "
                "check its path and permissions"
            ) from None
        except UnicodeDecodeError:
            raise DataError(f"recipe {path} is not UTF-8 text; save it as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            reason = str(error)
            raise DataError(
                f"recipe {path} is not TOML: {reason[:1].lower()}{reason[1:]}; correct it there"
            ) from None
        except ParameterError as error:
            raise DataError(f"recipe {path}: {error}") from None
        except (RecursionError, ValueError) as error:  # nested too deep, a number too long
            reason = first_line(error).partition(";")[0]
            raise DataError(f"recipe {path} cannot be read: {reason}; correct it there") from None
        if notify is not None:
            for note in notes:
                notify(f"recipe {path}: {note}")
        return recipe

    def to_toml(self) -> str:
        """Format the recipe as TOML that `load` reads back to an equal recipe."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _stated(section: Any) -> dict[str, Any]:
    """Return the explicit settings of a section, without defaults."""
    if isinstance(section, Section):
        return section.model_dump(exclude_unset=True)
    return dict(section) if isinstance(section, dict) else {}
