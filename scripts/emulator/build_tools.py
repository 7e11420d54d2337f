"""The programs `aws` and `docker` as emulated builds find them: as much of either as build specifications here use.

`docker build` builds nothing: an image is the digest of its folder. Runs without any package, so that a call takes a
moment only: `python -I -S build_tools.py aws|docker ARGUMENTS`.
"""

import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

_ECR = "AmazonEC2ContainerRegistry_V20150921"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PARTS = "os\tdebian\temulated\ndeb\tnothing\t0\tall\n"
# As the official base of the Orthanc image has it.
_PLUGIN = "orthanc\tpostgresql-index\t10.3\n"


def _send(service: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    region, account = os.environ["AWS_DEFAULT_REGION"], os.environ["AWS_ACCESS_KEY_ID"]
    credential = f"{account}/20260101/{region}/{service}/aws4_request"
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=emulated"
    )
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, body or None, headers)
    request.method = method
    try:
        with _LOOPBACK.open(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        sys.exit(f"{service} refused {method} {path}: {error.code} {error.read().decode()}")


def _ecr(operation: str, **arguments: object) -> dict[str, list[dict[str, str]]]:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{_ECR}.{operation}"}
    answer: dict[str, list[dict[str, str]]] = json.loads(
        _send("ecr", "POST", "/", json.dumps(arguments).encode(), headers)
    )
    return answer


def _copy(words: list[str]) -> None:
    source, target = words[-2:]
    if source.startswith("s3://"):
        content = _send("s3", "GET", source.removeprefix("s3:/"), b"", {})
        sys.stdout.buffer.write(content) if target == "-" else Path(target).write_bytes(content)
    else:
        _send("s3", "PUT", target.removeprefix("s3:/"), Path(source).read_bytes(), {})


def _describe_images(words: list[str]) -> None:
    options = dict(zip(words[::2], words[1::2], strict=True))
    tag = options["--image-ids"].removeprefix("imageTag=")
    name = options["--repository-name"]
    found = _ecr("DescribeImages", repositoryName=name, imageIds=[{"imageTag": tag}])
    print(found["imageDetails"][0]["imageDigest"])


def _build(words: list[str]) -> None:
    image, context = words[-2], Path(words[-1])
    if not (context / "Dockerfile").is_file():
        sys.exit(f"there is no {context}/Dockerfile")
    files = (file for file in sorted(context.rglob("*")) if file.is_file())
    content = b"".join(file.read_bytes() for file in files) + os.environ["EMULATED_ARCHITECTURE"].encode()
    digest = hashlib.sha256(content).hexdigest()
    _built(image).write_text(digest)
    print(f"{context} is built, as far as an emulator can: {digest}")


def _push(words: list[str]) -> None:
    image = words[-1]
    repository, _, tag = image.rpartition(":")
    config = {"digest": f"sha256:{_built(image).read_text()}"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": []})
    name = repository.partition("/")[2]
    _ecr("PutImage", repositoryName=name, imageTag=tag, imageManifest=manifest)


def _tag(words: list[str]) -> None:
    source, target = words
    _built(target).write_text(_built(source).read_text())


def _run(words: list[str]) -> None:
    is_orthanc = words[-1].rpartition(":")[0].endswith("/orthanc")
    print(_PARTS + (_PLUGIN if is_orthanc else ""), end="")


def _built(image: str) -> Path:
    return Path(hashlib.sha256(image.encode()).hexdigest()[:16] + ".image")


_COMMANDS: dict[tuple[str, ...], Callable[[list[str]], object]] = {
    ("aws", "s3", "cp"): _copy,
    ("aws", "ecr", "get-login-password"): lambda _: print("emulated"),
    ("aws", "ecr", "describe-images"): lambda words: _describe_images(words[:4]),
    ("docker", "login"): lambda _: sys.stdin.read(),
    ("docker", "version"): lambda _: print(os.environ["EMULATED_ARCHITECTURE"]),
    ("docker", "build"): _build,
    ("docker", "tag"): _tag,
    ("docker", "run"): _run,
    ("docker", "push"): _push,
}


def main(words: list[str]) -> None:
    """Does what a command line asks for; exits with a message for what is not emulated."""
    for command, perform in _COMMANDS.items():
        if tuple(words[: len(command)]) == command:
            perform(words[len(command) :])
            return
    sys.exit(f"{' '.join(words[:3])} is not emulated")


main(sys.argv[1:])
