"""Make openapi.json of a copy of the specification: one file, without its prose.

    python bundle.py OPEN_SUBSONIC_API/openapi

The specification is that of https://github.com/opensubsonic/open-subsonic-api (July 2026), under
the Apache License 2.0, which stands beside this. Files that refer to each other are put together,
and descriptions, examples and links left out; nothing else is changed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PROSE = {"description", "summary", "externalDocs", "example", "examples", "tags"}
NAMES = {"properties", "schemas", "responses", "securitySchemes", "parameters", "paths"}


def bundle(root: Path) -> dict:
    """The specification in a folder, with every file that is referred to as a component."""
    schemas: dict[str, object] = {}

    def name_of(file: Path) -> str:
        return ".".join(file.relative_to(root).with_suffix("").parts)

    def read(file: Path) -> object:
        return inlined(json.loads(file.read_text()), file.parent)

    def inlined(value: object, folder: Path, *, names: bool = False) -> object:
        if isinstance(value, list):
            return [inlined(each, folder) for each in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            file = (folder / value["$ref"]).resolve()
            if "schemas" not in file.parts and "Response" not in file.name:
                return read(file)
            if file.parent.name == "responses":
                return read(file)
            name = name_of(file)
            if name not in schemas:
                schemas[name] = None  # it may refer to itself
                schemas[name] = read(file)
            return {"$ref": f"#/components/schemas/{name}"}
        kept = {
            key: inlined(each, folder, names=key in NAMES and not names)
            for key, each in value.items()
            if names or key not in PROSE
        }
        if "content" in value or ("description" in value and set(value) <= {"description"}):
            kept["description"] = ""
        return kept

    table = json.loads((root / "openapi.json").read_text())
    paths = {path: inlined(each, root) for path, each in table["paths"].items()}
    return {
        "openapi": table["openapi"],
        "info": {"title": table["info"]["title"], "version": table["info"]["version"]},
        "paths": paths,
        "components": {"schemas": schemas},
    }


if __name__ == "__main__":
    made = bundle(Path(sys.argv[1]).resolve())
    target = Path(__file__).with_name("openapi.json")
    target.write_text(json.dumps(made, indent=None, separators=(",", ":"), sort_keys=True) + "\n")
