"""Ports are checked before anything starts, and the message names the setting to change."""

import os
import socket
from collections.abc import Iterator

import pytest

from andon.kernel.config import ConsoleSettings, GatewaySettings, Settings, WorkerSettings
from andon.supervisor.errors import PortTaken
from andon.supervisor.ports import (
    Address,
    addresses_of,
    bind,
    check_free,
    configured,
    listeners,
    reserve_shared,
    with_ports,
)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_told_with_its_setting_and_who_has_it(taken: int) -> None:
    with pytest.raises(PortTaken) as told:
        check_free([Address("console", "127.0.0.1", taken)])
    message = str(told.value)
    assert f"Port {taken} on 127.0.0.1 is in use by process {os.getpid()}" in message
    assert "[console] port in andon.toml, or ANDON_CONSOLE_PORT" in message


def test_a_console_that_is_not_enabled_has_no_address() -> None:
    parts = {address.part for address in configured(Settings(console=ConsoleSettings(enabled=False)))}
    assert parts == {"gateway", "worker"}
    assert {address.part for address in configured(Settings())} == {"gateway", "worker", "console"}


def test_two_parts_on_one_port_are_told_apart() -> None:
    with pytest.raises(PortTaken, match=r"\[gateway\] port and \[worker\] port are both 8080"):
        check_free([Address("gateway", "127.0.0.1", 8080), Address("worker", "127.0.0.1", 8080)])


def test_a_host_of_another_machine_is_told() -> None:
    with pytest.raises(PortTaken, match=r"192\.0\.2\.1 is not an address of this machine: set \[gateway\] host"):
        check_free([Address("gateway", "192.0.2.1", 18080)])


def test_port_zero_becomes_a_free_port_for_each_part() -> None:
    settings = Settings(
        gateway=GatewaySettings(port=0), worker=WorkerSettings(port=0), console=ConsoleSettings(port=0, host="0.0.0.0")
    )
    addresses = addresses_of(settings)
    check_free(addresses)
    assert [address.part for address in addresses] == ["gateway", "worker", "console"]
    assert addresses[2].url == f"http://127.0.0.1:{addresses[2].port}"


def test_free_ports_are_never_the_same_nor_one_that_was_given() -> None:
    anywhere = [Address(str(number), "127.0.0.1", 0) for number in range(300)]
    found = {address.port for address in with_ports(*anywhere)}
    assert len(found) == 300
    given = [Address("given", "127.0.0.1", port) for port in found]
    assert len({address.port for address in with_ports(*anywhere, *given)}) == 600


def test_addresses_are_written_as_a_browser_takes_them() -> None:
    assert Address("console", "::", 1).url == "http://[::1]:1"
    assert Address("console", "::1", 1).url == "http://[::1]:1"
    assert Address("console", "localhost", 1).url == "http://localhost:1"


def test_listeners_are_found(taken: int) -> None:
    assert [process.pid for process in listeners(taken)] == [os.getpid()]


def test_sockets_are_bound_for_a_part_to_listen_on_and_taken_once_it_does() -> None:
    (address, *_) = addresses_of(Settings(gateway=GatewaySettings(port=0)))
    (bound,) = bind(address)
    with bound:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.host, address.port))
        bound.listen()
        socket.create_connection((address.host, address.port)).close()
        with pytest.raises(PortTaken, match=str(address.port)):
            bind(address)


def test_a_shared_port_is_for_those_who_share_it_and_for_one_installation() -> None:
    (address, *_) = addresses_of(Settings(gateway=GatewaySettings(port=0)))
    held = reserve_shared(address.host, address.port)
    assert held is not None
    with held, socket.socket() as first, socket.socket() as second, socket.socket() as stranger:
        for one in (first, second):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((address.host, address.port))
            one.listen()
        with pytest.raises(OSError, match="in use"):
            stranger.bind((address.host, address.port))
        assert reserve_shared(address.host, address.port) is None
