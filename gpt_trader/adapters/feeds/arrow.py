"""What the readers ask of pyarrow, which is loaded when first needed and whose stubs know too little."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def kernels() -> Any:
    """The module pyarrow.compute."""
    return import_module("pyarrow.compute")


def mask_of(column: Any) -> Mask:
    """A boolean column as an array; what is null is false."""
    return np.array(kernels().fill_null(column, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def matches(text: Any, pattern: str) -> Mask:
    """Which texts match the pattern."""
    return mask_of(kernels().match_substring_regex(text, pattern))


def trimmed(column: Any) -> Any:
    """The column as texts without blanks around them."""
    return kernels().utf8_trim_whitespace(column.cast("string"))


def is_text(column: Any) -> bool:
    """Whether the column holds texts."""
    return str(column.type) in {"string", "large_string", "string_view"}
