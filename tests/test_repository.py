"""The files that programs other than ours read: the workflow and the hooks call what exists."""

import re
from pathlib import Path

from tests.matrix import classified
from tests.word_list import tracked

ROOT = Path(__file__).parents[1]
WORKFLOW = (ROOT / ".github/workflows/test.yml").read_text()
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text()
REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com")


def test_the_workflow_runs_the_tests_and_the_matrix_on_every_supported_python() -> None:
    commands = re.findall(r"run: (.+)", WORKFLOW)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"make test", "make matrix"} <= set(commands)
    assert {name.removeprefix("make ") for name in commands if name.startswith("make")} <= targets
    assert (ROOT / ".ci/system-packages").exists()
    matrix = WORKFLOW.partition("  matrix:")[2]
    pythons = re.findall(r"^ +(3\.\d+)$", matrix, re.MULTILINE)
    assert pythons == classified("Programming Language :: Python")


def test_the_hooks_call_programs_of_this_environment() -> None:
    programs = re.findall(r"entry: (\S+)", HOOKS)
    assert len(programs) == HOOKS.count("- id:") == HOOKS.count("language: system")
    for program in programs:
        assert program.startswith((".venv/bin/", "node_modules/.bin/"))
        assert (ROOT / program).exists()


def test_no_file_names_the_host_of_a_registry() -> None:
    texts = {path: path.read_bytes() for path in tracked(["."])}
    named = {
        path.relative_to(ROOT).as_posix(): host
        for path, text in texts.items()
        for host in REGISTRIES
        if host.encode() in text
    }
    assert named == {}
