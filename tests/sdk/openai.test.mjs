// The official OpenAI client against a running hearth with its tiny models.
// HEARTH_URL says which one; without it a hearth of its own is started
// (build/release/hearth, or $HEARTH), in a fresh home and on a free port.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { newHome, Server } from '../system/hearth.mjs';

const model = process.env.HEARTH_MODEL ?? 'tiny-1m';
const ask = [{ role: 'user', content: 'Write a function add(a, b) that returns the sum of a and b.' }];
let server, home, client;

before(async () => {
    let url = process.env.HEARTH_URL;
    if (!url) {
        home = newHome();
        server = await new Server(home).start();
        url = server.url;
    }
    client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'unused', maxRetries: 0 });
});

after(async () => {
    await server?.stop();
    if (home) rmSync(home, { recursive: true, force: true });
});

const chat = (more = {}, options) =>
    client.chat.completions.create({ model, messages: ask, temperature: 0, max_tokens: 60, ...more }, options);

test('the models are listed and retrieved', async () => {
    const list = await client.models.list();
    const ids = list.data.map((m) => m.id);
    assert.ok(ids.includes('tiny-1m') && ids.includes('tiny-6m'), ids.join());
    const one = await client.models.retrieve('tiny-6m');
    assert.equal(one.object, 'model');
    assert.equal(one.id, 'tiny-6m');
});

test('a chat is answered with code and its usage', async () => {
    const a = await chat();
    assert.equal(a.object, 'chat.completion');
    assert.match(a.choices[0].message.content, /def add/);
    assert.equal(a.choices[0].message.role, 'assistant');
    assert.equal(a.choices[0].finish_reason, 'stop');
    assert.ok(a.usage.prompt_tokens > 10 && a.usage.completion_tokens > 5);
    assert.equal(a.usage.total_tokens, a.usage.prompt_tokens + a.usage.completion_tokens);
    assert.match(a._request_id, /^req_/);
});

test('the same prompt again is taken from the cache', async () => {
    const messages = [{ role: 'user', content: `${ask[0].content} Write only the function, nothing else, please.` }];
    await chat({ messages });
    const a = await chat({ messages });
    assert.ok(a.usage.prompt_tokens_details.cached_tokens > 0, JSON.stringify(a.usage));
});

test('a stream says the same as the whole answer', async () => {
    const whole = await chat();
    const stream = await chat({ stream: true, stream_options: { include_usage: true } });
    let text = '', finish = null, usage = null, roles = 0, ids = new Set();
    for await (const chunk of stream) {
        ids.add(chunk.id);
        assert.equal(chunk.object, 'chat.completion.chunk');
        const c = chunk.choices[0];
        if (!c) { usage = chunk.usage; continue; }
        assert.equal(usage, null);
        assert.equal(chunk.usage, null);
        if (c.delta.role) roles++;
        text += c.delta.content ?? '';
        finish = c.finish_reason ?? finish;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(finish, 'stop');
    assert.equal(roles, 1);
    assert.equal(ids.size, 1);
    assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
});

test('without include_usage no chunk has usage or an empty choices list', async () => {
    for await (const chunk of await chat({ stream: true })) {
        assert.equal(chunk.choices.length, 1);
        assert.equal('usage' in chunk, false);
    }
});

test('the stream helper puts the answer together', async () => {
    const run = client.chat.completions.stream({ model, messages: ask, temperature: 0, max_tokens: 60 });
    const final = await run.finalChatCompletion();
    assert.match(final.choices[0].message.content, /def add/);
});

test('max_tokens ends an answer with "length", a stop text with "stop"', async () => {
    const cut = await chat({ max_tokens: 4 });
    assert.equal(cut.choices[0].finish_reason, 'length');
    assert.equal(cut.usage.completion_tokens, 4);
    const newer = await chat({ max_tokens: undefined, max_completion_tokens: 3 });
    assert.equal(newer.usage.completion_tokens, 3);
    const stopped = await chat({ stop: ['return'] });
    assert.equal(stopped.choices[0].finish_reason, 'stop');
    assert.ok(!stopped.choices[0].message.content.includes('return'));
});

test('several choices, and a seed that repeats them', async () => {
    const dice = { n: 3, temperature: 1.5, seed: 7, max_tokens: 20 };
    const a = await chat(dice);
    const b = await chat(dice);
    assert.deepEqual(a.choices.map((c) => c.index), [0, 1, 2]);
    assert.deepEqual(a.choices.map((c) => c.message.content), b.choices.map((c) => c.message.content));
});

test('log probabilities come beside the tokens', async () => {
    const a = await chat({ logprobs: true, top_logprobs: 2, max_tokens: 5 });
    const entries = a.choices[0].logprobs.content;
    assert.equal(entries.length, 5);
    for (const e of entries) {
        assert.ok(e.logprob <= 0);
        assert.equal(e.top_logprobs.length, 2);
        assert.ok(Array.isArray(e.bytes));
    }
    assert.ok(a.choices[0].message.content.startsWith(entries[0].token));
});

const weather = {
    type: 'function',
    function: {
        name: 'get_weather',
        description: 'The weather in a city',
        parameters: {
            type: 'object',
            properties: { unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
            required: ['unit'],
            additionalProperties: false,
        },
    },
};

test('a required tool is called with arguments of its schema', async () => {
    const a = await chat({ tools: [weather], tool_choice: 'required', max_tokens: 600 });
    const call = a.choices[0].message.tool_calls[0];
    assert.equal(a.choices[0].finish_reason, 'tool_calls');
    assert.equal(call.type, 'function');
    assert.equal(call.function.name, 'get_weather');
    assert.ok(['celsius', 'fahrenheit'].includes(JSON.parse(call.function.arguments).unit));
});

test('a named tool is called, streamed piece by piece', async () => {
    const run = client.chat.completions.stream({
        model, messages: ask, temperature: 0, max_tokens: 600, tools: [weather],
        tool_choice: { type: 'function', function: { name: 'get_weather' } },
    });
    const final = await run.finalChatCompletion();
    const call = final.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'get_weather');
    assert.ok(call.id.length > 0);
    assert.ok('unit' in JSON.parse(call.function.arguments));
});

test('the result of a tool goes back into the conversation', async () => {
    const a = await chat({
        tools: [weather], tool_choice: 'none',
        messages: [...ask,
            { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function',
                function: { name: 'get_weather', arguments: '{"unit":"celsius"}' } }] },
            { role: 'tool', tool_call_id: 'call_1', content: '7 degrees' }],
    });
    assert.equal(a.choices[0].message.tool_calls, undefined);
    assert.equal(typeof a.choices[0].message.content, 'string');
});

test('an answer follows its JSON schema', async () => {
    const schema = {
        type: 'object',
        properties: { ok: { type: 'boolean' }, level: { type: 'string', enum: ['low', 'high'] } },
        required: ['ok', 'level'],
        additionalProperties: false,
    };
    const a = await chat({ max_tokens: 100,
        response_format: { type: 'json_schema', json_schema: { name: 'verdict', strict: true, schema } } });
    const v = JSON.parse(a.choices[0].message.content);
    assert.deepEqual(Object.keys(v).sort(), ['level', 'ok']);
    assert.equal(typeof v.ok, 'boolean');
    assert.ok(['low', 'high'].includes(v.level));
});

test('json_object answers with an object', async () => {
    const a = await chat({ max_tokens: 300, response_format: { type: 'json_object' } });
    assert.match(a.choices[0].message.content, /^\s*\{/);
});

test('branches share a prefix and answer side by side', async () => {
    const a = await chat({
        messages: [{ role: 'system', content: 'You are a careful engineer.' }],
        branches: [ask, [{ role: 'user', content: 'Write a function sub(a, b) that returns a minus b.' }]],
    });
    assert.deepEqual(a.choices.map((c) => c.index), [0, 1]);
    assert.match(a.choices[0].message.content, /add/);
    assert.match(a.choices[1].message.content, /sub/);
});

test('text completions, whole and streamed', async () => {
    const a = await client.completions.create({ model, prompt: 'def add(a, b):', max_tokens: 8, temperature: 0 });
    assert.equal(a.object, 'text_completion');
    let text = '';
    const stream = await client.completions.create(
        { model, prompt: 'def add(a, b):', max_tokens: 8, temperature: 0, stream: true });
    for await (const chunk of stream) text += chunk.choices[0].text;
    assert.equal(text, a.choices[0].text);
    const two = await client.completions.create({ model, prompt: ['a', 'b'], max_tokens: 2 });
    assert.deepEqual(two.choices.map((c) => c.index), [0, 1]);
});

test('embeddings: the default of the client, floats, and batches', async () => {
    const asDefault = await client.embeddings.create({ model, input: 'add two numbers' });
    const asFloat = await client.embeddings.create({ model, input: 'add two numbers', encoding_format: 'float' });
    const v = asDefault.data[0].embedding, w = asFloat.data[0].embedding;
    assert.ok(v.length > 0 && v.length === w.length);
    v.forEach((x, i) => assert.ok(Math.abs(x - w[i]) < 1e-6));
    const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    assert.ok(Math.abs(norm - 1) < 1e-3, `norm ${norm}`);
    const many = await client.embeddings.create({ model, input: ['one', 'two', 'add two numbers'] });
    assert.deepEqual(many.data.map((d) => d.index), [0, 1, 2]);
    many.data[2].embedding.forEach((x, i) => assert.ok(Math.abs(x - v[i]) < 1e-3));
    assert.ok(many.usage.prompt_tokens > asDefault.usage.prompt_tokens);
});

const rejected = (promise, type, look) => assert.rejects(promise, (e) => {
    assert.ok(e instanceof type, `${e.constructor.name}: ${e.message}`);
    look?.(e);
    return true;
});

test('errors raise the classes that the client has for them', async () => {
    await rejected(chat({ model: 'no-such-model' }), OpenAI.NotFoundError, (e) => {
        assert.equal(e.code, 'model_not_found');
        assert.equal(e.param, 'model');
        assert.match(e.message, /tiny-1m/);
        assert.match(e.requestID, /^req_/);
    });
    await rejected(client.models.retrieve('no-such-model'), OpenAI.NotFoundError);
    await rejected(chat({ messages: [] }), OpenAI.BadRequestError, (e) => assert.equal(e.param, 'messages'));
    await rejected(chat({ temperature: 'hot' }), OpenAI.BadRequestError, (e) => {
        assert.equal(e.param, 'temperature');
        assert.equal(e.code, 'invalid_type');
    });
    await rejected(chat({ n: 0 }), OpenAI.BadRequestError);
    await rejected(chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] }),
        OpenAI.BadRequestError, (e) => assert.equal(e.code, 'unsupported_value'));
    await rejected(client.embeddings.create({ model, input: '' }), OpenAI.BadRequestError);
    await rejected(client.embeddings.create({ model, input: 'x', dimensions: 3 }), OpenAI.BadRequestError,
        (e) => assert.equal(e.param, 'dimensions'));
    await rejected(client.post('/nothing', { body: {} }), OpenAI.NotFoundError);
});

test('a prompt over the context is refused with the numbers, streamed or not', async () => {
    const messages = [{ role: 'user', content: 'add two numbers '.repeat(3000) }];
    for (const stream of [false, true])
        await rejected(chat({ messages, stream }), OpenAI.BadRequestError, (e) => {
            assert.equal(e.code, 'context_length_exceeded');
            assert.match(e.message, /maximum context length is 1024 tokens.*resulted in \d{4,} tokens/);
        });
});

test('an abort ends the stream and the server goes on', async () => {
    const stream = await chat({ stream: true, max_tokens: 900, ignore_eos: true, temperature: 1 });
    let chunks = 0;
    for await (const chunk of stream) {
        assert.ok(chunk.choices);
        if (++chunks === 3) stream.controller.abort();
    }
    assert.ok(chunks < 200, `${chunks} chunks`);
    const controller = new AbortController();
    const late = chat({ max_tokens: 900, ignore_eos: true }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(late, OpenAI.APIUserAbortError);
    assert.match((await chat()).choices[0].message.content, /def add/);
});

test('many requests at a time are all answered', async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => chat({ max_tokens: 16 })));
    const texts = new Set(answers.map((a) => a.choices[0].message.content));
    assert.equal(answers.length, 24);
    assert.equal(texts.size, 1);
});
