"""Mends what ministack does differently from AWS; one function for each defect, named for what AWS does."""


def install() -> None:
    """Applies every fix to the ministack of this process."""
    from scripts.emulator.fixes import events, provisioning, requests, resources

    for part in (provisioning, resources, requests, events):
        part.install()
