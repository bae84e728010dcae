// What the gateway adds to a request that it passes on, against nginx as a
// proxy of the same upstream (an nginx that answers from memory on a Unix
// socket). wrk measures; added = p50 through the proxy - p50 of the upstream. One
// connection shows what a request waits; with eight, they wait for each other too:
// all four processes share the machine, and the p50 is eight times the work of one.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newHome, Server, tree } from '../tests/system/hearth.mjs';
import { clean, cpuSeconds, interleave, median, post, process_, run, scratch, until } from './lib.mjs';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(60) } }] })}\n\n`;
const port = 20000 + Math.floor(Math.random() * 20000);

function nginx(dir, name, server) {
    mkdirSync(join(dir, name), { recursive: true });
    const conf = join(dir, `${name}.conf`);
    writeFileSync(conf, `${process.getuid() === 0 ? 'user root; ' : ''}worker_processes 1; daemon off; pid ${dir}/${name}.pid; error_log stderr error;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path ${dir}/${name}; proxy_temp_path ${dir}/${name};
fastcgi_temp_path ${dir}/${name}; uwsgi_temp_path ${dir}/${name}; scgi_temp_path ${dir}/${name};
keepalive_requests 10000000; ${server} }`);
    return process_(['nginx', '-c', conf, '-p', dir], {});
}

function wrk(dir, target, path, connections, bytes = 1024) {
    const script = join(dir, `post-${bytes}.lua`);
    writeFileSync(script, `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n` +
        `wrk.body = '{"prompt":"${'a'.repeat(bytes - 13)}"}'\n` +
        `done = function(s, l, r) io.write(string.format("RESULT %.1f %.1f %d %d\\n", l:percentile(50), l:percentile(99), s.requests * 1000000 / s.duration, s.errors.status + s.errors.read + s.errors.connect))\nend\n`);
    const out = run(['wrk', '-t1', `-c${connections}`, `-d${SECONDS}s`, '-s', script, `${target}${path}`]);
    const [, p50, p99, rps, errors] = /RESULT (\S+) (\S+) (\d+) (\d+)/.exec(out);
    if (Number(errors)) throw new Error(`wrk saw ${errors} errors\n${out}`);
    return { p50: Number(p50), p99: Number(p99), rps: Number(rps), count: Number(rps) * SECONDS };
}

export default async function measure() {
    const dir = scratch(), home = newHome();
    const socket = join(home, 'run', 'orchestrator.sock');
    const hearth = await new Server(home, ['--set', 'log.access=off']).start();
    renameSync(socket, `${socket}.real`); // the relay now reaches our upstream
    const answer = (type, text) => `default_type ${type}; return 200 '${text}';`;
    const upstream = nginx(dir, 'up', `server { listen unix:${socket}; listen 127.0.0.1:${port};
        location /v1/tasks { ${answer('application/json', `{"x":"${'y'.repeat(1000)}"}`)} }
        set $event '${event}'; ssi on; ssi_types text/event-stream; # chunked, as a stream is
        location /v1/reviews { ${answer('text/event-stream', '$event'.repeat(50))} } }`);
    const proxy = nginx(dir, 'proxy', `upstream u { server unix:${socket}; keepalive 64; }
        server { listen 127.0.0.1:${port + 1}; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }`);
    try {
        await until('nginx', 5000, async () => { try { return (await fetch(`http://127.0.0.1:${port + 1}/v1/tasks`)).status === 200; } catch { return false; } });
        const check = await post(`${hearth.url}/v1/tasks`, { prompt: 'a' });
        if (!check.text.startsWith('{"x":')) throw new Error(`not our upstream: ${check.text.slice(0, 200)}\n${upstream.log()}${proxy.log()}`);
        const rows = [], gateway = hearth.processes().find((p) => p.name === 'gateway').pid, worker = tree(proxy.pid)[0].pid;
        for (const [what, path, connections] of [['1 KB answer', '/v1/tasks', 1], ['1 KB answer', '/v1/tasks', 8], ['SSE, 50 events', '/v1/reviews/x', 1], ['SSE, 50 events', '/v1/reviews/x', 8]]) {
            const to = (target, pid) => () => {
                const before = pid ? cpuSeconds(pid) : 0, r = wrk(dir, target, path, connections);
                return { ...r, cpu: pid ? (cpuSeconds(pid) - before) * 1e6 / r.count : 0 };
            };
            const r = await interleave({ upstream: to(`http://127.0.0.1:${port}`), nginx: to(`http://127.0.0.1:${port + 1}`, worker),
                hearth: to(hearth.url, gateway) }, { warm: false });
            const col = (k, f) => median(r[k].map((x) => x[f])).toFixed(0);
            const added = (k) => median(r[k].map((x, i) => x.p50 - r.upstream[i].p50)).toFixed(0);
            rows.push(`| ${what} | ${connections} | ${col('upstream', 'p50')} | ${added('nginx')} | **${added('hearth')}** | ` +
                `${col('nginx', 'cpu')} | ${col('hearth', 'cpu')} | ${col('nginx', 'rps')} | ${col('hearth', 'rps')} |`);
        }
        return `| POST of 1 KB | connections | upstream p50, us | nginx adds, us | hearth adds, us | nginx, CPU us each | hearth, CPU us each | nginx, requests/s | hearth, requests/s |\n|---|---|---|---|---|---|---|---|---|\n${rows.join('\n')}`;
    } finally {
        await proxy.stop(); await upstream.stop(); await hearth.stop();
        clean(dir); clean(home);
    }
}
