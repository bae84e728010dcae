// Starts a hearth of its own for a test: a fresh HEARTH_HOME, a free port.
// Everything that was started is ended by its process id, also when a test fails.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const program = process.env.HEARTH ?? join(root, 'build', 'release', 'hearth');
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(what, ms, look) {
    const end = Date.now() + ms;
    for (;;) {
        const got = await look();
        if (got) return got;
        if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
        await sleep(10);
    }
}

export function newHome() {
    return mkdtempSync(join(tmpdir(), 'hearth-test-'));
}

// Runs the program to its end.
export function hearth(home, args, { input = '', env = {} } = {}) {
    return new Promise((done) => {
        const child = spawn(program, args, {
            env: { ...process.env, HEARTH_HOME: home, NO_COLOR: '1', ...env },
        });
        let out = '', err = '';
        child.stdout.on('data', (d) => { out += d; });
        child.stderr.on('data', (d) => { err += d; });
        child.on('close', (code, signal) => done({ code, signal, out, err }));
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    });
}

export class Server {
    constructor(home, args = [], env = {}) {
        this.home = home;
        this.args = args;
        this.env = env;
        this.log = '';
    }

    async start(ms = 15000) {
        this.child = spawn(program, ['serve', '--set', 'server.listen=127.0.0.1:0', ...this.args], {
            env: { ...process.env, HEARTH_HOME: this.home, ...this.env },
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        this.ended = new Promise((done) => {
            this.child.on('close', (code, signal) => { this.end = { code, signal }; done(this.end); });
        });
        for (const s of [this.child.stdout, this.child.stderr])
            s.on('data', (d) => { this.log = (this.log + d).slice(-200000); });
        await until('serve.json', ms, () => {
            if (this.end) throw new Error(`hearth serve ended: ${JSON.stringify(this.end)}\n${this.log}`);
            return this.facts();
        });
        await until('ready', ms, () => this.ready());
        return this;
    }

    facts() {
        try {
            const f = JSON.parse(readFileSync(join(this.home, 'run', 'serve.json'), 'utf8'));
            return f.pid === this.child.pid ? f : null;
        } catch { return null; }
    }

    get url() { return this.facts().address; }

    async ready() {
        try { return (await fetch(`${this.url}/ready`)).status === 200; } catch { return false; }
    }

    post(path, body, signal) {
        return fetch(this.url + path, {
            method: 'POST', signal, body: JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
        });
    }

    // Over the Unix socket, where /admin lives.
    admin(method, path, body) {
        return new Promise((done, fail) => {
            const q = http.request({ socketPath: join(this.home, 'run', 'gateway.sock'), method, path,
                headers: { host: 'localhost', 'content-type': 'application/json' } }, (a) => {
                let text = '';
                a.on('data', (d) => { text += d; });
                a.on('end', () => done({ status: a.statusCode, json: text ? JSON.parse(text) : null }));
                a.on('error', fail);
            });
            q.on('error', fail);
            q.end(body ? JSON.stringify(body) : undefined);
        });
    }

    // Our process and everything below it: [{pid, name}].
    processes() { return tree(this.child.pid); }

    async stop(signal = 'SIGTERM') {
        if (!this.child || this.end) return this.end;
        this.child.kill(signal);
        const timer = setTimeout(() => this.child.kill('SIGKILL'), 20000);
        await this.ended;
        clearTimeout(timer);
        return this.end;
    }
}

export function tree(pid) {
    const all = readdirSync('/proc').filter((p) => /^\d+$/.test(p)).flatMap((p) => {
        try {
            const stat = readFileSync(`/proc/${p}/stat`, 'utf8');
            const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
            const args = readFileSync(`/proc/${p}/cmdline`, 'utf8').split('\0');
            return [{ pid: Number(p), parent: Number(rest[1]), state: rest[0],
                name: args[0].endsWith('hearth-runner') ? 'runner' : args[1] ?? args[0] }];
        } catch { return []; }
    });
    const found = [];
    const visit = (id, depth) => all.filter((p) => p.parent === id && p.state !== 'Z').forEach((p) => {
        found.push({ ...p, depth });
        visit(p.pid, depth + 1);
    });
    visit(pid, 1);
    return found;
}

export function alive(pid) {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
    } catch { return false; }
}

// Runs `body` with a server of its own and cleans up whatever happens.
export async function withServer(body, { args = [], env = {}, home = newHome() } = {}) {
    const s = new Server(home, args, env);
    try {
        await s.start();
        return await body(s);
    } finally {
        const left = s.child ? s.processes() : [];
        await s.stop();
        for (const p of left) if (alive(p.pid)) process.kill(p.pid, 'SIGKILL');
        rmSync(home, { recursive: true, force: true });
    }
}

export { existsSync, execFileSync };
