"""Who may import whom, what must not appear, and how large a file may grow: the architecture as data."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

OURS = {"pipeline", "models", "expectations", "dags", "bench"} | {
    "storage",
    "transform",
    "alerts",
    "days",
    "pulls",
    "ui",
}

MAY_IMPORT = {
    "dags": {"pipeline", "models", "alerts", "days"},
    "bench": {"pipeline", "storage", "models"},
    "pipeline": {"pipeline", "storage", "transform", "models", "expectations", "alerts", "pulls"},
    "models": {"models"},
    "expectations": {"expectations"},
    "plugins/storage": {"storage"},
    "plugins/pulls": {"pulls", "storage"},
    "plugins/transform.py": set(),
    "plugins/alerts.py": set(),
    "plugins/days.py": set(),
    "plugins/ui": {"ui", "days"},
}
"""Part of the tree → the parts of our own it may import."""

HEAVY = {"pandas", "numpy", "duckdb", "pyarrow", "sklearn", "scipy", "great_expectations", "dbt"}
LIGHT_AT_THE_TOP = ("dags", "pipeline", "plugins", "models", "expectations")

CLOCK = re.compile(r"\b(now|today|utcnow)\(\)|current_date|current_timestamp|getdate\(|time\.time\(\)")
CLOCKLESS = (
    "dags",
    "models",
    "plugins",
    "expectations",
    "dbt_project/models",
    "dbt_project/macros",
    "pipeline",
)

ROW_WISE = re.compile(r"iterrows\(|itertuples\(|apply\([^)]*axis ?= ?1|inplace=True")
NAMES_THAT_HIDE = re.compile(r"(^|/)(utils?|helpers?|common|misc|manager|service)(\.py|/)")


def python_files(part: str) -> list[Path]:
    place = ROOT / part
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def imports(source: str, top_only: bool = False) -> set[str]:
    """Top-level package names a module imports, except those only type checkers see."""
    tree = ast.parse(source)
    found: set[str] = set()

    def collect(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
            elif not (top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
                collect([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])

    collect(tree.body)
    return found


def forbidden_imports(part: str, source: str) -> set[str]:
    return (imports(source) & OURS) - MAY_IMPORT[part]


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_each_part_imports_only_what_the_architecture_allows(part):
    files = python_files(part)
    assert files, f"{part} has no Python file: the rule would hold for nothing"
    for path in files:
        found = forbidden_imports(part, path.read_text())
        assert not found, f"{path.relative_to(ROOT)} may not import {sorted(found)}"


@pytest.mark.parametrize(
    ("part", "planted"),
    [
        ("models", "import storage"),
        ("models", "def f():\n    from pipeline import steps"),
        ("expectations", "from models.segments import rfm"),
        ("plugins/storage", "import expectations.gate"),
        ("dags", "from storage import lake"),
        ("plugins/transform.py", "import storage"),
        ("plugins/pulls", "from pipeline import run"),
    ],
)
def test_a_planted_violation_is_seen(part, planted):
    assert forbidden_imports(part, planted)


def test_nothing_heavy_is_imported_at_the_top_of_what_airflow_imports_again_and_again():
    for part in LIGHT_AT_THE_TOP:
        for path in python_files(part):
            found = imports(path.read_text(), top_only=True) & HEAVY
            assert not found, f"{path.relative_to(ROOT)} imports {sorted(found)} at its top"
    assert imports("import pandas as pd", top_only=True) & HEAVY


def test_storage_is_imported_by_one_name():
    for part in ("dags", "pipeline", "plugins", "models", "expectations", "tests"):
        for path in python_files(part):
            assert "plugins" not in imports(path.read_text()), f"{path}: import storage, not plugins.storage"


def test_as_of_is_the_only_clock():
    files = [
        path
        for part in CLOCKLESS
        for pattern in ("*.py", "*.sql")
        for path in (ROOT / part).rglob(pattern)
        if path.is_file()
    ]
    assert len(files) > 20
    for path in files:
        found = CLOCK.search(path.read_text())
        assert not found, f"{path.relative_to(ROOT)} reads a clock: {found.group()}"
    assert CLOCK.search("where day < current_date")


def test_a_dag_file_only_says_when_and_in_what_order():
    for path in python_files("dags"):
        text = path.read_text()
        assert len(text.splitlines()) <= 100, f"{path.name} is longer than 100 lines"
        assert not imports(text) & HEAVY
        assert not re.search(r"\bselect\b.*\bfrom\b", text, re.I | re.S), f"{path.name} holds SQL"


def test_no_frame_is_walked_row_by_row_and_no_name_hides_its_purpose():
    for part in ("dags", "pipeline", "plugins", "models", "expectations", "bench"):
        for path in python_files(part):
            name = str(path.relative_to(ROOT))
            assert not ROW_WISE.search(path.read_text()), f"{name} walks a frame row by row"
            assert not NAMES_THAT_HIDE.search(name), f"{name}: name it by what it is"


def test_no_exception_is_swallowed_whole():
    for part in ("dags", "pipeline", "plugins", "models", "expectations"):
        for path in python_files(part):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ExceptHandler):
                    broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
                    raises = any(isinstance(child, ast.Raise) for child in ast.walk(node))
                    assert not broad or raises, (
                        f"{path.relative_to(ROOT)}:{node.lineno} swallows every exception"
                    )


def test_every_model_description_starts_with_its_grain():
    yaml = pytest.importorskip("yaml")
    seen = 0
    for path in sorted((ROOT / "dbt_project" / "models").rglob("*.yml")):
        for model in (yaml.safe_load(path.read_text()) or {}).get("models", []):
            seen += 1
            assert model.get("description", "").startswith("One row per"), f"{path.name}: {model['name']}"
    assert seen > 20
