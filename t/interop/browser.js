// What a browser does on its page: each check is a line of the report, which is
// uploaded when all have come to their end.  "n" is the number of parts of each
// kind, from the page.

const lines = [];
const numbers = Array.from({ length: n }, (_, i) => i + 1);
const sum = (list) => list.reduce((a, b) => a + b, 0);
const loaded = new Promise((resolve) => { window.onload = resolve; });
const upstream = (path, init) => fetch('/upstream/' + path, init);

const until = (target, type) => new Promise((resolve, reject) => {
    target.addEventListener(type, resolve, { once: true });
    target.addEventListener('error', () => reject(new Error('no ' + type)),
                            { once: true });
});


function report(...words) {
    lines.push(words.join(' '));
}


async function sha256(buffer) {
    const hash = await crypto.subtle.digest('SHA-256', buffer);

    return Array.from(new Uint8Array(hash),
                      (b) => b.toString(16).padStart(2, '0')).join('');
}


async function parts() {
    await loaded;

    report('styles', sum(numbers.map((i) => document.getElementById('s' + i)
                                            .getBoundingClientRect().width)));
    report('scripts', window.scripts);
    report('images', sum(Array.from(document.images,
                                    (image) => image.naturalWidth)));
}


async function data(i) {
    const response = await fetch('/data' + i + '.bin');

    report('data' + i, await sha256(await response.arrayBuffer()));
}


async function put() {
    const body = Uint8Array.from({ length: 500000 }, (_, i) => i * 7 % 251);
    const response = await fetch('/put/upload', { method: 'PUT', body: body });

    report('put', response.status);
}


// A form with a file; the upstream answers with the file's length and hash.

async function form() {
    const file = await (await fetch('/form.bin')).blob();
    const data = new FormData();

    data.append('name', 'a file');
    data.append('file', file, 'form.bin');

    const response = await upstream('form', { method: 'POST', body: data });

    report('form', response.status, await response.text());
}


// The upstream sends an event only after the one before was reported to have
// arrived.

async function events() {
    const source = new EventSource('/upstream/events');
    let next = until(source, 'message');

    for (let i = 1; i <= 5; i++) {
        const event = await next;

        report('event', event.data, Math.round(performance.now()));
        next = until(source, 'message');
        await upstream('arrived?' + i);
    }

    source.close();
}


// Given up half-way, and before anything has come.

async function cancel() {
    const control = new AbortController();
    const response = await upstream('endless', { signal: control.signal });
    const reader = response.body.getReader();
    let received = 0;

    while (received < 1000000) {
        received += (await reader.read()).value.length;
    }

    control.abort();
    await reader.read().catch((error) => report('cancel', error.name));
}


async function cancel_early() {
    const control = new AbortController();
    const response = upstream('never', { signal: control.signal });

    await upstream('asked');
    control.abort();
    await response.catch((error) => report('cancel_early', error.name));
}


async function websocket() {
    const socket = new WebSocket('wss://' + location.host + '/echo');

    socket.binaryType = 'arraybuffer';
    await until(socket, 'open');

    const pieces = [];
    const sent = Uint8Array.from({ length: 300000 }, (_, i) => i * 5 % 253);

    for (const piece of ['hello', sent]) {
        socket.send(piece);
        pieces.push((await until(socket, 'message')).data);
    }

    socket.close(1000);

    const end = await until(socket, 'close');

    report('websocket', pieces[0],
           await sha256(sent) == await sha256(pieces[1]), end.code);
}


function protocols() {
    for (const entry of performance.getEntries()) {
        if (entry.nextHopProtocol !== undefined) {
            report('entry', entry.name, entry.nextHopProtocol);
        }
    }
}


async function run() {
    performance.setResourceTimingBufferSize(1000);

    const checks = [parts, put, form, events, cancel, cancel_early, websocket];

    await Promise.all([...checks.map((check) => check()
        .catch((error) => report(check.name, error))), ...numbers.map(data)]);

    protocols();
    await fetch('/put/report', { method: 'PUT', body: lines.join('\n') });
}


run();
