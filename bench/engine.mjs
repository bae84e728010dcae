// Decode and prefill of our runner against llama.cpp's own llama-bench, on
// models of real shapes with random weights. Both sides: the same file, batch
// sizes, threads, flash attention off, f16 cache, loaded by mmap, one unmeasured
// pass before. Neither counts loading, tokenising or HTTP; ours counts sampling
// and sending the text, theirs has nothing of that kind.
//
// llama-bench begins each test with an empty cache that is as large as needed, and
// attention costs what the cache holds. So our runner is started twice, with caches
// of the same sizes: the second prompt then takes the place of the first.
import { join } from 'node:path';
import { program } from '../tests/system/hearth.mjs';
import { interleave, median, model, ratio, rounds, run, spread, threads, words } from './lib.mjs';

const PROMPT = Number(process.env.BENCH_PROMPT ?? 512), ANSWER = Number(process.env.BENCH_ANSWER ?? 64);
const REPEAT = Number(process.env.BENCH_REPEAT ?? 2); // measured passes per process
const BATCH = 2048, UBATCH = 512;
const models = (process.env.BENCH_MODELS ?? 'qwen2.5-0.5b/q8_0 qwen2.5-0.5b/q4_k_m qwen2.5-1.5b/q4_k_m')
    .split(' ').map((m) => m.split('/'));
const runner = process.env.HEARTH_RUNNER ?? join(program, '..', 'hearth-runner');
const driver = process.env.HEARTH_RUNNER_DRIVE ?? join(program, '..', 'runner_drive');

let seed = 1;

function theirs(file) {
    const out = JSON.parse(run([process.env.LLAMA_BENCH, '-m', file, '-p', String(PROMPT), '-n', String(ANSWER), '-r', String(REPEAT),
        '-t', String(threads), '-b', String(BATCH), '-ub', String(UBATCH), '-fa', 'off', '-ctk', 'f16', '-ctv', 'f16',
        '-lm', 'mmap', '-o', 'json'], { stdio: ['ignore', 'pipe', 'ignore'] }));
    const speed = (test) => median(test.samples_ts);
    return { prefill: speed(out.find((t) => t.n_prompt)), decode: speed(out.find((t) => t.n_gen)) };
}

// Runs requests one after the other in a runner of its own: their answers.
function drive(file, ctx, requests) {
    const script = requests.flatMap((r) => [{ op: 'generate', temperature: 0, ignore_eos: true, ...r }, { op: 'wait' }]);
    const out = run([driver, '--runner', runner, '--model', file, '--ctx', String(ctx), '--seq', '8', '--batch', String(BATCH),
        '--ubatch', String(UBATCH), '--threads', String(threads)], { input: JSON.stringify(script) });
    const done = out.trim().split('\n').map((l) => JSON.parse(l)).filter((m) => m.choices).map((m) => m.choices[0]);
    if (done.length !== requests.length || done.some((c) => c.finish !== 'length'))
        throw new Error(`runner_drive: ${out}`);
    return done;
}

function ours(file) {
    const times = (n, f) => Array.from({ length: n }, f);
    const read = drive(file, PROMPT + 16, times(REPEAT + 1, () => ({ prompt: words(PROMPT, seed++), max_tokens: 1 }))).slice(1);
    const written = drive(file, Math.max(256, ANSWER + 32), [
        { prompt: words(4, seed++), max_tokens: 4 },
        ...times(REPEAT, () => ({ prompt: words(4, seed++), max_tokens: ANSWER + 1 })),
    ]).slice(1);
    return {
        prefill: median(read.map((c) => (c.prompt_tokens - c.cached_tokens) * 1e6 / c.prefill_us)),
        decode: median(written.map((c) => (c.completion_tokens - 1) * 1e6 / c.decode_us)),
    };
}

export default async function measure() {
    const rows = [];
    for (const [shape, type] of models) {
        const file = model(shape, type);
        const r = await interleave({ theirs: () => theirs(file), ours: () => ours(file) }, { warm: false });
        const col = (who, what) => r[who].map((x) => x[what]);
        for (const what of ['decode', 'prefill']) {
            const [a, b] = [col('ours', what), col('theirs', what)];
            rows.push(`| ${shape} ${type.toUpperCase()} | ${what} | ${median(b).toFixed(2)} | ${median(a).toFixed(2)} | ` +
                `**${ratio(a, b).toFixed(3)}** | ${spread(a.map((x, i) => x / b[i]))} |`);
        }
    }
    return `prompt ${PROMPT} tokens, answer ${ANSWER}; ${rounds} rounds of ${REPEAT} passes\n\n` +
        `| model | what | llama-bench, tokens/s | runner, tokens/s | ratio | range of the ratio |\n|---|---|---|---|---|---|\n${rows.join('\n')}`;
}
