// Runs a script of operations against a hearth-runner of its own, without a
// gateway: see tests/fake/runner_drive_main.c for the operations and the output.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { program, root } from './hearth.mjs';

const driver = process.env.HEARTH_DRIVE ?? join(root, 'build', 'test', 'tests', 'runner_drive');
export const tiny = join(root, 'models', 'tiny', 'tiny-1m-q8_0.gguf');

// Resolves to {lines, exit, hung, took_ms}: the JSON lines that were printed
// and how the driver ended. After `limit_ms` it is killed: hung.
export function drive(script, args = [], { model = tiny, limit_ms = 60000, input } = {}) {
    return new Promise((done) => {
        const start = Date.now();
        const child = spawn(driver, [
            '--runner', join(dirname(program), 'hearth-runner'), '--model', model, '--log', 'error', ...args,
        ], { stdio: ['pipe', 'pipe', 'ignore'] });
        let out = '', hung = false;
        const timer = setTimeout(() => { hung = true; child.kill('SIGKILL'); }, limit_ms);
        child.stdout.on('data', (d) => { out += d; });
        child.stdin.on('error', () => {});
        child.on('close', (code, signal) => {
            clearTimeout(timer);
            const lines = out.split('\n').filter(Boolean).map((l) => JSON.parse(l));
            done({ lines, code, signal, hung, took_ms: Date.now() - start });
        });
        child.stdin.end(input ?? JSON.stringify(script));
    });
}

// The answers by request number.
export const answers = (run) => Object.fromEntries(
    run.lines.filter((l) => l.req && (l.choices || l.fail)).map((l) => [l.req, l]));

// A copy of the tiny model in `file` with another chat template. The header
// grows by whole alignment units, so the weights stay where they must be.
export function withTemplate(file, template) {
    const old = readFileSync(tiny), key = 'tokenizer.chat_template';
    const at = old.indexOf(key) + key.length + 4; // after the type: u64 length, bytes
    const n = Number(old.readBigUInt64LE(at)), align = 32;
    let text = Buffer.from(template);
    const pad = (((n - text.length) % align) + align) % align;
    text = Buffer.concat([text, Buffer.from('{#' + '-'.repeat(pad + align - 4) + '#}')]);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(file, Buffer.concat([old.subarray(0, at), length, text, old.subarray(at + 8 + n)]));
}
