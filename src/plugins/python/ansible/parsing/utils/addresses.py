"""Addresses of hosts, with ports."""

import re

from ansible.errors import AnsibleParserError

_PORT = re.compile(r"^(?P<host>[^:\[\]]+|\[[^\]]+\]|[^:]*\[[^\]]*\][^:]*):(?P<port>\d+)$")
_ADDRESS = re.compile(r"^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$|^\w([\w\-.]|\[\w+:\w+(:\d+)?\])*$")


def parse_address(address, allow_ranges=False):
    """The host and the port of an address; the port may be missing."""
    host, port = address, None
    found = _PORT.match(address)
    if found:
        host, port = found.group("host"), int(found.group("port"))
    if host.startswith("[") and host.endswith("]") and ":" in host and not allow_ranges:
        host = host[1:-1]
    if not _ADDRESS.match(host):
        raise AnsibleParserError("Not a valid network hostname: %s" % address)
    if "[" in host and not allow_ranges:
        raise AnsibleParserError("Detected range in host but was asked to ignore ranges")
    return host, port
