// A real runner on the tiny model, without a gateway: what is promised of
// cancelling, sharing, pausing and ending.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, drive } from './runner_drive.mjs';

const user = (content) => ({ messages: [{ role: 'user', content }] });
const long = Array.from({ length: 120 }, (_, i) => `word${i}`).join(' ');

test('a chat is answered and the runner ends cleanly', async () => {
    const run = await drive([{ op: 'generate', chat: user('Add two numbers.'), max_tokens: 40 }],
        ['--probe']);
    const [choice] = answers(run)[1].choices;
    assert.ok(choice.text.length > 0);
    assert.ok(choice.completion_tokens > 0 && choice.completion_tokens <= 40);
    const need = run.lines.find((l) => l.message === 'NEED');
    const ready = run.lines.find((l) => l.message === 'READY');
    assert.equal(need.kv_bytes, ready.kv_bytes);
    assert.equal(run.lines.at(-1).exit, 'exit 0');
});

test('the same request twice computes its prompt once', async () => {
    const ask = { op: 'generate', chat: user(long), max_tokens: 5 };
    const run = await drive([ask, { op: 'wait' }, ask]);
    const a = answers(run);
    assert.equal(a[1].choices[0].cached_tokens, 0);
    assert.equal(a[2].choices[0].cached_tokens, a[2].choices[0].prompt_tokens - 1);
    assert.equal(a[2].choices[0].text, a[1].choices[0].text);
});

test('six requests at once with one beginning compute it once', async () => {
    const script = [1, 2, 3, 4, 5, 6].map((i) => ({
        op: 'generate', max_tokens: 4,
        chat: { messages: [{ role: 'system', content: long }, { role: 'user', content: `agent ${i}` }] },
    }));
    const run = await drive([...script, { op: 'wait' }, { op: 'status' }]);
    const stats = run.lines.find((l) => l.message === 'STATS');
    assert.ok(stats.cached_tokens > 0.7 * stats.prompt_tokens, JSON.stringify(stats));
});

test('cancel ends a request and nothing else', async () => {
    const run = await drive([
        { op: 'generate', prompt: 'x', ignore_eos: true },
        { op: 'generate', prompt: 'y', max_tokens: 30, ignore_eos: true },
        { op: 'sleep', ms: 20 }, { op: 'cancel', req: 1 },
    ]);
    const a = answers(run);
    assert.ok(['cancelled', 'length'].includes(a[1].choices[0].finish));
    assert.equal(a[2].choices[0].completion_tokens, 30);
});

test('a paused request goes on where it was', async () => {
    const ask = { op: 'generate', prompt: 'def f(', max_tokens: 60, ignore_eos: true };
    const whole = answers(await drive([ask]))[1].choices[0].text;
    const run = await drive([ask, { op: 'pause', req: 1 }, { op: 'sleep', ms: 50 }, { op: 'status' },
        { op: 'resume', req: 1 }]);
    assert.equal(answers(run)[1].choices[0].text, whole);
});

test('a context too small for all is enough for one after the other', async () => {
    const script = Array.from({ length: 8 }, (_, i) => ({
        op: 'generate', prompt: `${i} ${long.slice(0, 300)}`, max_tokens: 60, ignore_eos: true,
    }));
    const small = answers(await drive(script, ['--ctx', '512']));
    for (let i = 1; i <= 8; i++)
        assert.equal(small[i].choices[0].completion_tokens, 60);
});

test('a prompt over the context is refused with the numbers', async () => {
    const run = await drive([{ op: 'generate', prompt: long.repeat(20) }]);
    const fail = answers(run)[1];
    assert.equal(fail.fail, 'CONTEXT');
    assert.ok(fail.n_prompt > fail.n_ctx && fail.n_ctx > 0);
});

test('a model that does not exist is a reason, then an end', async () => {
    const run = await drive([], [], { model: '/no/such/model.gguf' });
    assert.equal(run.lines.find((l) => l.fail).fail, 'NOTFOUND');
    assert.match(run.lines.at(-1).exit, /^exit [1-9]/);
});
