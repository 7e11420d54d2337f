"""Gives an upload the status that says what became of it: Orthanc's own says too little, and sometimes too much.

- Orthanc answers 400 or 202 where it could not store an instance, and 400 where one is unfit. Only in the body does it
  say that storing failed (FailureReason 0110, "Processing failure"): its database was away, or another upload made the
  same study at that moment. The same upload succeeds a moment later, so this becomes a 503 with Retry-After.
- Orthanc answers 200 to an upload of which it read nothing, and to one that is cut off before its last delimiter, whose
  last part it drops (observed with its DICOMweb plugin 1.24). Both become 400, as a client would believe its images
  stored.

A status cannot be changed once its header has passed, and NGINX passes the header before it sees the body. So uploads
go through this relay, which holds an answer's header back until it has read the short body. All else it passes on as it
comes.

Source of the code: DICOM PS3.18, table I.2-2 "Store Instances Response Failure Reason Values".
"""

import asyncio
import re
from collections.abc import Callable

PROCESSING_FAILURE = 0x0110
RETRY_AFTER_SECONDS = 5
_CHUNK = 256 * 1024
# Orthanc's answer to an upload takes some hundred bytes for each instance, and tells the failed ones first.
_LONGEST_VERDICT = 16 * 1024 * 1024
_LONGEST_END = 16 * 1024
_JUDGED = frozenset({200, 202, 400})
# In DICOM JSON or in the native DICOM model's XML, as the client wishes.
_FAILURE_REASON = re.compile(
    rb'"00081197"\s*:\s*\{\s*"Value"\s*:\s*\[\s*([0-9]+)|tag="00081197"[^>]*>\s*<Value number="1">([0-9]+)'
)
_REFERENCED_SOP_INSTANCE = b'"00081155"'
_BOUNDARY = re.compile(rb'^content-type:.*?;\s*boundary=(?:"([^"\r\n]+)"|([^;\s]+))', re.I | re.M)
_CHUNK_FRAME = re.compile(rb"\r\n[0-9a-f]+\r\n", re.I)


class Upload:
    """What is remembered of a request as it passes: its header, and its end."""

    def __init__(self) -> None:
        self._head = b""
        self._end = b""

    def add(self, data: bytes) -> None:
        """Takes note of the next bytes."""
        if b"\r\n\r\n" not in self._head and len(self._head) < _CHUNK:
            self._head += data
        self._end = (data if len(data) >= _LONGEST_END else self._end + data)[-_LONGEST_END:]

    @property
    def is_whole(self) -> bool:
        """Whether the last delimiter has come (RFC 2046, section 5.1.1)."""
        found = _BOUNDARY.search(self._head.partition(b"\r\n\r\n")[0])
        if found is None:
            return False
        delimiter = b"--" + (found[1] or found[2]) + b"--"
        # A body of unknown length comes in chunks, and where one ends may be anywhere.
        return delimiter in self._end or delimiter in _CHUNK_FRAME.sub(b"", self._end)


def verdict(status: int, body: bytes, is_whole: bool) -> int:
    """The status that the client is to see, for Orthanc's answer to an upload that was whole or not."""
    reasons = {int(json or xml) for json, xml in _FAILURE_REASON.findall(body)}
    if status != 200 and PROCESSING_FAILURE in reasons:
        return 503
    is_stored = _REFERENCED_SOP_INSTANCE in body
    if status == 200 and not (is_stored and is_whole):
        return 400
    return 400 if status == 202 and not is_whole else status


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
    upload = Upload()
    sending = asyncio.create_task(_pump(client, request, upload.add))
    answering = asyncio.create_task(_answer(response, answer, upload))
    try:
        await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
        # Orthanc would wait for the rest of an upload whose client is gone, in one of its few threads.
        is_client_gone = client.at_eof() or client.exception() is not None
        if answering.done() or not is_client_gone:
            await answering
    finally:
        sending.cancel()
        answering.cancel()
        request.close()


async def _answer(response: asyncio.StreamReader, answer: asyncio.StreamWriter, upload: Upload) -> None:
    """Passes on Orthanc's answer with the status that it deserves."""
    try:
        head = await response.readuntil(b"\r\n\r\n")
        status, length = int(head.split(b" ", 2)[1]), _content_length(head)
        if status in _JUDGED and length is not None:
            body = await response.readexactly(min(length, _LONGEST_VERDICT))
            head = _with_status(head, status, verdict(status, body, upload.is_whole)) + body
        answer.write(head)
        await _pump(response, answer)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError("Orthanc's answer is cut off or has no end of its header") from error


async def _pump(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    note: Callable[[bytes], None] = lambda _: None,
) -> None:
    """Copies until the source ends; a target that goes away ends it, too."""
    try:
        while chunk := await source.read(_CHUNK):
            note(chunk)
            target.write(chunk)
            await target.drain()
    except OSError:
        return


def _content_length(head: bytes) -> int | None:
    found = re.search(rb"^content-length:\s*([0-9]+)", head, re.I | re.M)
    return int(found[1]) if found else None


def _with_status(head: bytes, before: int, status: int) -> bytes:
    if status == before:
        return head
    _, _, fields = head.partition(b"\r\n")
    retry = b"Retry-After: %d\r\n" % RETRY_AFTER_SECONDS if status == 503 else b""
    return b"HTTP/1.1 %d \r\n" % status + retry + fields
