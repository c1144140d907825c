"""Cuts a Python process off from every network but loopback.

Python imports a module of this name by itself where it finds one; `tests/conftest.py` puts the folder on PYTHONPATH,
so kernels and other Python processes that tests start are cut off, too.
"""

import ipaddress
import os
import sys

# event of sys.audit -> where its arguments have the address
WATCHED = {
    **{"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1},
    **{"socket.getaddrinfo": 0, "socket.gethostbyname": 0},
}


def is_here(address) -> bool:
    """Whether an address, a host's name or a Unix socket's path is on this machine."""
    host = address[0] if isinstance(address, tuple) else address
    host = host.decode() if isinstance(host, bytes) else host
    if not host or host == "localhost" or host.startswith(("/", "\0")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def forbid_network(event: str, arguments: tuple) -> None:
    if event in WATCHED and not is_here(arguments[WATCHED[event]]):
        raise ConnectionError(f"{event}: tests are offline, and this asked for {arguments[WATCHED[event]]!r}")


for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]  # a proxy on loopback would be a way out
sys.addaudithook(forbid_network)
