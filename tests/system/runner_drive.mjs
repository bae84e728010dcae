// Runs a script of operations against a hearth-runner of its own, without a
// gateway: see tests/tools/runner_drive.c for the operations and the output.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { program, root } from './hearth.mjs';

const beside = dirname(program);
export const tiny = join(root, 'models', 'tiny', 'tiny-1m-q8_0.gguf');

// Resolves to {lines, exit, hung, took_ms}: the JSON lines that were printed
// and how the driver ended. After `limit_ms` it is killed: hung.
export function drive(script, args = [], { model = tiny, limit_ms = 60000, input } = {}) {
    return new Promise((done) => {
        const start = Date.now();
        const child = spawn(join(beside, 'runner_drive'), [
            '--runner', join(beside, 'hearth-runner'), '--model', model, '--log', 'error', ...args,
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
