"""A response's head is written together with the first of its body, and nothing else is held back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hymio.serving.whole_answers import WholeAnswers

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Written:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.pieces.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


@given(st.lists(st.tuples(st.booleans(), st.lists(st.binary(), min_size=1, max_size=3)), max_size=4))
def test_every_byte_is_written_in_order_and_a_head_with_the_first_piece_of_its_body(
    responses: list[tuple[bool, list[bytes]]],
):
    written, expected = Written(), list[bytes]()
    answers = WholeAnswers(written)
    for awaits_continue, body in responses:
        answers.begin()
        for piece in (*([CONTINUE] if awaits_continue else []), HEAD, *body):
            answers.write(piece)
        expected += [*([CONTINUE] if awaits_continue else []), HEAD + body[0], *body[1:]]
        assert written.pieces == expected


def test_a_head_without_a_body_is_written_when_the_connection_is_closed():
    written = Written()
    answers = WholeAnswers(written)
    answers.begin()
    answers.write(HEAD)
    answers.close()
    assert (written.pieces, answers.is_closing()) == ([HEAD], True)
