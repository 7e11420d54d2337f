// The studies of what is stored or deleted, for the audit log: the request's path need not name them.

// A UID counts with what ends it only: a piece of the answer may end within it.
const STUDY = /\/studies\/([0-9][0-9.]{0,63})["\/?<]/g;
const LONGEST_START = '/studies/'.length + 64;
// An audit line must not become longer than log drivers take at once, which is 16 KiB.
const MOST_STUDIES = 100;
const AND_MORE = '...';

function stored(r, data, flags) {
    // Kept in the request's own variables: one of njs's engines shares its globals between requests.
    const before = r.variables.audited_studies;
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
        r.variables.audited_studies = after;
    }
    r.variables.answer_end = text.slice(-LONGEST_START);
    r.sendBuffer(data, flags);
}

// What holds a resource's studies, by its level in Orthanc's REST API.
const STUDIES_OF = {patients: '/studies', studies: '', series: '/study', instances: '/study'};

// Nothing is deleted whose studies the audit line could not name.
async function remove(r) {
    const resource = r.variables.below_orthanc;
    const found = await r.subrequest(`/internal/studies-of${resource}${STUDIES_OF[resource.split('/')[1]]}`);
    if (found.status !== 200) {
        r.return(failure(found));
        return;
    }
    const uids = [].concat(JSON.parse(found.responseText)).map(study => study.MainDicomTags.StudyInstanceUID);
    const named = uids.slice(0, MOST_STUDIES).concat(uids.length > MOST_STUDIES ? AND_MORE : []);
    r.variables.audited_studies = named.join(' ');
    const removed = await r.subrequest('/internal/removal');
    if (removed.status !== 200) {
        r.return(failure(removed));
        return;
    }
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, removed.responseText);
}

// What Orthanc refuses otherwise is no fault of the client's.
function failure(answer) {
    return answer.status === 404 ? 404 : 503;
}

export default {remove, stored};
