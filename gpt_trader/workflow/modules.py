"""Modules of plugins: of this program, of a distribution, or of a file in the project's folder."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def load_module(name: str, file: str | None) -> Any:
    """A module by name, or from a file of a plugin directory under that name."""
    if file is None or name in sys.modules:
        return importlib.import_module(name)
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
