// Resident memory of the gateway: idle, and with 5,000 idle streams of three kinds
// (4,096 of the second: 64 models of 64).
//
//   waiting   chat requests with "stream": true that wait for their model (the queue
//             holds their text); the gateway has begun the answer with a comment
//   begun     the same after the first word of the answer; the model says no more
//   relayed   answers of the orchestrator, silent after the first event; a stream of
//             this kind has a second connection, to the orchestrator
//
// The runner of the first two is a copy of the tests' fake_runner in place of
// hearth-runner: it computes nothing and says when it likes.
import { copyFileSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newHome, program, Server } from '../tests/system/hearth.mjs';
import { clean, root, rss, run, scratch, sleep, until } from './lib.mjs';

const STREAMS = Number(process.env.BENCH_STREAMS ?? 5000);
const PARALLEL = 64, MODELS = 64; // most sequences of one model, most runners
const gatewayOf = (hearth) => hearth.processes().find((p) => p.name === 'gateway').pid;
const tiny = 'tiny-1m-q8_0.gguf';

// Opens `count` connections that each send `text(i)`; waits until all were answered.
// `paced`: not many at once, because an upstream's queue of connections is short.
async function open(hearth, count, text, paced = true) {
    const { hostname, port } = new URL(hearth.url);
    const clients = [];
    let seen = 0, last = '';
    for (let i = 0; i < count; i++) {
        if (i % 100 === 99 && !paced) await sleep(5);
        const c = net.connect(Number(port), hostname, () => c.write(text(i)));
        let answer = '';
        c.on('data', (d) => {
            if (seen < 0) return;
            answer += d;
            if (!/\r\n\r\n[^]*\n\n/.test(answer)) return; // the head and one event
            seen++;
            c.removeAllListeners('data').resume();
        });
        c.on('error', () => {}).on('close', () => { last = answer; });
        clients.push(c);
        if (i % 100 === 99 && paced) await until(`stream ${i}`, 30000, () => last || seen > i - 100);
    }
    await until(`${count} streams`, 90000, () => {
        if (last) throw new Error(`a stream ended: ${last}`);
        return seen === count;
    });
    return clients;
}

// What `count` more of them cost: bytes of resident memory each.
async function cost(hearth, count, text, paced) {
    const pid = gatewayOf(hearth), before = rss(pid);
    const clients = await open(hearth, count, text, paced);
    await sleep(1000);
    const each = (rss(pid) - before) / count;
    clients.forEach((c) => c.destroy());
    await sleep(1000);
    return { count, each, left: rss(pid) - before };
}

const get = () => 'GET /v1/tasks/x/events HTTP/1.1\r\nHost: localhost\r\n\r\n';
function chat(model) {
    const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Please wait. fake{tokens=2 delay=3600000}' }] });
    return `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

async function relayed() {
    const home = newHome(), hearth = await new Server(home, ['--set', 'log.access=off']).start();
    const socket = join(home, 'run', 'orchestrator.sock');
    renameSync(socket, `${socket}.real`); // the relay now reaches ours
    const upstream = createServer((q, a) => {
        a.writeHead(200, { 'content-type': 'text/event-stream' });
        a.write('data: first\n\n');
    }).listen({ path: socket, backlog: 4096 });
    try {
        await sleep(1000);
        const idle = Object.fromEntries(hearth.processes().map((p) => [p.name, rss(p.pid)]));
        idle.supervisor = rss(hearth.child.pid);
        return { idle, ...await cost(hearth, STREAMS, get) };
    } finally {
        upstream.closeAllConnections();
        upstream.close();
        await hearth.stop();
        clean(home);
    }
}

// In a process of its own, whose HEARTH is a copy beside the fake runner.
async function direct(kind) {
    const home = newHome(), models = join(home, 'models');
    const n = kind === 'waiting' ? 1 : Math.min(MODELS, Math.ceil(STREAMS / PARALLEL));
    mkdirSync(models);
    for (let i = 0; i < n; i++) copyFileSync(join(root, 'models/tiny', tiny), join(models, `m${i}.gguf`));
    const hearth = await new Server(home, ['--set', 'log.access=off', '--set', 'log.level=error', '--set', 'serving.queue=100000',
        '--set', `serving.parallel=${PARALLEL}`, '--set', 'serving.shipped=off', '--set', 'memory.budget=1TiB']).start();
    try {
        if (kind === 'waiting') await open(hearth, PARALLEL, () => chat('m0'));
        else (await open(hearth, n, (i) => chat(`m${i}`))).forEach((c) => c.destroy()); // load them
        await sleep(1000);
        console.log(JSON.stringify(await cost(hearth, kind === 'waiting' ? STREAMS : n * PARALLEL, (i) => chat(`m${i % n}`), kind !== 'waiting')));
    } finally {
        await hearth.stop();
        clean(home);
    }
}

function directly(kind) {
    const dir = scratch();
    try {
        mkdirSync(join(dir, 'b'));
        copyFileSync(program, join(dir, 'b', 'hearth'));
        copyFileSync(process.env.FAKE_RUNNER ?? join(dirname(program), 'fake_runner'), join(dir, 'b', 'hearth-runner'));
        symlinkSync(join(dirname(program), 'lib'), join(dir, 'b', 'lib'));
        const out = run([process.execPath, fileURLToPath(import.meta.url), kind],
            { env: { ...process.env, HEARTH: join(dir, 'b', 'hearth') }, stdio: ['ignore', 'pipe', 'inherit'] });
        return JSON.parse(out);
    } finally {
        clean(dir);
    }
}

export default async function measure() {
    const mib = (b) => `${(b / 2 ** 20).toFixed(1)} MiB`, kib = (b) => `**${(b / 1024).toFixed(2)} KiB**`;
    const row = (name, { count, each, left }) => `| ${name} | ${count} | ${kib(each)} | ${mib(left)} |`;
    const r = await relayed();
    return `| idle process | resident |\n|---|---|\n| gateway | **${mib(r.idle.gateway)}** |\n` +
        `| orchestrator | ${mib(r.idle.orchestrator)} |\n| supervisor | ${mib(r.idle.supervisor)} |\n\n` +
        '| idle streams | of them | gateway, each | more than before, when they are gone |\n|---|---|---|---|\n' +
        [row('chat, begun, the model is quiet', directly('begun')), row('chat, waiting for the model', directly('waiting')),
            row('relayed from the orchestrator', r)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await direct(process.argv[2]);
