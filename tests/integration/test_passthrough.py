"""What pgmoat sees of a passed-through connection, without any key."""

import ssl

import pytest

from kit.raw_client import RawClient

TLS12 = {"minimum_version": ssl.TLSVersion.TLSv1_2, "maximum_version": ssl.TLSVersion.TLSv1_2}


def test_the_log_names_version_cipher_and_server_name(passing_through):
    with RawClient(passing_through.port) as client:
        client.start_tls(server_name="db.example.com").log_in()
        version, (cipher, *_) = client.socket.version(), client.socket.cipher()
    line = passing_through.closed_line("sni=db.example.com")
    assert (line["tls"], line["cipher"]) == (version, cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


def test_tls_1_2_is_seen_too(passing_through):
    with RawClient(passing_through.port) as client:
        client.start_tls(server_name="old.example.com", **TLS12).log_in()
        cipher = client.socket.cipher()[0]
    line = passing_through.closed_line("sni=old.example.com")
    assert (line["tls"], line["cipher"]) == ("TLSv1.2", cipher)


def test_direct_tls_is_seen_too(passing_through):
    with RawClient(passing_through.port) as client:
        client.handshake(server_name="direct.example.com").log_in()
    assert passing_through.closed_line("sni=direct.example.com")["tls"] == "TLSv1.3"


def test_the_server_sees_the_tls_of_the_client(passing_through):
    with RawClient(passing_through.port) as client:
        client.start_tls().log_in()
        answer = client.query("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert answer[1][1].endswith(b"TLSv1.3")


def test_plaintext_is_passed_through_as_well(passing_through):
    with RawClient(passing_through.port) as client:
        client.log_in()
        assert client.query("SELECT 'plain'")[1][1].endswith(b"plain")


@pytest.mark.parametrize("piece", (1, 7, 64))
def test_a_client_hello_in_small_segments_is_understood(passing_through, piece):
    """The client sends the hello in pieces, below the TLS library."""
    with RawClient(passing_through.port) as client:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["postgresql"])
        session = context.wrap_bio(incoming, outgoing, server_hostname=f"cut-{piece}.example.com")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        hello = outgoing.read()
        for start in range(0, len(hello), piece):
            client.send(hello[start:start + piece])
        while True:
            incoming.write(client.socket.recv(65536))
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        client.send(outgoing.read())
    assert passing_through.closed_line(f"sni=cut-{piece}.example.com")["tls"] == "TLSv1.3"
