// Six agents on one question: a prefix of about 1,500 tokens, six suffixes of
// about 40, 96 tokens each. Ours: branches of one request. Theirs: llama-server
// with the same six prompts, in every way of asking that we know of; its best
// counts. Every round uses new words, so that no cache from before helps.
import { join } from 'node:path';
import { newHome, Server } from '../tests/system/hearth.mjs';
import { clean, cpuSeconds, interleave, median, model, post, process_, ratio, rounds, threads, timed, words } from './lib.mjs';

const PREFIX = Number(process.env.BENCH_PREFIX ?? 1480), TOKENS = Number(process.env.BENCH_TOKENS ?? 96), SUFFIX = 38, AGENTS = 6;
const shape = process.env.BENCH_SHAPE ?? 'qwen2.5-0.5b';
const type = process.env.BENCH_TYPE ?? 'q8_0';
let seed = 1000;

const prompts = () => {
    const prefix = words(PREFIX, seed++);
    return { prefix, suffixes: Array.from({ length: AGENTS }, () => words(SUFFIX, seed++)) };
};
const byHand = 'llama-server, by hand: prefix read, slot saved to a file and restored five times, six at once';
const user = (content) => ({ role: 'user', content });
const common = { max_tokens: TOKENS, temperature: 0, ignore_eos: true };

function written(answer, wanted) {
    if (answer.status !== 200) throw new Error(answer.text.slice(0, 400));
    const n = JSON.parse(answer.text).usage.completion_tokens;
    if (n !== wanted) throw new Error(`${n} tokens instead of ${wanted}: ${answer.text.slice(0, 300)}`);
}

export default async function measure() {
    const file = model(shape, type), home = newHome();
    const hearth = await new Server(home, ['--set', 'serving.shipped=off', '--set', `storage.models=${join(file, '..')}`,
        '--set', 'serving.context=12288', '--set', `serving.threads=${threads}`]).start();
    const id = `${shape}-${type}`;
    const ask = async (branches, prefix) => written(await post(`${hearth.url}/v1/chat/completions`,
        { model: id, messages: [user(prefix)], branches: branches.map((s) => [user(s)]), ...common }), TOKENS * branches.length);
    const base = 20000 + Math.floor(Math.random() * 20000);
    const servers = {};
    const start = async (name, i, flags) => {
        const p = process_([process.env.LLAMA_SERVER, '-m', file, '--host', '127.0.0.1', '--port', String(base + i),
            '-t', String(threads), '-tb', String(threads), '--no-webui', ...flags],
        { ready: async () => { try { return (await fetch(`http://127.0.0.1:${base + i}/health`)).status === 200; } catch { return false; } } });
        await p.ready();
        servers[name] = { p, url: `http://127.0.0.1:${base + i}/v1/chat/completions` };
    };
    try {
        const total = String((PREFIX + SUFFIX + TOKENS + 200) * AGENTS);
        await start('slots', 0, ['-np', '6', '-c', total, '-fa', 'off', '--slot-save-path', home]);
        await start('unified', 1, ['-np', '6', '-c', total, '-fa', 'off', '-kvu']);
        await start('one', 2, ['-np', '1', '-c', '4096', '-fa', 'off']);
        const theirs = async (name, prefix, suffix, slot = -1) => written(await post(servers[name].url,
            { messages: [user(prefix), user(suffix)], cache_prompt: true, id_slot: slot, ...common }), TOKENS);
        const six = (name, p) => Promise.all(p.suffixes.map((s) => theirs(name, p.prefix, s)));
        const slot = async (i, action) => { const a = await post(`${servers.slots.url.replace('/v1/chat/completions', '')}/slots/${i}?action=${action}`, { filename: 'prefix' }); if (a.status !== 200) throw new Error(a.text); };
        const prime = (name, p) => post(servers[name].url, { messages: [user(p.prefix), user(p.suffixes[0])], max_tokens: 1, cache_prompt: true, id_slot: 0 });
        const cost = (pids, f) => async () => {
            const computed = () => pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
            const before = computed(), { seconds } = await timed(f);
            return { wall: seconds, cpu: computed() - before };
        };
        const us = (f) => cost(() => hearth.processes().map((p) => p.pid), f);
        const them = (name, f) => cost(() => [servers[name].p.pid], f);
        await ask([words(SUFFIX, 1)], words(50, 2)); // load
        // All of them once; then again ours and whoever of the others was best.
        const all = {
            one: us(() => { const p = prompts(); return ask(p.suffixes.slice(0, 1), p.prefix); }),
            six: us(() => { const p = prompts(); return ask(p.suffixes, p.prefix); }),
            'llama-server, six slots at once': them('slots', () => six('slots', prompts())),
            'llama-server, six slots, unified cache': them('unified', () => six('unified', prompts())),
            'llama-server, six slots, unified cache, prefix read before': them('unified', async () => { const p = prompts(); await prime('unified', p); await six('unified', p); }),
            'llama-server, six slots, prefix read before': them('slots', async () => { const p = prompts(); await prime('slots', p); await six('slots', p); }),
            [byHand]: them('slots', async () => {
                const p = prompts();
                await prime('slots', p);
                await slot(0, 'save');
                for (let i = 1; i < AGENTS; i++) await slot(i, 'restore');
                await Promise.all(p.suffixes.map((s, i) => theirs('slots', p.prefix, s, i)));
            }),
            'llama-server, one slot, one after the other': them('one', async () => { const p = prompts(); for (const s of p.suffixes) await theirs('one', p.prefix, s); }),
            'hearth, six requests one after the other': us(async () => { const p = prompts(); for (const s of p.suffixes) await ask([s], p.prefix); }),
        };
        const wanted = Object.entries(all).filter(([k]) => !/^llama/.test(k) || new RegExp(process.env.BENCH_RIVALS ?? '.').test(k));
        const r = await interleave(Object.fromEntries(wanted), { n: 1, warm: false });
        const rivals = Object.keys(r).filter((k) => k.startsWith('llama-server') && k !== byHand);
        const best = rivals.reduce((a, b) => (r[b][0].cpu < r[a][0].cpu ? b : a));
        const more = rounds > 1 ? await interleave({ one: all.one, six: all.six, [best]: all[best] }, { n: rounds - 1, warm: false }) : {};
        for (const [k, v] of Object.entries(more)) r[k].push(...v);
        const of = (name, clock) => r[name].map((x) => x[clock]);
        const times = (a, b, clock) => ratio(of(a, clock), of(b, clock)).toFixed(2);
        const row = (name, label = name) => `| ${label} | ${median(of(name, 'wall')).toFixed(1)} | ${times(name, 'one', 'wall')} | ${times(name, 'six', 'wall')} | ` +
            `${median(of(name, 'cpu')).toFixed(1)} | ${times(name, 'one', 'cpu')} | ${times(name, 'six', 'cpu')} |`;
        return `${id}, prefix of about ${PREFIX} tokens, ${AGENTS} agents of ${TOKENS} tokens, flash attention off; the CPU time of all threads ` +
            'is what a quiet machine would take with one thread\n\n' +
            '| who | s | of one agent | of our six | CPU s | of one agent | of our six |\n|---|---|---|---|---|---|---|\n' +
            [row('one', 'hearth, one agent'), row('six', 'hearth, six branches'), ...Object.keys(r).slice(2).map((k) => row(k))].join('\n') +
            `\n\nSix branches cost **${times('six', 'one', 'cpu')}** of one agent in CPU time, ${times('six', 'one', 'wall')} by the clock (goal 1.6). ` +
            `llama-server's best (${best.slice(14)}) takes **${times(best, 'six', 'cpu')}** times as much as our six, ${times(best, 'six', 'wall')} by the clock (goal 3).` +
            (r[byHand] ? ` What its slot files make possible by hand takes ${times(byHand, 'six', 'cpu')} times as much.` : '');
    } finally {
        for (const s of Object.values(servers)) await s.p.stop();
        await hearth.stop();
        clean(home);
    }
}
