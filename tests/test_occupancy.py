"""Who is closed to make room for another client, and whose connections count together."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio.serving.addresses import TrustedProxies, client_key, shown
from hymio.serving.occupancy import Occupancy, Waits

# --- occupancy --------------------------------------------------------------------------------------------------------


class Line:
    """A connection that notes that it was closed."""

    def __init__(self, client: str | None) -> None:
        self.client = client
        self.is_closed = False

    def make_room(self) -> None:
        assert not self.is_closed
        self.is_closed = True


steps = st.lists(
    st.tuples(
        st.sampled_from(["open", "open", "open", "close", *Waits, None]),
        st.integers(0, 30),
        st.sampled_from([None, "a", "a", "b"]),
    ),
    max_size=80,
)


@given(steps, st.integers(1, 6), st.integers(0, 4))
def test_the_bounds_hold_and_who_is_being_answered_is_never_closed(
    steps: list[tuple[str | Waits | None, int, str | None]], most: int, most_of_client: int
) -> None:
    occupancy = Occupancy(most, most_of_client)
    lines: list[Line] = []
    waits: dict[Line, Waits | None] = {}
    for now, (what, which, client) in enumerate(steps):
        if what == "open":
            line = Line(client)
            busy = [other for other in lines if waits[other] is None]
            busy_of_client = [other for other in busy if other.client == client]
            has_seat = occupancy.take_seat(line, client)
            limited = client is not None and 0 < most_of_client < most
            is_full = len(busy) >= most or (limited and len(busy_of_client) >= most_of_client)
            assert has_seat is not is_full
            assert not any(other.is_closed for other in busy)
            lines = [other for other in lines if not other.is_closed] + [line] * has_seat
            waits[line] = None
        elif lines:
            line = lines[which % len(lines)]
            if what == "close":
                occupancy.leave(line)
                lines.remove(line)
            else:
                assert not isinstance(what, str)
                waits[line] = what
                occupancy.set_waits(line, what, float(now))
        assert len(lines) <= most
        counts = Counter(line.client for line in lines if line.client is not None)
        assert all(count <= (most_of_client or most) for count in counts.values())
    for line in lines:
        occupancy.leave(line)
    assert occupancy.take_seat(Line("a"), "a")


def closed_first(*waiting: tuple[Waits, float]) -> int:
    """Which of connections that wait since an instant makes room for one more."""
    occupancy = Occupancy(len(waiting), 0)
    lines = [Line(None) for _ in waiting]
    for line, (waits, since) in sorted(zip(lines, waiting, strict=True), key=lambda each: each[1][1]):
        assert occupancy.take_seat(line, None)
        occupancy.set_waits(line, waits, since)
        occupancy.set_waits(line, waits, since + 1000)  # it still waits for the same
    assert occupancy.take_seat(Line(None), None)
    [closed] = [number for number, line in enumerate(lines) if line.is_closed]
    return closed


def test_the_connection_that_waits_longest_is_closed() -> None:
    for waits in Waits:
        assert closed_first((waits, 3.0), (waits, 1.0), (waits, 2.0)) == 1


def test_clients_that_sent_nothing_are_closed_before_working_ones() -> None:
    assert closed_first((Waits.NEXT_REQUEST, 0.0), (Waits.FIRST_REQUEST, 5.0)) == 1
    assert closed_first((Waits.REST_OF_REQUEST, 0.0), (Waits.FIRST_REQUEST, 4.0)) == 1
    assert closed_first((Waits.READING, 0.0), (Waits.NEXT_REQUEST, 9.0)) == 1
    assert closed_first((Waits.NEXT_REQUEST, 0.0), (Waits.FIRST_REQUEST, 11.0)) == 0


def test_requests_through_a_proxy_count_for_the_client_that_it_names() -> None:
    occupancy = Occupancy(10, 2)
    assert [occupancy.begin_request("a") for _ in range(3)] == [True, True, False]
    assert occupancy.begin_request("b")
    occupancy.end_request("a")
    assert occupancy.begin_request("a")


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], "10.0.0.1"),
        (["203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),  # anybody may have written what stands before
        (["198.51.100.1", "203.0.113.7, 10.0.0.9"], "203.0.113.7"),
        (["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        (["203.0.113.7:4711"], "203.0.113.7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["unknown"], "10.0.0.1"),
        (["203.0.113.7, _hidden"], "10.0.0.1"),
        ([""], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(forwarded: list[str], client: str) -> None:
    assert TrustedProxies("10.0.0.0/8, ::1").client_of("10.0.0.1", forwarded) == client


def test_networks_and_addresses_may_be_trusted() -> None:
    proxies = TrustedProxies(" 10.0.0.0/8,2001:db8::/32 , ::1")
    trusted = ("10.255.0.1", "::ffff:10.0.0.1", "2001:db8:1::", "::1")
    assert all(map(proxies.holds, trusted))
    assert not any(map(proxies.holds, ("11.0.0.1", "::2", "", "localhost", "10.0.0.1:80")))
    assert not TrustedProxies("").holds("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "key", "in_log"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("a-socket", "a-socket", ""),
    ],
)
def test_an_address_is_counted_as_one_client_and_shortened_in_the_log(host: str, key: str, in_log: str) -> None:
    assert client_key(host) == key
    assert [shown(host, form) for form in ("full", "shortened", "none")] == [host, in_log, None]


@given(st.ip_addresses() | st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_may_be_forwarded(host: object, forwarded: list[str]) -> None:
    assert isinstance(client_key(str(host)), str)
    assert isinstance(TrustedProxies("10.0.0.0/8").client_of(str(host), forwarded), str)
