// What an upload stored: Orthanc's answer names the studies, the request's path need not.

// A UID counts with what ends it only: a piece of the answer may end within it.
const STUDY = /\/studies\/([0-9][0-9.]{0,63})["\/?<]/g;
const LONGEST_START = '/studies/'.length + 64;
// An audit line must not become longer than log drivers take at once, which is 16 KiB.
const MOST_STUDIES = 100;
const AND_MORE = '...';

function studies(r, data, flags) {
    // Kept in the request's own variables: one of njs's engines shares its globals between requests.
    const before = r.variables.stored_studies;
    const found = before ? before.split(' ') : [];
    const text = (r.variables.answer_end || '') + data;
    (text.match(STUDY) || []).forEach(match => {
        const study = match.slice('/studies/'.length, -1);
        if (found.length <= MOST_STUDIES && !found.includes(study)) {
            found.push(found.length < MOST_STUDIES ? study : AND_MORE);
        }
    });
    const after = found.join(' ');
    if (after !== before) {
        r.variables.stored_studies = after;
    }
    r.variables.answer_end = text.slice(-LONGEST_START);
    r.sendBuffer(data, flags);
}

export default {studies};
