"""A device with a web interface, driven by http.client and by sockets."""

import http.client
import json
import socket

import pytest

from ocsd.testing import HttpDevice

PATIENCE_S = 20.0


def answer(method, path, body):
    match method, path:
        case "GET", "/value":
            return {"value": 4.2}
        case "GET", "/page":
            return b"<html>"
        case "PUT" | "POST", "/echo":
            return json.loads(body)
    return None


@pytest.fixture
def device():
    with HttpDevice(answer) as device:
        yield device


def asked(device, method, path, body=None, timeout_s=PATIENCE_S):
    connection = http.client.HTTPConnection(device.host, device.port, timeout=timeout_s)
    try:
        connection.request(method, path, body)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_a_value_is_sent_as_json_and_bytes_as_they_are(device):
    assert asked(device, "GET", "/value") == (200, b'{"value": 4.2}')
    assert asked(device, "GET", "/page") == (200, b"<html>")
    assert device.url == f"http://127.0.0.1:{device.port}"


def test_a_path_that_the_device_does_not_have_is_not_found(device):
    status, body = asked(device, "GET", "/valve")
    assert (status, json.loads(body)) == (404, {"error": "no such path: /valve"})


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_body_reaches_the_device(device, method):
    assert asked(device, method, "/echo", b'{"power": 1}') == (200, b'{"power": 1}')
    assert asked(device, method, "/echo", b"0") == (200, b"0")


def test_requests_in_pieces_and_several_at_once_are_told_apart(device):
    request = b"POST /echo HTTP/1.1\r\ncontent-length: 3\r\n\r\n"
    with socket.create_connection((device.host, device.port), timeout=PATIENCE_S) as driver:
        for piece in (request[:9], request[9:] + b"1", b"23" + request + b"456" + request, b"789"):
            driver.sendall(piece)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 3 or not received.endswith(b"789"):
            received += driver.recv(1000)
    assert [each[-3:] for each in device.requests] == [b"123", b"456", b"789"]


@pytest.mark.parametrize("fault", ["mute", "slow", "garbled", "cut short", "unplugged"])
def test_every_fault_is_an_error_and_ends(device, fault):
    device.fail(fault)
    with pytest.raises((OSError, http.client.HTTPException)):
        asked(device, "GET", "/value", timeout_s=0.2)
    device.normal()
    device.replug()
    assert asked(device, "GET", "/value") == (200, b'{"value": 4.2}')
