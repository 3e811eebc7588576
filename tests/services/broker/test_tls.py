"""Over TLS, as with the broker itself: trusted or nothing, and stopped at the last moment."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common.errors import BrokerUnavailable, Halted, OrderUncertain
from common.ids import ClientOrderId
from tests.services.broker import fault_server as faults
from tests.services.broker.connecting import connected
from tests.services.broker.fault_server import fault_server, taken
from tests.services.broker.intents import long_call

CID = ClientOrderId("desk-1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and the certificate of 127.0.0.1 which it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "broker.pem"
    path.write_bytes(private + signed.public_bytes(pem))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_an_order_is_sent_once_or_stopped_over_tls(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    def stop() -> None:
        raise Halted("the kill switch is set")

    async with (
        fault_server(taken(), faults.close, tls=server_side(certificate)) as server,
        connected(server.url) as connection,
    ):
        with pytest.raises(Halted):
            await connection.broker.submit(long_call(), ClientOrderId("stopped"), stop)
        order = await connection.broker.submit(long_call(), CID, lambda: None)
        assert order.client_order_id == CID
        with pytest.raises(OrderUncertain):
            await connection.broker.submit(long_call(), ClientOrderId("lost"), lambda: None)
        assert [request.body["client_order_id"] for request in server.heard] == [CID, "lost"]


async def test_a_reply_that_hangs_is_cut_over_tls(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    async with (
        fault_server(faults.trickle, tls=server_side(certificate)) as server,
        connected(server.url, timedelta(seconds=0.6)) as connection,
    ):
        with pytest.raises(OrderUncertain):
            await connection.broker.submit(long_call(), CID, lambda: None)


async def test_a_host_that_cannot_prove_itself_gets_no_order(certificate: Path) -> None:
    async with (
        fault_server(taken(), tls=server_side(certificate)) as server,
        connected(server.url) as connection,
    ):
        with pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await connection.broker.submit(long_call(), CID, lambda: None)
        assert server.heard == []
