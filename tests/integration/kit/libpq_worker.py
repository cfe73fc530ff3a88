"""One version of libpq without psql: a process that connects as requested and reports the outcome.

Reads lines of JSON, {"id": ..., "conninfo": ...}, and writes {"id": ..., "tls": protocol or "", "error": text}. A
process for each version, because two libraries of the same name cannot be loaded into one process. kit/libpq_pool.py
starts it.
"""

import ctypes
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

CONNECTION_OK = 0
THREADS = 3


def load(path):
    libpq = ctypes.CDLL(path)
    libpq.PQconnectdb.restype = ctypes.c_void_p
    libpq.PQconnectdb.argtypes = [ctypes.c_char_p]
    for name, result in (("PQstatus", ctypes.c_int), ("PQerrorMessage", ctypes.c_char_p),
                         ("PQsslInUse", ctypes.c_int), ("PQfinish", None), ("PQlibVersion", ctypes.c_int)):
        function = getattr(libpq, name)
        function.restype = result
        function.argtypes = [ctypes.c_void_p] if name != "PQlibVersion" else []
    libpq.PQsslAttribute.restype = ctypes.c_char_p
    libpq.PQsslAttribute.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return libpq


def connect(libpq, conninfo):
    connection = libpq.PQconnectdb(conninfo.encode())
    try:
        if libpq.PQstatus(connection) != CONNECTION_OK:
            return {"tls": "", "error": libpq.PQerrorMessage(connection).decode(errors="replace").strip() or "?"}
        in_use = libpq.PQsslInUse(connection)
        protocol = libpq.PQsslAttribute(connection, b"protocol") if in_use else b""
        return {"tls": protocol.decode(), "error": ""}
    finally:
        libpq.PQfinish(connection)


def main(path, major):
    libpq = load(path)
    assert libpq.PQlibVersion() // 10000 == int(major), libpq.PQlibVersion()
    writing = threading.Lock()

    def answer(line):
        request = json.loads(line)
        result = {"id": request["id"], **connect(libpq, request["conninfo"])}
        with writing:
            print(json.dumps(result), flush=True)

    with ThreadPoolExecutor(THREADS) as pool:
        for line in sys.stdin:
            pool.submit(answer, line)


if __name__ == "__main__":
    os.umask(0o077)
    main(*sys.argv[1:])
