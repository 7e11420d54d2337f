"""Tells uploads that Orthanc could not store from uploads that it will never store.

Orthanc answers both with 400. Only in the body does it say of an instance that its storing failed (FailureReason 0110,
"Processing failure"), which is what it says while its database is away, and with each connection that was open before:
the same upload succeeds a moment later. A status cannot be changed once its header has passed, and NGINX passes the
header before it sees the body. So uploads go through this relay, which holds back the header of a 400, reads the short
body, and makes it a 503 with Retry-After where trying again can help. All else it passes on as it comes.

Source of the code: DICOM PS3.18, table I.2-2 "Store Instances Response Failure Reason Values".
"""

import asyncio
import json

PROCESSING_FAILURE = 0x0110
RETRY_AFTER_SECONDS = 5
_CHUNK = 256 * 1024
# Orthanc's answer to an upload takes some hundred bytes for each instance.
_LONGEST_VERDICT = 16 * 1024 * 1024
_FAILED_SOP_SEQUENCE, _FAILURE_REASON = "00081198", "00081197"


def is_retryable(body: bytes) -> bool:
    """Whether the answer to an upload says of any instance that storing it failed, rather than that it is unfit."""
    try:
        failed = json.loads(body)[_FAILED_SOP_SEQUENCE]["Value"]
        return any(PROCESSING_FAILURE in item[_FAILURE_REASON]["Value"] for item in failed)
    except (ValueError, LookupError, TypeError):
        return False


async def serve(path: str, port: int) -> asyncio.AbstractServer:
    """Relays connections to a Unix socket on to a port of this host, one request each."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _relay(reader, writer, port)
        except OSError:
            # Either side is gone: NGINX sees the connection close, and answers for it.
            pass
        finally:
            writer.close()

    return await asyncio.start_unix_server(handle, path, limit=_CHUNK)


async def _relay(client: asyncio.StreamReader, answer: asyncio.StreamWriter, port: int) -> None:
    response, request = await asyncio.open_connection("127.0.0.1", port, limit=_CHUNK)
    upload = asyncio.ensure_future(_pump(client, request))
    try:
        head = await response.readuntil(b"\r\n\r\n")
        if head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")):
            body = await response.readexactly(min(_content_length(head), _LONGEST_VERDICT))
            answer.write((_retry_later(head) if is_retryable(body) else head) + body)
        else:
            answer.write(head)
        await _pump(response, answer)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError("Orthanc's answer is cut off or has no end of its header") from error
    finally:
        upload.cancel()
        request.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copies until the source ends; a target that goes away ends it, too."""
    try:
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    except OSError:
        return


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _retry_later(head: bytes) -> bytes:
    _, _, fields = head.partition(b"\r\n")
    return b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\n" % RETRY_AFTER_SECONDS + fields
