// kill -9 of each process, many times, under load. Prints what it saw; exits
// with 1 when an answer was wrong, a task was lost, a process was orphaned, or
// the service stayed away longer than the limit.
//   node tests/system/soak.mjs [KILLS_OF_EACH [runner|gateway|orchestrator...]]
// 200 kills of all three unless told otherwise.
import { rmSync } from 'node:fs';
import { alive, newHome, Server, sleep, until } from './hearth.mjs';

const kills = Number(process.argv[2] ?? 200);
const limit = Number(process.env.HEARTH_BACK_MS ?? 2000);
const victims = process.argv.length > 3 ? process.argv.slice(3) : ['runner', 'gateway', 'orchestrator'];
const prompt = 'Write a Python function add_two(a, b) that returns a + b';
const home = newHome();
// The same port after each restart, as in life.
const port = 20000 + Math.floor(Math.random() * 20000);
const s = await new Server(home, ['--set', 'log.access=off', '--set', `server.listen=127.0.0.1:${port}`]).start();
process.on('uncaughtException', (e) => { console.error(e); s.child.kill('SIGKILL'); process.exit(1); });
const url = s.url;
const seen = { answers: 0, refused: 0, wrong: [], tasks: new Map(), orphans: 0, back: {} };
let running = true;

const post = (path, body) => fetch(url + path, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' }, signal: AbortSignal.timeout(20000) });
const ask = () => post('/v1/chat/completions',
    { model: 'tiny-1m', temperature: 0, max_tokens: 48, messages: [{ role: 'user', content: prompt }] });
const expected = (await (await ask()).json()).choices[0].message.content;

// A whole answer must be the right one; a refusal or a cut connection is not
// an answer.
async function client() {
    while (running) {
        try {
            const a = await ask();
            const text = await a.text();
            if (a.status !== 200) { seen.refused++; await sleep(20); continue; }
            const got = JSON.parse(text).choices[0].message.content;
            if (got === expected) seen.answers++; else seen.wrong.push(got);
        } catch { seen.refused++; await sleep(20); }
    }
}

async function worker() {
    for (let i = 0; running; i++) {
        try {
            const a = await post('/v1/tasks', { prompt, entry: 'add_two', stream: false,
                tests: ['assert add_two(1, 2) == 3'], idempotency_key: `soak-${i}` });
            const text = await a.text();
            if (a.status < 300) seen.tasks.set(JSON.parse(text).id ?? JSON.parse(text).task, null);
        } catch { /* not accepted: nothing was promised */ }
        await sleep(400);
    }
}

const clients = [client(), client(), worker()];
for (const name of victims) seen.back[name] = [];
for (let i = 0; i < kills; i++)
    for (const name of victims) {
        const victim = await until(`a ${name}`, 10000, () => s.processes().find((p) => p.name === name));
        const runners = s.processes().filter((p) => p.name === 'runner').map((p) => p.pid);
        process.kill(victim.pid, 'SIGKILL');
        const from = Date.now();
        await until(`service after ${name} was killed`, 15000, async () => {
            try {
                if (name === 'orchestrator') return (await fetch(`${url}/v1/tasks?limit=1`)).status === 200;
                return (await ask()).status === 200;
            } catch { return false; }
        });
        seen.back[name].push(Date.now() - from);
        if (name === 'gateway') {
            await sleep(50);
            seen.orphans += runners.filter((pid) => alive(pid) && !s.processes().some((p) => p.pid === pid)).length;
        }
    }
running = false;
await Promise.all(clients);

const verdicts = {};
let lost = 0;
for (const id of seen.tasks.keys()) {
    try {
        const t = await until(`task ${id}`, 120000, async () => {
            const a = await fetch(`${url}/v1/tasks/${id}`);
            if (a.status !== 200) return null;
            const v = await a.json();
            return v.verdict ? v : null;
        });
        verdicts[t.verdict] = (verdicts[t.verdict] ?? 0) + 1;
    } catch { lost++; }
}
const below = s.processes();
await s.stop();
await sleep(200);
const left = below.filter((p) => alive(p.pid)).length;
let late = 0;
for (const name of victims) {
    const v = [...seen.back[name]].sort((a, b) => a - b);
    late += v.filter((ms) => ms > limit).length;
    console.log(`${name}: ${v.length} kills, back after median ${v[v.length >> 1]} ms, most ${v[v.length - 1]} ms`);
}
console.log(`answers ${seen.answers} right, ${seen.wrong.length} wrong; ${seen.refused} refused or cut`);
console.log(`tasks ${seen.tasks.size} accepted, ${lost} lost, verdicts ${JSON.stringify(verdicts)}`);
console.log(`orphans ${seen.orphans}, left after the stop ${left}, later than ${limit} ms ${late}`);
rmSync(home, { recursive: true, force: true });
process.exit(seen.wrong.length || lost || seen.orphans || left || late ? 1 : 0);
