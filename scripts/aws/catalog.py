"""A product of AWS Service Catalog and its versions, which the service calls provisioning artifacts."""

from dataclasses import dataclass
from datetime import datetime

from scripts.aws.session import Session

_OFFERED, _DEPRECATED = "DEFAULT", "DEPRECATED"


@dataclass(frozen=True)
class ProductVersion:
    """A version of a product; `template` is the key of its root template, which its description holds."""

    id: str
    name: str
    template: str
    created: datetime
    is_deprecated: bool


class Product:
    """A product, by its id."""

    def __init__(self, session: Session, product_id: str) -> None:
        self._client = session.client("servicecatalog")
        self._id = product_id

    def versions(self) -> list[ProductVersion]:
        """All versions; their template is not told by the service, which keeps a copy of its own."""
        answer = self._client.list_provisioning_artifacts(ProductId=self._id)
        return [
            ProductVersion(
                id=item["Id"],
                name=item.get("Name", ""),
                template=item.get("Description", ""),
                created=item["CreatedTime"],
                is_deprecated=item.get("Guidance") == _DEPRECATED,
            )
            for item in answer["ProvisioningArtifactDetails"]
        ]

    def version(self, name: str) -> ProductVersion | None:
        """The version of a name, or None where there is none."""
        return next((item for item in self.versions() if item.name == name), None)

    def add(self, name: str, template: str, url: str) -> None:
        """Adds a version, whose template Service Catalog reads from a URL, and checks."""
        self._client.create_provisioning_artifact(
            ProductId=self._id,
            Parameters={
                "Name": name,
                "Description": template,
                "Info": {"LoadTemplateFromURL": url},
                "Type": "CLOUD_FORMATION_TEMPLATE",
            },
        )

    def deprecate(self, version: ProductVersion, undo: bool = False) -> None:
        """Has the service offer a version no longer for new stores, or offer it again."""
        guidance = _OFFERED if undo else _DEPRECATED
        self._client.update_provisioning_artifact(
            ProductId=self._id, ProvisioningArtifactId=version.id, Guidance=guidance
        )
