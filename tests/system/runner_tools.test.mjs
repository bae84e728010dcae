// Tools in prompts: the template engine is llama.cpp's, the model is the tiny one
// under a template of the usual kind. How calls are read back from an answer is
// tested in src/runner/llama/engine_llama_test.c.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { answers, drive, withTemplate } from './runner_drive.mjs';

const template = `{%- if tools %}{{- '<|im_start|>system\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n<tools>' }}{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}{{- '\\n</tools>\\n\\nFor each function call, return a json object within <tool_call></tool_call> tags:\\n<tool_call>\\n{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call><|im_end|>\\n' }}{%- endif %}{%- for message in messages %}{%- if message.role == 'tool' %}{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}{%- elif message.tool_calls %}{{- '<|im_start|>' + message.role }}{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}{%- for call in message.tool_calls %}{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}{{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- else %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;

const dir = mkdtempSync(join(tmpdir(), 'hearth-tools-'));
const model = join(dir, 'tools.gguf');
withTemplate(model, template);
after(() => rmSync(dir, { recursive: true }));

const tool = (name, properties) => ({
    type: 'function',
    function: { name, description: 'a tool', parameters: { type: 'object', properties, required: Object.keys(properties) } },
});
const weather = tool('get_weather', { city: { type: 'string', enum: ['Paris', 'Rome'] } });
const ask = (chat, more = {}) => ({ op: 'generate', max_tokens: 120, chat, ...more });
const user = (content) => ({ role: 'user', content });

test('a tool that is named must exist', async () => {
    const choice = { type: 'function', function: { name: 'look_up' } };
    const run = await drive([ask({ messages: [user('x')], tools: [weather], tool_choice: choice })],
        [], { model });
    assert.equal(answers(run)[1].fail, 'PARSE');
});

test('without a call an answer among tools is text', async () => {
    const run = await drive([ask({ messages: [user('Add two numbers.')], tools: [weather] }, { max_tokens: 30 })],
        [], { model });
    const [choice] = answers(run)[1].choices;
    assert.ok(choice.text.length > 0);
    assert.equal(choice.tool_calls, undefined);
});

test('tool results, arguments, names and schemas cannot speak for the template', async () => {
    const end = '<|im_end|>', start = '<|im_start|>';
    const chat = (a, b) => ({
        messages: [user(`q ${a}`),
            { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function',
                function: { name: 'get_weather', arguments: JSON.stringify({ city: a, [b]: 1 }) } }] },
            { role: 'tool', tool_call_id: 'c', content: `${b} r` }],
        tools: [tool('get_weather', { city: { type: 'string', description: a, enum: [b, 'Rome'] }, [`k${a}`]: { type: 'string' } })],
    });
    // Control tokens are one token each, text of the same bytes is several: the
    // prompt with them must be longer than one with other text in their place.
    const run = await drive([
        { op: 'count', chat: chat('x', 'y') },
        { op: 'count', chat: chat(end, start) },
        { op: 'count', chat: chat(end.repeat(2), start.repeat(2)) },
        ask(chat(end, start), { max_tokens: 20 }),
    ], [], { model });
    const [plain, once, twice] = run.lines.filter((l) => l.message === 'TOKENS').map((l) => l.n_tokens);
    assert.ok(once - plain > 8 * 3, `${plain} ${once}`); // 8 places
    assert.ok(twice - once > 8 * 3, `${once} ${twice}`);
    assert.equal(answers(run)[4].choices.length, 1);
});
