"""The tests reach no network: not from their own process, not from a kernel, not from another Python."""

import os
import socket
import subprocess
import sys
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from urllib.request import urlopen

import nbclient
import nbformat
import pytest
import requests

ELSEWHERE = "192.0.2.1"  # reserved for documentation (RFC 5737): nobody is there
CONNECT = f"import socket; socket.create_connection(({ELSEWHERE!r}, 80), timeout=1)"
BLOCKED = "tests are offline"


@pytest.fixture
def server():
    """The address of an HTTP server on loopback."""
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/no-such-file"
        server.shutdown()


@pytest.mark.parametrize("host", [ELSEWHERE, "2001:db8::1", "10.0.0.1"])
def test_no_connection_leaves_the_machine(host):
    with pytest.raises(ConnectionError, match=BLOCKED):
        socket.create_connection((host, 80), timeout=1)


@pytest.mark.parametrize("ask", [socket.gethostbyname, lambda name: socket.getaddrinfo(name, 443)])
def test_no_name_is_looked_up(ask):
    with pytest.raises(ConnectionError, match=BLOCKED):
        ask("pypi.org")


def test_no_datagram_leaves_the_machine():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(ConnectionError, match=BLOCKED):
        udp.sendto(b"?", (ELSEWHERE, 53))


def test_a_proxy_is_no_way_out(server):
    """Even one on loopback is not asked: the variables that name it are gone."""
    told = {"http_proxy": server.rpartition("/")[0]}
    run = [sys.executable, "-c", "import urllib.request as r; r.urlopen('http://192.0.2.1/', timeout=1)"]
    done = subprocess.run(run, env=os.environ | told, capture_output=True, text=True)
    assert BLOCKED in done.stderr


def test_loopback_stays_open(server):
    assert requests.get(server, timeout=5).status_code == 404
    with pytest.raises(OSError, match="404"):
        urlopen(server.replace("127.0.0.1", "localhost"), timeout=5)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
def test_sockets_of_this_machine_stay_open(tmp_path):
    socket.getaddrinfo(None, 80)
    with socket.socket(socket.AF_UNIX) as unix, pytest.raises(FileNotFoundError):
        unix.connect(str(tmp_path / "nobody"))


def test_a_kernel_is_cut_off():
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CONNECT)])
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=BLOCKED):
        nbclient.NotebookClient(book, kernel_name="python3").execute()


def test_another_python_is_cut_off():
    done = subprocess.run([sys.executable, "-c", CONNECT], capture_output=True, text=True)
    assert done.returncode == 1
    assert BLOCKED in done.stderr
