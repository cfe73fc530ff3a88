"""The protocol's packets, as bytes."""

import struct

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSSENC_REQUEST = struct.pack("!ii", 8, 80877104)


def startup(user="postgres", database="postgres", version=(3, 0), **parameters):
    return startup_of({"user": user, "database": database, **parameters}.items(), version)


def startup_of(pairs, version=(3, 0)):
    """The pairs as they are: a name may be repeated or missing."""
    body = struct.pack("!HH", *version)
    for name, value in pairs:
        body += name.encode() + b"\0" + value.encode() + b"\0"
    body += b"\0"
    return struct.pack("!i", len(body) + 4) + body


def cancel_request(process_id, key):
    return struct.pack("!iii", 12 + len(key), 80877102, process_id) + key


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def query(sql):
    return message(b"Q", sql.encode() + b"\0")


TERMINATE = message(b"X")
AUTHENTICATION_OK = message(b"R", struct.pack("!i", 0))
READY_FOR_QUERY = message(b"Z", b"I")


def error_response(text, sqlstate="XX000", severity="FATAL"):
    fields = (("S", severity), ("V", severity), ("C", sqlstate), ("M", text))
    return message(b"E", b"".join(f"{name}{value}\0".encode() for name, value in fields) + b"\0")


def error_fields(body):
    """The fields of an ErrorResponse: {"C": "57P03", "M": ...}."""
    return {field[:1].decode(): field[1:].decode() for field in body.split(b"\0") if field}
