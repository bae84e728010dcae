// Model files that were damaged or made to hurt. Whatever is in one, loading
// and using it ends in one of three ways, within seconds and without a trace
// outside: it works, the runner says why not, or the runner's process dies.
//   HEARTH_MUTANTS=2000 tests/run mutants      more of them
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { drive, tiny } from './runner_drive.mjs';

const COUNT = Number(process.env.HEARTH_MUTANTS ?? 500);
const LIMIT_MS = 10000;
const script = [{ op: 'generate', prompt: 'def f(x):', max_tokens: 3 },
    { op: 'embed', inputs: ['text'] }];

// The same mutants in every run (mulberry32).
function dice(seed) {
    return (n) => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) % n;
    };
}

// Where the numbers of the metadata are: [offset of the value, its type].
function metadata(file) {
    const sizes = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
    const found = [];
    let at = 24;
    const long = () => { at += 8; return Number(file.readBigUInt64LE(at - 8)); };
    const value = (type, note) => {
        if (type === 8) { at += 8 + Number(file.readBigUInt64LE(at)); return; }
        if (type === 9) {
            const inner = file.readUInt32LE(at);
            found.push([at + 4, 10]);
            at += 4;
            for (let n = long(); n > 0; n--) value(inner, false);
            return;
        }
        if (note) found.push([at, type]);
        at += sizes[type];
    };
    for (let n = Number(file.readBigUInt64LE(16)); n > 0; n--) {
        at += 8 + Number(file.readBigUInt64LE(at));
        found.push([at, 4]);
        at += 4;
        value(file.readUInt32LE(at - 4), true);
    }
    return { found, end: at };
}

const extremes = [0n, 1n, 2n, 7n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0x80000000n,
    0xffffffffn, 0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn];
const reals = [0, -1, 1e-38, 1e38, NaN, Infinity, -Infinity];

function setNumber(file, [at, type], roll) {
    const v = extremes[roll(extremes.length)];
    if (type === 6) file.writeFloatLE(reals[roll(reals.length)], at);
    else if (type === 12) file.writeDoubleLE(reals[roll(reals.length)], at);
    else if (type >= 10) file.writeBigUInt64LE(v, at);
    else if (type === 4 || type === 5) file.writeUInt32LE(Number(v & 0xffffffffn), at);
    else file.writeUInt8(Number(v & 0xffn), at);
}

function mutate(whole, info, i) {
    const roll = dice(i);
    const file = Buffer.from(whole);
    const head = info.end + 4096; // metadata and the list of tensors
    switch (i % 6) {
    case 0: return file.subarray(0, roll(i % 12 ? head : file.length));
    case 1: setNumber(file, info.found[roll(info.found.length)], roll); return file;
    case 2: for (let k = 1 + roll(8); k > 0; k--) file[roll(head)] ^= 1 << roll(8); return file;
    case 3: for (let k = 1 + roll(64); k > 0; k--) file[roll(file.length)] ^= 1 << roll(8); return file;
    case 4: { // a number in the list of tensors: dimensions, types, offsets
        const at = info.end + roll(4000);
        file.writeBigUInt64LE(extremes[roll(extremes.length)], at);
        return file;
    }
    default: { // bytes too many or too few
        const at = roll(head), n = 1 + roll(64);
        return roll(2)
            ? Buffer.concat([file.subarray(0, at), Buffer.alloc(n, roll(256)), file.subarray(at)])
            : Buffer.concat([file.subarray(0, at), file.subarray(at + n)]);
    }
    }
}

async function outcome(file, bytes) {
    writeFileSync(file, bytes);
    const before = createHash('sha256').update(bytes).digest('hex');
    const run = await drive(script, ['--ctx', '256', '--seq', '2'],
        { model: file, limit_ms: LIMIT_MS });
    const after = createHash('sha256').update(readFileSync(file)).digest('hex');
    assert.equal(after, before, 'the model file was changed');
    if (run.hung) return 'hung';
    const end = run.lines.find((l) => l.exit);
    const ready = run.lines.some((l) => l.message === 'READY');
    if (!end) return 'no end';
    if (end.exit !== 'exit 0') return `died (${end.exit})`;
    if (ready) return run.lines.some((l) => l.fail) ? 'loaded, a request failed' : 'loaded';
    const fail = run.lines.find((l) => l.fail);
    return fail && fail.text.length > 10 ? 'refused with a reason' : 'refused without a reason';
}

test(`${COUNT} damaged model files: a reason, an answer or a dead process`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'hearth-mutants-'));
    const whole = readFileSync(tiny), info = metadata(whole), counts = {};
    try {
        let next = 0;
        const worker = async (name) => {
            for (let i = next++; i < COUNT; i = next++) {
                const file = join(dir, name);
                const what = await outcome(file, mutate(whole, info, i));
                counts[what] = (counts[what] ?? 0) + 1;
                assert.ok(!['hung', 'no end', 'refused without a reason'].includes(what),
                    `mutant ${i}: ${what}`);
            }
        };
        await Promise.all([worker('a.gguf'), worker('b.gguf')]);
        assert.deepEqual(readdirSync(dir).sort(), ['a.gguf', 'b.gguf'], 'something else was written');
        assert.ok(counts['refused with a reason'] > COUNT / 4, 'too few mutants were refused');
        console.log(JSON.stringify(counts));
    } finally {
        rmSync(dir, { recursive: true });
    }
});
