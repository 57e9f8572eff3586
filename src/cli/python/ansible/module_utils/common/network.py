"""Addresses and masks of networks."""

import re
from socket import inet_ntoa
from struct import pack

VALID_MASKS = [2 ** 8 - 2 ** bits for bits in range(0, 9)]

_MAC = re.compile("[0-9a-f]{2}([-:])[0-9a-f]{2}(\\1[0-9a-f]{2}){4}$", re.IGNORECASE)


def is_netmask(val):
    """Whether it is a mask in dotted notation: four octets that masks have."""
    octets = str(val).split(".")
    if len(octets) != 4:
        return False
    try:
        return all(int(octet) in VALID_MASKS for octet in octets)
    except ValueError:
        return False


def is_masklen(val):
    """Whether it is the length of a mask: 0 to 32."""
    try:
        return 0 <= int(val) <= 32
    except ValueError:
        return False


def to_netmask(val):
    """The mask of a length, in dotted notation. Raises ValueError."""
    if not is_masklen(val):
        raise ValueError("invalid value for masklen")
    bits = (0xFFFFFFFF << (32 - int(val))) & 0xFFFFFFFF
    return inet_ntoa(pack(">I", bits))


def to_masklen(val):
    """The length of a mask. Raises ValueError."""
    if not is_netmask(val):
        raise ValueError("invalid value for netmask: %s" % val)
    return sum(bin(int(octet)).count("1") for octet in val.split("."))


def to_subnet(addr, mask, dotted_notation=False):
    """The network of an address: `192.0.2.0/24`, or `192.0.2.0 255.255.255.0`."""
    try:
        length = to_masklen(mask) if not is_masklen(mask) else int(mask)
    except ValueError:
        raise ValueError("invalid value for netmask: %s" % mask)
    netmask = to_netmask(length)
    pairs = zip(addr.split("."), netmask.split("."))
    network = ".".join(str(int(octet) & int(bits)) for octet, bits in pairs)
    return "%s %s" % (network, netmask) if dotted_notation else "%s/%s" % (network, length)


def to_ipv6_subnet(addr):
    """The first four groups of an IPv6 address, which are its subnet."""
    return _ipv6_prefix(addr, 4)


def to_ipv6_network(addr):
    """The first three groups of an IPv6 address, which are its network."""
    return _ipv6_prefix(addr, 3)


def _ipv6_prefix(addr, count):
    head = addr.split("::")[0]
    return ":".join(head.split(":")[:count]) + "::"


def to_bits(val):
    """A mask's bits, as text."""
    return "".join(format(int(octet), "b").zfill(8) for octet in val.split("."))


def is_mac(mac_address):
    """Whether it is a hardware address with `:` or `-`."""
    return bool(_MAC.match(mac_address.lower()))
