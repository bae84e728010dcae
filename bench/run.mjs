// Runs the parts and writes RESULTS.md: the table that was measured, nothing else.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { machine, root, rounds, threads } from './lib.mjs';

const parts = ['engine', 'council', 'latency', 'gateway', 'load', 'memory'];
const wanted = process.argv.slice(2).length ? process.argv.slice(2) : parts;
const file = join(root, 'bench', 'RESULTS.md');

// A part that is not run today keeps the section that it wrote last.
function sections() {
    try {
        const text = readFileSync(file, 'utf8');
        return Object.fromEntries([...text.matchAll(/^## (\w+)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)]
            .map(([, name, body]) => [name, body.trim()]));
    } catch { return {}; }
}

// Written after each part: what was measured stays when a later part fails.
function write(name, body) {
    const kept = { ...sections(), [name]: body };
    const text = `# What was measured

Written by \`make bench\`, on the machine named under each table. Medians of
interleaved rounds; a ratio is taken inside each round, then the median of those. Such
machines are shared and noisy: trust the ratios before the absolute figures. A load
average above 1 means that others were computing too. How each figure is taken
stands at the top of the part's script.

${parts.filter((p) => kept[p]).map((p) => `## ${p}\n\n${kept[p]}\n`).join('\n')}`;
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
}

for (const name of parts) {
    if (!wanted.includes(name)) continue;
    console.log(`\n## ${name}`);
    const { default: measure } = await import(`./${name}.mjs`);
    const load = os.loadavg()[0].toFixed(1), start = Date.now();
    const body = `${await measure()}\n\n${new Date().toISOString().slice(0, 10)}: ${machine()}; BENCH_THREADS=${threads} ` +
        `BENCH_ROUNDS=${rounds}; took ${Math.round((Date.now() - start) / 1000)} s; load average before it ${load}.`;
    console.log(body);
    write(name, body);
}
