"""Reads YAML strictly: YAML 1.2 scalars, no duplicate keys, no tags, no bombs, and every value knows its place.

Beyond YAML 1.2: digits with a leading zero stay text (0700 is a ticker in Hong Kong), and so do octal numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gpt_trader.core.errors import did_you_mean
from gpt_trader.workflow.faults import Fault, Place, Source
from gpt_trader.workflow.scalars import NumberTooLarge, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES, MAX_DEPTH, MAX_ALIASES, MAX_VALUES, MAX_FAULTS = 1_000_000, 64, 1_000, 100_000, 100
_FORBIDDEN = "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_STRING_TAGS = {None, "!", "tag:yaml.org,2002:str"}


@dataclass(slots=True, eq=False)
class Node:
    """A value of a document and its place; `pairs` are the keys of a map with what stands behind them."""

    kind: Literal["map", "list", "scalar"]
    place: Place
    value: Any = None
    pairs: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    quoted: bool = False
    open: bool = False
    size: int = 1
    depth: int = 1

    def plain(self) -> Any:
        """The value as maps, lists and scalars."""
        if self.value is None and self.kind != "scalar":
            if self.kind == "map":
                self.value = {key: node.plain() for key, (_, node) in self.pairs.items()}
            else:
                self.value = [node.plain() for node in self.items]
        return self.value

    def get(self, key: str) -> Node | None:
        """What stands behind a key of a map."""
        pair = self.pairs.get(key)
        return None if pair is None else pair[1]

    def key_place(self, key: str) -> Place:
        """Where a key of a map stands."""
        pair = self.pairs.get(key)
        return self.place if pair is None else pair[0].place


class _Stop(Exception):
    pass


def read(source: Source) -> tuple[Node | None, list[Fault]]:
    """The one document of a text, or what is wrong with it; never an exception."""
    refused = _refused(source)
    if refused is not None:
        return None, [refused]
    composer = _Composer(source)
    try:
        composer.run()
    except _Stop:
        return None, composer.faults
    if composer.root is None or (composer.root.kind == "scalar" and composer.root.value is None):
        fault = source.fault("yaml-empty", "the file is empty", hint="start with `name:` and `steps:`")
        return None, composer.faults or [fault]
    return composer.root, composer.faults


def _refused(source: Source) -> Fault | None:
    text = source.text
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        return source.fault("yaml-size", f"the file is larger than {MAX_BYTES:,} bytes")
    if text.startswith("\ufeff"):
        return source.fault(
            "yaml-bom", "the file begins with a byte order mark", hint="save it as UTF-8 without a byte order mark"
        )
    if text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        return None  # nearly every file; to compile the pattern below takes longer than to read one
    found = re.search(_FORBIDDEN, text)
    if found is None:
        return None
    name = "NUL" if found[0] == "\0" else f"U+{ord(found[0]):04X}"
    message = f"the character {name} may not stand in a YAML file"
    return source.fault("yaml-character", message, source.place(found.start()), hint='write it as an escape: "\\u...."')


class _Composer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.root: Node | None = None
        self._documents = self._aliases = self._values = 0
        self._anchors: dict[str, Node] = {}
        self._stack: list[_Frame] = []

    def run(self) -> None:
        for event in self._events():
            kind = type(event).__name__
            if kind == "ScalarEvent":
                self._attach(self._scalar(event))
            elif kind == "AliasEvent":
                self._attach(self._alias(event))
            elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
                self._begin(event, "map" if kind == "MappingStartEvent" else "list")
            elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
                self._end()
            elif kind == "DocumentStartEvent":
                self._document(event)

    def _events(self) -> Iterator[Any]:
        import yaml

        loader = yaml.CSafeLoader(self.source.text)
        try:
            while loader.check_event():
                yield loader.get_event()
        except yaml.MarkedYAMLError as error:
            self.faults.append(_syntax(self.source, error))
            raise _Stop from None
        except (yaml.YAMLError, UnicodeError) as error:
            self.faults.append(self.source.fault("yaml-syntax", str(error).partition("\n")[0]))
            raise _Stop from None
        finally:
            loader.dispose()

    def _fault(self, code: str, message: str, place: Place, *, hint: str | None = None) -> None:
        self.faults.append(self.source.fault(code, message, place, hint=hint))
        if len(self.faults) >= MAX_FAULTS:
            raise _Stop

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "put each workflow into its own file"
            self._fault("yaml-documents", "the file holds more than one document", _place(event), hint=hint)
            raise _Stop

    def _scalar(self, event: Any) -> Node:
        place = _place(event)
        node = Node("scalar", place, quoted=event.style in {"'", '"'})
        self._check_tag(event, place)
        if event.tag is None and event.implicit[0]:
            try:
                node.value = scalar(event.value)
            except NumberTooLarge as error:
                self._fault("yaml-number", str(error), place, hint="put it in quotes if it is meant as text")
        else:
            node.value = event.value
        return self._named(event, node)

    def _check_tag(self, event: Any, place: Place) -> None:
        if event.tag not in _STRING_TAGS:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._fault("yaml-tag", f"the tag {shown} is not allowed", place, hint="remove it; write text in quotes")

    def _named(self, event: Any, node: Node) -> Node:
        self._values += 1
        if self._values > MAX_VALUES:
            self._fault("yaml-size", f"the file holds more than {MAX_VALUES:,} values", node.place)
            raise _Stop
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        place = _place(event)
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._fault("yaml-alias", f"the file uses more than {MAX_ALIASES:,} aliases", place)
            raise _Stop
        node = self._anchors.get(event.anchor)
        if node is None:
            hint = did_you_mean(event.anchor, self._anchors)
            self._fault("yaml-alias", f"no anchor is called '{event.anchor}'", place, hint=hint)
        elif node.open:
            self._fault("yaml-alias", f"'{event.anchor}' would contain itself", place)
        else:
            return node
        return Node("map", place)

    def _begin(self, event: Any, kind: Literal["map", "list"]) -> None:
        place = _place(event)
        if event.tag is not None:
            self._check_tag(event, place)
        if len(self._stack) >= MAX_DEPTH:
            self._fault("yaml-depth", f"the file nests more than {MAX_DEPTH} levels deep", place)
            raise _Stop
        node = self._named(event, Node(kind, place))
        node.open = True
        self._stack.append(_Frame(node))

    def _end(self) -> None:
        frame = self._stack.pop()
        node = frame.node
        for merged in frame.merges:
            self._merge(node, merged)
        inner = node.items if node.kind == "list" else [value for _, value in node.pairs.values()]
        node.size += sum(n.size for n in inner)
        node.depth += max((n.depth for n in inner), default=0)
        node.open = False
        if node.size > MAX_VALUES or node.depth > MAX_DEPTH:
            self._fault("yaml-bomb", "with its aliases written out this is too large", node.place)
            raise _Stop
        self._attach(node)

    def _merge(self, node: Node, merged: Node) -> None:
        sources = merged.items if merged.kind == "list" else [merged]
        for source in sources:
            if source.kind != "map":
                self._fault("yaml-merge", "<< takes a map, or a list of maps", merged.place)
            for key, pair in source.pairs.items():
                node.pairs.setdefault(key, pair)

    def _attach(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if frame.node.kind == "list":
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            key, frame.key = frame.key, None
            self._pair(frame, key, node)

    def _pair(self, frame: _Frame, key: Node, value: Node) -> None:
        if key.kind != "scalar" or not isinstance(key.value, str):
            shown = f"{key.value!r}".lower() if key.kind == "scalar" else f"a {key.kind}"
            shown = "nothing" if shown == "none" else shown
            hint = "put it in quotes if it is meant as text"
            self._fault("yaml-key", f"a key must be text, not {shown}", key.place, hint=hint)
        elif key.value == "<<" and not key.quoted:
            frame.merges.append(value)
        elif key.value in frame.node.pairs:
            first = frame.node.pairs[key.value][0].place[0]
            self._fault("duplicate-key", f"'{key.value:.80}' is already given in line {first}", key.place)
        else:
            frame.node.pairs[key.value] = (key, value)


@dataclass(slots=True)
class _Frame:
    node: Node
    key: Node | None = None
    merges: list[Node] = field(default_factory=list)


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


_EXPLAINED = {
    "mapping values are not allowed in this context": "a value that contains ': ' needs quotes",
    "could not find expected ':'": "a key needs a colon and a space behind it",
    "did not find expected key": "check the indentation, and that quotes and brackets are closed",
    "did not find expected ',' or ']'": "close the list with ]",
    "did not find expected ',' or '}'": "close the map with }",
    "found unexpected end of stream": "close the quotes",
    "did not find expected '-' indicator": "check the indentation",
}


def _syntax(source: Source, error: Any) -> Fault:
    problem = str(error.problem or error.context or "it is no YAML")
    mark = error.problem_mark or error.context_mark
    if "end of stream" in problem and error.context_mark is not None:
        mark = error.context_mark
    place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
    if "cannot start any token" in problem:
        return _bad_start(source, place)
    context = f" ({error.context})" if error.context and error.problem else ""
    return source.fault("yaml-syntax", problem + context, place, hint=_EXPLAINED.get(problem))


def _bad_start(source: Source, place: Place) -> Fault:
    fault = source.fault("yaml-syntax", "", place)
    character = fault.source[fault.col - 1 : fault.col]
    if character == "\t" or "\t" in fault.source[: fault.col]:
        return source.fault("yaml-tab", "a tab indents this line", place, hint="indent with spaces")
    return source.fault("yaml-syntax", f"no value can begin with {character}", place, hint="put the value in quotes")
