// Shared by the parts of the bench: run things, interleave them, take medians.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import { join } from 'node:path';
import { root, sleep, until } from '../tests/system/hearth.mjs';

export { root, sleep, until };
export const median = (v) => {
    const s = [...v].sort((a, b) => a - b);
    return s.length % 2 ? s[(s.length - 1) / 2] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2;
};
export const spread = (v) => `${Math.min(...v).toPrecision(3)}..${Math.max(...v).toPrecision(3)}`;
export const threads = Number(process.env.BENCH_THREADS ?? Math.max(1, os.cpus().length));
export const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
export const machine = () => `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, ` +
    `${Math.round(os.totalmem() / 2 ** 30)} GiB`;

// Runs the contestants `n` times, side by side, every second round in reverse
// order: noise and drift of the machine then hit all alike. Each returns a number
// or an object. `warm`: a round before the first that does not count.
export async function interleave(contestants, { n = rounds, warm = true } = {}) {
    const results = Object.fromEntries(Object.keys(contestants).map((k) => [k, []]));
    for (let i = warm ? 0 : 1; i <= n; i++) {
        const order = Object.entries(contestants);
        if (i % 2 === 0) order.reverse();
        for (const [name, run] of order) {
            const r = await run(i);
            if (i > 0) results[name].push(r);
        }
    }
    return results;
}

// a/b pair by pair, so that drift between rounds does not count.
export const ratio = (a, b) => median(a.map((x, i) => x / b[i]));

export const scratch = () => mkdtempSync(join(os.tmpdir(), 'hearth-bench-'));

export function process_(argv, { env = {}, cwd, ready } = {}) {
    const child = spawn(argv[0], argv.slice(1), {
        env: { ...process.env, ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { log = (log + d).slice(-65536); });
    const ended = new Promise((done) => child.on('close', done));
    return {
        child, pid: child.pid, log: () => log,
        ready: () => until(argv[0], 60000, () => {
            if (child.exitCode !== null) throw new Error(`${argv.join(' ')} ended\n${log}`);
            return ready();
        }),
        stop: async () => { child.kill('SIGTERM'); const t = setTimeout(() => child.kill('SIGKILL'), 5000); await ended; clearTimeout(t); },
    };
}

export const run = (argv, options = {}) =>
    execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', maxBuffer: 1 << 26, ...options });

export function rss(pid, field = 'VmRSS') {
    const m = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(m[1]) * 1024;
}

// What a process, all its threads, has computed so far; 0 when it is gone.
export function cpuSeconds(pid) {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const f = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return (Number(f[11]) + Number(f[12])) / 100;
    } catch { return 0; }
}

// The random-weight models, made once into the cache.
export function model(shape, type) {
    const cache = process.env.HEARTH_BENCH_CACHE ?? join(os.homedir(), '.cache', 'hearth-bench');
    const [, source] = run([join(root, 'tools/build-llama'), '--prefix']).trim().split(' ');
    const out = join(cache, `${shape}-${type}.gguf`);
    const exists = (p) => { try { return statSync(p).size > 0; } catch { return false; } };
    if (exists(out)) return out;
    mkdirSync(cache, { recursive: true });
    const f16 = join(cache, `${shape}-f16.gguf`);
    if (!exists(f16)) {
        console.error(`making ${f16}`);
        run(['/usr/bin/python3', join(root, 'bench/make_model.py'), source, shape, `${f16}.new`], { stdio: 'pipe' });
        run(['mv', `${f16}.new`, f16]);
    }
    if (type === 'f16') return f16;
    console.error(`quantising ${out}`);
    run([process.env.LLAMA_SERVER.replace('llama-server', 'llama-quantize'), f16, `${out}.new`, type], { stdio: 'pipe' });
    run(['mv', `${out}.new`, out]);
    return out;
}

export function post(url, body) {
    return new Promise((done, fail) => {
        const text = JSON.stringify(body);
        const q = http.request(url, { method: 'POST', headers: {
            'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (a) => {
            const parts = [];
            a.on('data', (d) => parts.push(d));
            a.on('end', () => done({ status: a.statusCode, text: Buffer.concat(parts).toString() }));
            a.on('error', fail);
        });
        q.on('error', fail);
        q.end(text);
    });
}

export const timed = async (f) => {
    const t = process.hrtime.bigint();
    const value = await f();
    return { seconds: Number(process.hrtime.bigint() - t) / 1e9, value };
};

// Text of about n tokens for the Qwen vocabulary: plain words, different for
// different seeds, so that nothing is cached by accident.
export function words(n, seed) {
    const list = ('the of and to in a is that for it as was with be by on not he this are or his from at which but have an had they you were ' +
        'there one all we can her has more when will would who some out so up into than them then its time only could new other two').split(' ');
    let s = seed >>> 0 || 1;
    const out = [];
    for (let i = 0; i < n; i++) {
        s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
        out.push(list[(s >>> 16) % list.length]);
    }
    return out.join(' ');
}

export const clean = (dir) => rmSync(dir, { recursive: true, force: true });
