// Decode and prefill of our runner against llama.cpp's own llama-bench, on
// models of real shapes with random weights. Both sides: the same file, batch
// sizes, threads, flash attention off, f16 cache, loaded by mmap, one unmeasured
// pass before. Neither counts loading, tokenising or HTTP; ours counts sampling
// and sending the text, theirs has nothing of that kind.
//
// A pass is timed twice: by the side's own clock (wall), and in CPU time of its
// process, read from outside when it says that a pass ended. On a quiet machine both
// tell the same; on a busy one the second still does, when there is one thread.
//
// llama-bench begins each test with an empty cache that is as large as needed, and
// attention costs what the cache holds. So our runner is started twice, with caches
// of the same sizes: the second prompt then takes the place of the first.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { program } from '../tests/system/hearth.mjs';
import { interleave, median, model, ratio, rounds, spread, threads, words } from './lib.mjs';

const PROMPT = Number(process.env.BENCH_PROMPT ?? 512), ANSWER = Number(process.env.BENCH_ANSWER ?? 64);
const REPEAT = Number(process.env.BENCH_REPEAT ?? 2); // measured passes per process, at least 2
const BATCH = 2048, UBATCH = 512;
const models = (process.env.BENCH_MODELS ?? 'qwen2.5-0.5b/q8_0 qwen2.5-0.5b/q4_k_m qwen2.5-1.5b/q4_k_m')
    .split(' ').map((m) => m.split('/'));
const runner = join(dirname(program), 'hearth-runner'), driver = join(dirname(program), 'runner_drive');

let seed = 1;

// Seconds that the process's main thread has computed; 0 when it is gone.
function cpu(pid) {
    try { return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9; } catch { return 0; }
}

const childOf = (pid) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);

// Runs to the end; `line(text, pid)` sees each line of `from` as it comes.
function follow(argv, from, line, input = '') {
    return new Promise((done, fail) => {
        const p = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', from === 'stderr' ? 'pipe' : 'inherit'] });
        let out = '';
        if (from === 'stderr') p.stdout.on('data', (d) => { out += d; });
        createInterface({ input: p[from] }).on('line', (l) => line(l, p.pid));
        p.on('close', (code) => (code ? fail(new Error(`${argv.join(' ')}: ${code}\n${out}`)) : done(out)));
        p.stdin.end(input);
    });
}

const steps = (marks) => median(marks.slice(1).map((m, i) => m - marks[i]));

// Its line "... run i/n" comes before the pass, so n passes have n-1 measured CPU times.
async function theirs(file) {
    const marks = { prompt: [], generation: [] };
    const out = JSON.parse(await follow([process.env.LLAMA_BENCH, '-m', file, '-p', String(PROMPT), '-n', String(ANSWER), '-r', String(REPEAT),
        '-t', String(threads), '-b', String(BATCH), '-ub', String(UBATCH), '-fa', 'off', '-ctk', 'f16', '-ctv', 'f16',
        '-lm', 'mmap', '-o', 'json', '--progress'], 'stderr', (l, pid) => {
        const what = /: (prompt|generation) run \d+\/\d+/.exec(l);
        if (what) marks[what[1]].push(cpu(pid));
    }));
    const speed = (test) => median(test.samples_ts);
    return { prefill: { wall: speed(out.find((t) => t.n_prompt)), cpu: PROMPT / steps(marks.prompt) },
        decode: { wall: speed(out.find((t) => t.n_gen)), cpu: ANSWER / steps(marks.generation) } };
}

// One unmeasured request and then REPEAT like it, in a runner of its own.
async function drive(file, ctx, request) {
    const script = Array.from({ length: REPEAT + 1 }, () => [{ op: 'generate', temperature: 0, ignore_eos: true, ...request() }, { op: 'wait' }]);
    const done = [], marks = [];
    await follow([driver, '--runner', runner, '--model', file, '--ctx', String(ctx), '--seq', '8', '--batch', String(BATCH),
        '--ubatch', String(UBATCH), '--threads', String(threads)], 'stdout', (l, pid) => {
        const m = JSON.parse(l);
        if (m.fail || (m.choices && m.choices[0].finish !== 'length')) throw new Error(l);
        if (!m.choices) return;
        done.push(m.choices[0]);
        marks.push(cpu(childOf(pid)));
    }, JSON.stringify(script.flat()));
    return { done: done.slice(1), cpu: steps(marks) };
}

async function ours(file) {
    const read = await drive(file, PROMPT + 16, () => ({ prompt: words(PROMPT, seed++), max_tokens: 1 }));
    // A prompt of one token costs as much as a token of the answer.
    const written = await drive(file, Math.max(256, ANSWER + 32), () => ({ prompt: words(1, seed++), max_tokens: ANSWER + 1 }));
    const fresh = (c) => c.prompt_tokens - c.cached_tokens;
    return {
        prefill: { wall: median(read.done.map((c) => fresh(c) * 1e6 / c.prefill_us)), cpu: fresh(read.done[0]) / read.cpu },
        decode: { wall: median(written.done.map((c) => (c.completion_tokens - 1) * 1e6 / c.decode_us)), cpu: (ANSWER + 1) / written.cpu },
    };
}

export default async function measure() {
    const rows = [];
    for (const [shape, type] of models) {
        const file = model(shape, type);
        const r = await interleave({ theirs: () => theirs(file), ours: () => ours(file) }, { warm: false });
        for (const what of ['decode', 'prefill']) {
            const of = (who, clock) => r[who].map((x) => x[what][clock]);
            const cell = (clock) => `**${ratio(of('ours', clock), of('theirs', clock)).toFixed(3)}** | ` +
                `${spread(of('ours', clock).map((x, i) => x / of('theirs', clock)[i]))}`;
            rows.push(`| ${shape} ${type.toUpperCase()} | ${what} | ${median(of('theirs', 'wall')).toFixed(1)} | ${median(of('ours', 'wall')).toFixed(1)} | ` +
                `${cell('wall')} | ${threads === 1 ? cell('cpu') : '- | -'} |`);
            console.error(rows.at(-1));
        }
    }
    return `prompt ${PROMPT} tokens, answer ${ANSWER}; ${rounds} rounds of ${REPEAT} passes; goals: decode 0.98, prefill 0.97\n\n` +
        '| model | what | llama-bench, tokens/s | runner, tokens/s | ratio by the clock | range | ratio by CPU time | range |\n' +
        `|---|---|---|---|---|---|---|---|\n${rows.join('\n')}`;
}
