// A running hearth: start, stop, and what must not go wrong around it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { alive, hearth, newHome, Server, sleep, until, withServer } from './hearth.mjs';

test('serve starts, answers, and stops in order on SIGTERM', async (t) => {
    const home = newHome();
    const s = await new Server(home).start();
    t.after(() => s.stop()); // also when an assertion below fails
    assert.equal((await fetch(`${s.url}/health`)).status, 200);
    const below = s.processes();
    assert.deepEqual(below.filter((p) => p.depth === 1).map((p) => p.name).sort(), ['gateway', 'orchestrator']);
    const end = await s.stop();
    assert.equal(end.code, 0, s.log);
    assert.deepEqual(below.filter((p) => alive(p.pid)), []);
    assert.equal(s.facts(), null, 'serve.json is gone');
    rmSync(home, { recursive: true });
});

test('a second serve on the same home names the pid that holds it', async () => {
    await withServer(async (s) => {
        const r = await hearth(s.home, ['serve', '--set', 'server.listen=127.0.0.1:0']);
        assert.notEqual(r.code, 0);
        assert.ok(r.err.includes(String(s.child.pid)), r.err);
        assert.ok(await s.ready(), 'the first one goes on');
    });
});

test('a port that is taken is a clear error', async () => {
    const blocker = net.createServer().listen(0, '127.0.0.1');
    await new Promise((done) => blocker.on('listening', done));
    const { port } = blocker.address();
    const home = newHome();
    const r = await hearth(home, ['serve', '--set', `server.listen=127.0.0.1:${port}`]);
    blocker.close();
    assert.notEqual(r.code, 0);
    assert.match(r.err, new RegExp(`127\\.0\\.0\\.1 port ${port}`));
    assert.equal(r.err.match(/cannot listen/g).length, 1, 'said once');
    assert.match(r.err, /in use/i);
    rmSync(home, { recursive: true });
});

test('a home that cannot be written is a clear error', async () => {
    const home = newHome();
    const file = join(home, 'in-the-way');
    writeFileSync(file, '');
    const r = await hearth(join(file, 'home'), ['serve']);
    assert.notEqual(r.code, 0);
    assert.ok(r.err.includes(file), r.err);
    if (process.getuid() !== 0) {
        mkdirSync(join(home, 'ro'));
        chmodSync(join(home, 'ro'), 0o500);
        const q = await hearth(join(home, 'ro', 'home'), ['serve']);
        assert.notEqual(q.code, 0);
        assert.match(q.err, /permission|read-only/i);
    }
    rmSync(home, { recursive: true });
});

test('a listener outside loopback is refused while there are no keys', async () => {
    const home = newHome();
    const r = await hearth(home, ['serve', '--set', 'server.listen=0.0.0.0:0']);
    assert.equal(r.code, 78);
    assert.match(r.err, /server\.listen|loopback/);
    rmSync(home, { recursive: true });
});

test('killing the supervisor leaves no process behind', async () => {
    const home = newHome();
    const s = await new Server(home).start();
    await s.post('/v1/chat/completions', { model: 'tiny-1m', max_tokens: 2, messages: [{ role: 'user', content: 'hello' }] });
    const below = s.processes();
    assert.ok(below.some((p) => p.name === 'runner'));
    s.child.kill('SIGKILL');
    await until('orphans to end', 3000, () => below.every((p) => !alive(p.pid)));
    const again = await new Server(home).start();
    assert.ok(await again.ready(), 'and the next start works');
    await again.stop();
    rmSync(home, { recursive: true });
});

test('each process may be killed: service is back and nothing is lost', async () => {
    const rounds = Number(process.env.HEARTH_KILLS ?? 4);
    await withServer(async (s) => {
        const ask = () => s.post('/v1/chat/completions', { model: 'tiny-1m', max_tokens: 4, temperature: 0,
            messages: [{ role: 'user', content: 'Write a Python function add(a, b) that returns a + b' }] });
        const first = await (await ask()).json();
        for (let i = 0; i < rounds; i++)
            for (const name of ['runner', 'gateway', 'orchestrator']) {
                const victim = s.processes().find((p) => p.name === name);
                if (!victim) continue;
                process.kill(victim.pid, 'SIGKILL');
                await until(`service after ${name} died`, 5000, async () => {
                    try {
                        const a = await ask();
                        if (a.status !== 200) return false;
                        const { choices } = await a.json();
                        assert.equal(choices[0].message.content, first.choices[0].message.content);
                        return (await s.ready());
                    } catch (e) { if (e.code === 'ERR_ASSERTION') throw e; return false; }
                });
                await until('the others', 5000, () =>
                    ['gateway', 'orchestrator'].every((n) => s.processes().some((p) => p.name === n)));
                assert.ok(!alive(victim.pid));
            }
        assert.ok(s.processes().filter((p) => p.name === 'runner').length <= 1, 'no orphaned runner');
    });
});

test('a sandbox that loses its orchestrator is ended', async () => {
    await withServer(async (s) => {
        const slow = 'import time\ntime.sleep(60)\nassert add_two(1, 2) == 3';
        s.post('/v1/tasks', { prompt: 'Write a Python function add_two(a, b) that returns a + b', tests: slow }).catch(() => {});
        const sandboxes = () => s.processes().filter((p) => /bwrap|python|prlimit/.test(p.name) || p.depth > 1);
        await until('the check to run', 15000, () => sandboxes().length > 0);
        const running = sandboxes().map((p) => p.pid);
        process.kill(s.processes().find((p) => p.name === 'orchestrator').pid, 'SIGKILL');
        await until('its sandbox to end', 5000, () => running.every((pid) => !alive(pid)));
    });
});

test('a drain lets the running answer finish', async () => {
    const home = newHome();
    const s = await new Server(home).start();
    const a = await s.post('/v1/chat/completions', { model: 'tiny-1m', stream: true, max_tokens: 200, ignore_eos: true,
        messages: [{ role: 'user', content: 'hello' }] });
    assert.equal(a.status, 200);
    const stopped = s.stop();
    const text = await a.text();
    assert.match(text, /data: \[DONE\]/);
    assert.equal((await stopped).code, 0);
    await sleep(10);
    rmSync(home, { recursive: true });
});

test('serve.json says where, and status agrees', async () => {
    await withServer(async (s) => {
        const r = await hearth(s.home, ['status']);
        assert.equal(r.code, 0, r.err);
        assert.ok(r.out.includes(s.url), r.out);
        assert.ok(r.out.includes(String(s.child.pid)));
        const lives = readFileSync(join(s.home, 'log', 'lives.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
        assert.ok(lives.length >= 2);
    });
});
