"""What steps print: to stderr, line by line, and only so much of it."""

from __future__ import annotations

from gpt_trader.cli.streams import LIMIT, Relay


def relay() -> tuple[Relay, list[str]]:
    heard: list[str] = []
    return Relay(heard.append), heard


def test_whole_lines_are_handed_on_and_the_rest_at_the_end():
    stream, heard = relay()
    print("one", "two", file=stream)
    stream.write("half")
    assert heard == ["one two\n"]
    stream.finish()
    assert heard == ["one two\n", "half\n"]


def test_what_is_not_shown_is_looked_for_before_lines_go_apart():
    heard: list[str] = []
    stream = Relay(heard.append, lambda text: text.replace("one\ntwo", "***"))
    stream.write("it is on")
    print("e\ntwo", "and three", file=stream)
    assert "".join(heard) == "it is *** and three\n"


def test_bytes_are_taken_too():
    stream, heard = relay()
    stream.buffer.write("größe\n".encode())
    assert heard == ["größe\n"]


def test_at_most_a_mebibyte_is_handed_on_then_a_note_then_nothing():
    stream, heard = relay()
    for _ in range(40):
        stream.write("x" * 99_999 + "\n")
    assert sum(map(len, heard[:-1])) == LIMIT
    assert heard[-1] == "\nnote: the steps printed more than 1 MiB; the rest is dropped\n"


def test_a_line_without_end_is_handed_on_before_it_fills_the_memory():
    stream, heard = relay()
    for _ in range(100):
        stream.write("x" * 1000)
    assert sum(map(len, heard)) >= 90_000


def test_a_reader_that_is_gone_does_not_fail_a_step():
    def gone(text: str) -> None:
        raise BrokenPipeError

    stream = Relay(gone)
    assert stream.write("x\n") == 2
    assert stream.write("y\n") == 2
