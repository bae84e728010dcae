// How requests disturb each other, with real processes, over HTTP, on the 0.5B model.
//
//   neighbour   one request generates; another one comes with a prompt of 1,500
//               tokens. The longest time between two tokens of the first, without
//               and with the other beside it.
//   cancel      the client of a 1,500-token prompt leaves in the middle of it: when
//               the gateway calls the place free, and how much later than on a
//               quiet server the next request's first token comes. There is one
//               place (serving.parallel=1), so that token needs it.
import http from 'node:http';
import { join } from 'node:path';
import { newHome, Server } from '../tests/system/hearth.mjs';
import { clean, interleave, median, model, sleep, spread, threads, until, words } from './lib.mjs';

const PROMPT = Number(process.env.BENCH_LATENCY_PROMPT ?? 1500);
const shape = process.env.BENCH_SHAPE ?? 'qwen2.5-0.5b', type = process.env.BENCH_TYPE ?? 'q8_0';
const id = `${shape}-${type}`, THE = 279; // a token of the Qwen vocabulary
let seed = 90000;

// A streamed chat: when each token came, in ms; `token(n)` waits for the n-th. Every
// token is the same plain word, so that each is sent at once.
function stream(url, n_words, max_tokens) {
    const s = { sent: performance.now(), at: [], ended: false };
    const text = JSON.stringify({ model: id, stream: true, max_tokens, temperature: 0, ignore_eos: true, logit_bias: { [THE]: 100 },
        messages: [{ role: 'user', content: words(n_words, seed++) }] });
    s.request = http.request(`${url}/v1/chat/completions`, { method: 'POST', agent: false,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (a) => {
        if (a.statusCode !== 200) s.failed = `status ${a.statusCode}`;
        a.setEncoding('utf8').on('data', (d) => {
            for (const m of d.matchAll(/"content":"[^"]/g)) if (m) s.at.push(performance.now());
        });
        a.on('end', () => { s.ended = true; }).on('error', () => {});
    }).on('error', () => {});
    s.request.end(text);
    s.token = (n) => until(`token ${n}`, 120000, () => {
        if (s.failed) throw new Error(s.failed);
        return s.at.length >= n || s.ended;
    });
    s.leave = () => s.request.destroy();
    return s;
}

const gaps = (at, from, to) => at.slice(1).map((t, i) => t - at[i]).filter((_, i) => at[i + 1] > from && at[i] < to);

async function neighbour(hearth) {
    const first = stream(hearth.url, 20, 4000);
    await first.token(4);
    const quiet = performance.now();
    await first.token(first.at.length + 25);
    const other = stream(hearth.url, PROMPT, 1);
    await other.token(1);
    const end = performance.now();
    first.leave();
    const beside = gaps(first.at, other.sent, end);
    return { alone: Math.max(...gaps(first.at, quiet, other.sent)), longest: Math.max(...beside), typical: median(beside),
        steps: beside.length, prompt: (end - other.sent) / 1000 };
}

const active = async (hearth) => (await hearth.admin('GET', '/admin/models')).json.data.find((m) => m.id === id).active;

async function firstToken(hearth) {
    const s = stream(hearth.url, 4, 1);
    await s.token(1);
    return s.at[0] - s.sent;
}

async function cancel(hearth) {
    const quiet = await firstToken(hearth);
    const gone = stream(hearth.url, PROMPT, 1);
    await sleep(400);
    if (gone.at.length || await active(hearth) !== 1) throw new Error('the prompt is not being read');
    gone.leave();
    const next = await firstToken(hearth);
    const again = stream(hearth.url, PROMPT, 1);
    await sleep(400);
    again.leave();
    const then = performance.now();
    while (await active(hearth)) await sleep(2);
    return { freed: performance.now() - then, next: next - quiet };
}

async function served(args, body) {
    const file = model(shape, type), home = newHome();
    const hearth = await new Server(home, ['--set', 'serving.shipped=off', '--set', `storage.models=${join(file, '..')}`,
        '--set', `serving.threads=${threads}`, ...args]).start();
    try {
        await firstToken(hearth); // loaded
        return await body(hearth);
    } finally {
        await hearth.stop();
        clean(home);
    }
}

export default async function measure() {
    const n = await served([], (h) => interleave({ r: () => neighbour(h) }, { warm: false }));
    const c = await served(['--set', 'serving.parallel=1'], (h) => interleave({ r: () => cancel(h) }, { warm: false }));
    const col = (rows, k) => rows.map((x) => x[k]);
    const row = (what, v, goal) => `| ${what} | ${median(v).toFixed(0)} | ${spread(v)} | ${goal} |`;
    return `${id}, prompt of about ${PROMPT} tokens\n\n| what | ms, median | range | goal |\n|---|---|---|---|\n${[
        row('a stream, longest pause while it is alone', col(n.r, 'alone'), ''),
        row(`longest pause while another prompt of ${PROMPT} tokens is read`, col(n.r, 'longest'), '**300**'),
        row('typical pause meanwhile', col(n.r, 'typical'), ''),
        row('time to read that prompt beside the stream', col(n.r, 'prompt').map((s) => s * 1000), ''),
        row('the client of such a prompt leaves: the place is free after', col(c.r, 'freed'), '**250**'),
        row('... and the next request waits longer than on a quiet server by', col(c.r, 'next'), '**250**'),
    ].join('\n')}`;
}
