// From a request to its first token: with the model loaded, with its file in the
// system's cache or only on disk, and when another model has to leave first; and
// from the start of the program to being ready.
import { join } from 'node:path';
import { newHome, Server } from '../tests/system/hearth.mjs';
import { clean, interleave, median, model, run, spread, threads, timed, words } from './lib.mjs';

let seed = 5000;

// Seconds to the first content of a stream.
async function firstToken(url, id) {
    const { seconds } = await timed(async () => {
        const a = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ model: id, stream: true, max_tokens: 2, messages: [{ role: 'user', content: words(20, seed++) }] }) });
        if (a.status !== 200) throw new Error(await a.text());
        const reader = a.body.getReader();
        let text = '';
        while (!/"content":"[^"]/.test(text)) {
            const { done, value } = await reader.read();
            if (done) throw new Error(`no content: ${text.slice(0, 400)}`);
            text += Buffer.from(value).toString();
        }
        await reader.cancel();
    });
    return seconds;
}

// A start of its own: [seconds to ready, seconds to the first token].
async function start(args) {
    const home = newHome(), server = new Server(home, args);
    try {
        const ready = await timed(() => server.start());
        return [ready.seconds, ready.seconds + await firstToken(server.url, 'tiny-1m')];
    } finally {
        await server.stop();
        clean(home);
    }
}

// The system forgets what it cached of this file.
const forget = (file) => run(['/usr/bin/python3', '-c',
    'import os,sys; f=os.open(sys.argv[1],os.O_RDONLY); os.fdatasync(f); os.posix_fadvise(f,0,0,os.POSIX_FADV_DONTNEED)', file]);

export default async function measure() {
    const files = { a: model('qwen2.5-0.5b', 'q8_0'), b: model('qwen2.5-0.5b', 'q4_k_m') };
    const a = 'qwen2.5-0.5b-q8_0', b = 'qwen2.5-0.5b-q4_k_m', home = newHome();
    const args = ['--set', `serving.threads=${threads}`];
    const hearth = await new Server(home, [...args, '--set', `storage.models=${join(files.a, '..')}`, '--set', 'serving.context=4096']).start();
    const unload = (id) => hearth.admin('POST', `/admin/models/${id}/unload`);
    const ask = (id) => firstToken(hearth.url, id);
    const starts = [];
    try {
        const r = await interleave({
            'tiny-1m, not loaded': async () => { await unload('tiny-1m'); return ask('tiny-1m'); },
            'tiny-1m, loaded': async () => { await ask('tiny-1m'); return ask('tiny-1m'); },
            '0.5B Q8_0, not loaded, its file only on disk': async () => { await unload(a); forget(files.a); return ask(a); },
            '0.5B Q8_0, not loaded, its file in the cache': async () => { await unload(a); return ask(a); },
            '0.5B Q8_0, loaded': async () => { await ask(a); return ask(a); },
            'swap: 0.5B Q8_0 leaves, 0.5B Q4_K_M comes': async () => {
                await unload(b);
                await ask(a);
                return (await timed(async () => { await unload(a); await ask(b); })).seconds;
            },
            start: async () => { starts.push(await start(args)); return 0; },
        }, { warm: false });
        delete r.start;
        const row = (what, v) => `| ${what} | ${median(v).toFixed(3)} | ${spread(v)} |`;
        return `| what | s | range |\n|---|---|---|\n${[row('\`hearth serve\`: start to ready', starts.map((s) => s[0])),
            row('\`hearth serve\`: start to the first token of tiny-1m', starts.map((s) => s[1])),
            ...Object.entries(r).map(([k, v]) => row(`first token: ${k}`, v))].join('\n')}`;
    } finally {
        await hearth.stop();
        clean(home);
    }
}
