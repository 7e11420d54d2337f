// What an upload stored: Orthanc's answer names the studies, the request's path need not.

const STUDY = /\/studies\/([0-9][0-9.]{0,63})/g;
const MOST_STUDIES = 10;
// A study's address may be split between two pieces of the answer.
const OVERLAP = 256;

let tail = '';
let found = [];

function studies(r, data, flags) {
    const text = tail + data;
    const matches = text.match(STUDY) || [];
    matches.map(match => match.slice('/studies/'.length)).forEach(study => {
        if (!found.includes(study) && found.length < MOST_STUDIES) {
            found = found.concat([study]);
        }
    });
    tail = text.slice(-OVERLAP);
    if (flags.last) {
        r.variables.stored_studies = found.join(' ');
    }
    r.sendBuffer(data, flags);
}

export default {studies};
