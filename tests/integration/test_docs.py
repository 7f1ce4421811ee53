"""The docs keep up with the code, and every public thing says what it is."""

import importlib
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import audiorec
from audiorec.cli import COMMANDS, cli

ROOT = Path(__file__).parents[2]


def reference():
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs/make_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["commands.md", "api.md"])
def test_reference_is_up_to_date(page):
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == reference().PAGES[page](), "run: python docs/make_reference.py"


def test_every_command_and_option_is_in_the_reference():
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        command = cli.get_command(None, name)
        section = text.split(f"## audiorec {name}\n")[1].split("\n## ")[0]
        assert command.help, name
        for parameter in command.params:
            if getattr(parameter, "hidden", False):  # of an earlier version
                continue
            for option in getattr(parameter, "opts", []):
                if option.startswith("-"):
                    assert option in section, f"{name} {option}"


def test_every_command_is_told_of_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [
        name for name in COMMANDS if f"`{name}" not in text and f"audiorec {name}" not in text
    ]
    assert not missing


def test_links_between_the_pages_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_files_and_names_of_python_in_the_pages_exist():
    """Tests that a figure is measured by, modules of the design, and names for who upgrades."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for path in re.findall(r"tests/[\w/]+\.py", page.read_text(encoding="utf-8")):
            assert (ROOT / path).is_file(), f"{page.name}: {path}"
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)`\s(?:of|in)\s`([\w/]+)\.py`", contributing)
    assert ("SOURCES", "data/histories/importer_registry") in named
    for name, path in named:
        module = "audiorec." + path.removesuffix("/__init__").replace("/", ".")
        assert hasattr(importlib.import_module(module), name), f"{name} of {path}.py"
    design = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    row = next(line for line in design.splitlines() if line.startswith("| top level |"))
    listed = set(re.findall(r"`(\w+)`", row))
    modules = {info.name for info in pkgutil.iter_modules(audiorec.__path__) if not info.ispkg}
    assert listed - {"artifacts"} == modules - {"__main__"}
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("## 0.1")[0]
    for name in re.findall(r"`(audiorec(?:\.\w+)+)`(?! is gone)", changes):
        module, _, member = name.rpartition(".")
        assert hasattr(importlib.import_module(module), member), name


def public_members():
    for info in pkgutil.walk_packages(audiorec.__path__, "audiorec."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        yield info.name, module
        for name, member in vars(module).items():
            own = getattr(member, "__module__", None) == module.__name__
            if (
                own
                and not name.startswith("_")
                and (inspect.isclass(member) or inspect.isfunction(member))
            ):
                yield f"{info.name}.{name}", member
                if inspect.isclass(member):
                    for method, function in vars(member).items():
                        if (
                            inspect.isfunction(function)
                            and function.__name__ == method
                            and not method.startswith("_")
                        ):
                            yield f"{info.name}.{name}.{method}", function


def test_every_public_name_has_a_docstring():
    missing = [name for name, member in public_members() if not inspect.getdoc(member)]
    assert not missing


def test_no_placeholder_is_left():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        assert not re.search(
            r"\bTABLE_[A-Z]+|\bMINUTES\b|\bTODO\b", page.read_text(encoding="utf-8")
        )


def test_no_two_public_classes_have_one_name():
    owners = {}
    for info in pkgutil.walk_packages(audiorec.__path__, "audiorec."):
        if info.name.endswith("__main__"):
            continue
        for name, member in vars(importlib.import_module(info.name)).items():
            public = inspect.isclass(member) and not name.startswith("_")
            if public and member.__module__ == info.name:
                owners.setdefault(name, []).append(info.name)
    assert {name: homes for name, homes in owners.items() if len(homes) > 1} == {}


def test_every_command_has_a_file_of_tests():
    folder = Path(__file__).parent / "commands"
    files = {path.stem.removeprefix("test_") for path in folder.glob("test_*.py")}
    assert files == {name.replace("-", "_") for name in COMMANDS}


def test_every_step_of_the_path_has_an_example():
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    parts = {part.split("\n", 1)[0]: part for part in page.split("\n## ")}
    steps = ["audiorec", *(f"audiorec.{name}" for name in reference().PATH)]
    assert not [name for name in steps if "```pycon" not in parts[name]]


def test_every_public_name_is_in_the_reference_with_a_docstring():
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    parts = {part.split("\n", 1)[0]: part for part in re.split(r"\n##+ ", page)}
    missing = []
    for info in [*pkgutil.walk_packages(audiorec.__path__, "audiorec."), audiorec.__spec__]:
        module = importlib.import_module(info.name)
        if not hasattr(module, "__path__") or info.name == "audiorec.cli":
            continue
        for name in getattr(module, "__all__", ()):
            member = getattr(module, name)
            documented = not inspect.isroutine(member) and not inspect.isclass(member)
            documented = documented or bool(inspect.getdoc(member))
            if not documented or f"`{name}`" not in parts[info.name]:
                missing.append(f"{info.name}.{name}")
    assert not missing
