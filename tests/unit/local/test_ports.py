"""Wanted ports: read from the environment, and explained when taken."""

import os
import socket
from dataclasses import replace

import pytest

from services.local.errors import StackError
from services.local.ports import Ports, PortTaken, free_ports, is_free, require_free


def test_a_taken_port_is_reported_with_its_holder_and_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            require_free(replace(Ports.free(), api=port))
    text = str(caught.value)
    assert f"port {port} (api)" in text
    assert f"pid {os.getpid()}" in text
    assert "API_PORT=" in text


def test_the_neighbour_of_the_admin_port_is_checked_too() -> None:
    ports = Ports.free()
    with (
        socket.create_server(("127.0.0.1", ports.s3_admin + 10000)),
        pytest.raises(PortTaken, match="S3_ADMIN_PORT="),
    ):
        require_free(ports)


def test_free_ports_are_accepted() -> None:
    require_free(Ports.free())


def test_every_port_can_be_changed_by_its_variable() -> None:
    variables = ("AIRFLOW_PORT", "API_PORT", "S3_PORT", "S3_ADMIN_PORT", "POSTGRES_PORT")
    ports = Ports.from_environment({name: str(1000 + i) for i, name in enumerate(variables)})
    assert ports == Ports(1000, 1001, 1002, 1003, 1004)


def test_unset_and_empty_variables_leave_the_defaults() -> None:
    assert Ports.from_environment({"API_PORT": ""}) == Ports()


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "80.5"])
def test_what_is_no_port_is_refused_with_its_variable(value: str) -> None:
    with pytest.raises(StackError, match="S3_PORT="):
        Ports.from_environment({"S3_PORT": value})


def test_an_admin_port_without_room_above_it_is_refused() -> None:
    with pytest.raises(StackError, match="S3_ADMIN_PORT=60000"):
        Ports.from_environment({"S3_ADMIN_PORT": "60000"})


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)
