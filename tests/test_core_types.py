"""The type stub of the extension names just what the extension has."""

import ast
from pathlib import Path

import cnnpy
from cnnpy import _core


def stub():
    return ast.parse((Path(cnnpy.__file__).parent / "_core.pyi").read_text())


def names(body):
    found = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def test_every_name_of_the_module_is_typed():
    typed = {name for name in names(stub().body) if not name.startswith("_")}
    assert typed == {name for name in vars(_core) if not name.startswith("_")}


def test_every_public_member_is_typed():
    for node in stub().body:
        if isinstance(node, ast.ClassDef):
            members = {name for name in vars(getattr(_core, node.name)) if not name.startswith("_")}
            typed = {name for name in names(node.body) if not name.startswith("_")}
            refused = {"jacobian", "batch_jacobian"} & members  # they only raise NotImplementedError
            assert typed == members - refused, node.name
