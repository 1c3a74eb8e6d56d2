"""What a runner on the network proves itself with: a key of its own, and a certificate that only that key signed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chassis.rpc.channels import runner_name

_VALID = timedelta(days=3650)
"""Longer than any runner lives. What ends a certificate is that nobody is told of it once its runner is replaced."""

_SKEW = timedelta(days=1)  # by which the clock of the runner's machine may be behind ours


def make(runner_id: UUID) -> tuple[str, str]:
    """Return a fresh certificate of a runner and its key, both PEM. The key is stored nowhere but with the runner."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = runner_name(str(runner_id))
    owner = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, form, serialization.NoEncryption())
    return certificate.public_bytes(encoding).decode(), private.decode()
