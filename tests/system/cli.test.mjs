// The command line without a server: help, mistakes, completion, references.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hearth, newHome, root } from './hearth.mjs';

const home = newHome();
test.after(() => rmSync(home, { recursive: true, force: true }));

const commands = readFileSync(join(root, 'src/cmd/commands.def'), 'utf8');
const names = [...commands.matchAll(/^COMMAND\(\w+, "(\w+)", "[^"]*", (\w+)/gm)]
    .filter(([, , group]) => group !== 'HIDDEN').map(([, name]) => name);

test('help lists every command and exits with 0', async () => {
    const r = await hearth(home, ['help']);
    assert.equal(r.code, 0);
    for (const name of names) assert.match(r.out, new RegExp(`^  ${name} `, 'm'));
});

test('every command explains itself with --help', async () => {
    for (const name of names) {
        const r = await hearth(home, [name, '--help']);
        assert.equal(r.code, 0, name);
        assert.match(r.out, new RegExp(`^hearth ${name} - `), name);
        assert.match(r.out, /--json/, name);
    }
});

test('no command at all shows the overview', async () => {
    const r = await hearth(home, []);
    assert.equal(r.code, 0);
    assert.match(r.out, /Usage: hearth COMMAND/);
});

test('a mistyped command is answered with the one that was meant', async () => {
    const r = await hearth(home, ['sreve']);
    assert.equal(r.code, 64);
    assert.match(r.err, /did you mean `hearth serve`/);
    assert.equal(r.out, '');
});

test('an unknown option names the help that lists the known ones', async () => {
    const r = await hearth(home, ['ask', '--tset', 'x']);
    assert.equal(r.code, 64);
    assert.match(r.err, /unknown option --tset; see `hearth ask --help`/);
});

test('an option without its value, or with a bad number, is refused', async () => {
    assert.match((await hearth(home, ['ask', '--tests'])).err, /--tests needs a value: FILE/);
    assert.match((await hearth(home, ['tasks', '--limit', 'many'])).err, /--limit needs a number, not 'many'/);
    assert.match((await hearth(home, ['ask', '--quiet=1'])).err, /--quiet takes no value/);
});

test('completion scripts are valid and know the commands', async () => {
    for (const shell of ['bash', 'zsh']) {
        const r = await hearth(home, ['completion', shell]);
        assert.equal(r.code, 0);
        assert.match(r.out, /council/);
        if (shell === 'bash') {
            const words = spawnSync('bash', ['-c', `${r.out}
COMP_WORDS=(hearth ask --te); COMP_CWORD=2; _hearth; printf '%s ' "\${COMPREPLY[@]}"`], { encoding: 'utf8' });
            assert.equal(words.status, 0, words.stderr);
            assert.equal(words.stdout.trim(), '--test --tests');
        }
    }
    assert.equal((await hearth(home, ['completion', 'fish'])).code, 64);
});

test('version and config answer in JSON too', async () => {
    const version = JSON.parse((await hearth(home, ['version', '--json'])).out);
    assert.equal(version.version, readFileSync(join(root, 'VERSION'), 'utf8').trim());
    const config = JSON.parse((await hearth(home, ['config', 'show', '--json'])).out);
    assert.deepEqual(config['server.listen'], { value: '127.0.0.1:8420', source: 'default' });
});

test('a wrong configuration file is explained with line and column', async () => {
    const file = join(home, 'wrong.yaml');
    writeFileSync(file, 'server:\n  listne: 127.0.0.1:1\n');
    const r = await hearth(home, ['config', 'check', file]);
    assert.equal(r.code, 78);
    assert.match(r.err, /wrong\.yaml:2:\d+.*server\.listne.*server\.listen/);
});

test('every option refuses a value of the wrong type, by name', async () => {
    const all = JSON.parse((await hearth(home, ['config', 'show', '--json'])).out);
    for (const name of Object.keys(all)) {
        const r = await hearth(home, ['config', 'check', '--set', `${name}=\u0001\u0002`]);
        assert.equal(r.code, 78, `${name}: ${r.out}${r.err}`);
        assert.ok(r.err.includes(name), `${name}: ${r.err}`);
    }
});

test('commands that need a server say how to start one', async () => {
    for (const args of [['models'], ['tasks'], ['chat', 'hi'], ['ask', 'x'], ['council', 'x']]) {
        const r = await hearth(home, args);
        assert.equal(r.code, 74, args.join(' '));
        assert.match(r.err, /start it with `hearth serve`/, args.join(' '));
    }
    const status = await hearth(home, ['status', '--json']);
    assert.deepEqual(JSON.parse(status.out), { running: false });
    assert.equal(status.code, 1);
});

test('closed standard output is an error, not a crash', () => {
    const r = spawnSync('bash', ['-c', '"$0" help --all | head -c 1 > /dev/null; echo "${PIPESTATUS[0]}"',
        process.env.HEARTH ?? join(root, 'build/release/hearth')],
    { encoding: 'utf8', env: { ...process.env, HEARTH_HOME: home } });
    assert.ok(['0', '74'].includes(r.stdout.trim()), r.stdout + r.stderr);
});
