"""What a role may do: the same rules for every access mode."""

from nginx.access.users import Role

READING = frozenset({"GET", "HEAD"})


def permits(role: Role, area: str, method: str) -> bool:
    """Whether the role may use the method in an area.

    The areas are `dicom-web`, `viewer`, `orthanc` for Orthanc's own interface, and `nowhere`, where nothing is.
    """
    match area:
        case "orthanc":
            return role is Role.ADMIN
        case "dicom-web":
            return method in READING or (method == "POST" and role is not Role.READER)
        case "viewer":
            return method in READING
    return area == "nowhere"
