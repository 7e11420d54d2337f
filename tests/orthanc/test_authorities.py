"""The authorities that Orthanc trusts to vouch for the database."""

import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from scripts.documents.blocks import PROJECT

FILE = PROJECT / "orthanc" / "rds-authorities.pem"
CERTIFICATES = x509.load_pem_x509_certificates(FILE.read_bytes())
REGION = re.compile(r"Amazon RDS ([a-z0-9-]+) Root CA RSA2048 G1")


def common_name(certificate: x509.Certificate) -> str:
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def test_each_is_an_authority_that_signed_itself_and_lasts() -> None:
    for certificate in CERTIFICATES:
        certificate.verify_directly_issued_by(certificate)
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=365)


def test_they_are_of_the_generation_that_the_database_is_given() -> None:
    from generator.stacks.database import CA

    assert CA == "rds-ca-rsa2048-g1"
    assert all(REGION.fullmatch(common_name(certificate)) for certificate in CERTIFICATES)


def test_the_documentation_names_their_regions() -> None:
    text = (PROJECT / "docs" / "database.md").read_text("utf-8")
    sentence = re.search(r"one for each of these Regions: (.*?)\.", text, re.DOTALL)
    assert sentence
    named = re.findall(r"[a-z]{2}-[a-z]+-[0-9]", sentence[1])
    assert named == sorted(match[1] for c in CERTIFICATES if (match := REGION.fullmatch(common_name(c))))
