'use strict';
// The tests of a task in JavaScript. Two processes and one socket (descriptor 3), as in
// harness_python.py, which has the reasons: the candidate answers calls and never learns
// what is expected; the judge runs the tests and never runs the candidate.
//
// Tests are a source text: assert(...), assert.strictEqual(...), assert.deepStrictEqual(...)
// and so on, or lines "call === value". Input and result of the judge are those of
// harness_python.py. Node 16 and later.
const fs = require('fs');
const vm = require('vm');
const assert = require('assert');
const util = require('util');

const SOURCE = 'candidate.js';
const LINE_MAX = 1 << 20;
const DEPTH_MAX = 40;
const EVIDENCE_MAX = 160;

class Failed extends Error {} // ends the tests; its message is the evidence
class WrongTests extends Error {} // the tests are at fault, not the candidate

// ---- values --------------------------------------------------------------------------------

function encode(v, keep, depth = 0) {
  if (depth > DEPTH_MAX) throw new RangeError('the value is nested too deeply');
  if (v === null || typeof v === 'boolean' || typeof v === 'string') return v;
  if (v === undefined) return {undefined: 1};
  if (typeof v === 'number') return Number.isFinite(v) && !Object.is(v, -0) ? v : {number: Object.is(v, -0) ? '-0' : String(v)};
  if (typeof v === 'bigint') return {bigint: String(v)};
  const next = x => encode(x, keep, depth + 1);
  if (Array.isArray(v)) return Array.prototype.map.call(Array.from(v), next);
  if (util.types.isMap(v)) return {map: [...Map.prototype.entries.call(v)].map(([k, x]) => [next(k), next(x)])};
  if (util.types.isSet(v)) return {set: [...Set.prototype.values.call(v)].map(next)};
  if (typeof v === 'object' && isPlain(v)) return {object: Object.entries(v).map(([k, x]) => [k, next(x)])};
  return keep(v);
}

function isPlain(v) {
  const p = Object.getPrototypeOf(v);
  return !util.types.isProxy(v) && (p === null || Object.getPrototypeOf(p) === null);
}

function decode(v, find, depth = 0) {
  if (depth > DEPTH_MAX * 2) throw new RangeError('the value is nested too deeply');
  const next = x => decode(x, find, depth + 1);
  if (v === null || typeof v !== 'object') return v;
  if (Array.isArray(v)) return v.map(next);
  if ('undefined' in v) return undefined;
  if ('number' in v) return Number(v.number);
  if ('bigint' in v) return BigInt(v.bigint);
  if ('map' in v) return new Map(v.map.map(([k, x]) => [next(k), next(x)]));
  if ('set' in v) return new Set(v.set.map(next));
  if ('object' in v) {
    const o = {};
    for (const [k, x] of v.object)
      Object.defineProperty(o, k, {value: next(x), enumerable: true, writable: true, configurable: true});
    return o;
  }
  return find(v);
}

class Wire {
  constructor() { this.data = Buffer.alloc(0); }

  send(message) {
    const line = Buffer.from(JSON.stringify(message) + '\n');
    if (line.length > LINE_MAX) throw new RangeError('the value is too large');
    for (let at = 0; at < line.length;) at += fs.writeSync(3, line, at);
  }

  receive() {
    let end;
    while ((end = this.data.indexOf(10)) < 0) {
      const piece = Buffer.alloc(65536);
      const n = fs.readSync(3, piece);
      if (n === 0 || this.data.length > LINE_MAX) throw new Failed('closed');
      this.data = Buffer.concat([this.data, piece.subarray(0, n)]);
    }
    const line = this.data.subarray(0, end);
    this.data = this.data.subarray(end + 1);
    return JSON.parse(line.toString());
  }
}

const script = () => fs.readFileSync(SOURCE, 'utf8').replace(/^export\s+(default\s+)?/gm, '');

// ---- the candidate's side --------------------------------------------------------------------

class Candidate {
  constructor() {
    this.wire = new Wire();
    this.objects = [];
    this.module = {exports: {}};
    this.keep = v => {
      this.objects.push(v);
      return {handle: this.objects.length - 1, call: typeof v === 'function',
        type: typeof v === 'function' ? 'function' : String(v?.constructor?.name).slice(0, 80)};
    };
    this.find = v => this.objects[v.handle];
  }

  load() {
    globalThis.module = this.module;
    globalThis.exports = this.module.exports;
    globalThis.require = require;
    const source = script();
    vm.runInThisContext(source, {filename: 'answer'});
    const names = new Set(Object.keys(this.module.exports));
    for (const m of source.matchAll(/(?:function\s*\*?|class|const|let|var)\s+([A-Za-z_$][\w$]*)/g)) names.add(m[1]);
    return [...names].filter(n => this.has(n));
  }

  has(name) {
    return name in this.module.exports || vm.runInThisContext(`typeof ${name} !== 'undefined'`);
  }

  named(name) {
    const x = this.module.exports;
    return Object.prototype.hasOwnProperty.call(x, name) ? x[name] : vm.runInThisContext(name);
  }

  operate(m) {
    if (m.op === 'load') return this.load();
    if (m.op === 'name') return this.named(m.name);
    const args = (m.args || []).map(a => decode(a, this.find));
    const on = m.on && this.find(m.on);
    if (m.op === 'attribute') {
      const v = on[m.attribute];
      return typeof v === 'function' ? v.bind(on) : v;
    }
    this.after = args;
    if (m.op === 'new') return new (on || this.named(m.name))(...args);
    return (on || this.named(m.name))(...args);
  }

  async serve() {
    for (;;) {
      const m = this.wire.receive();
      let reply;
      this.after = null;
      try {
        reply = {value: encode(await this.operate(m), this.keep)};
        if (this.after) reply.args = this.after.map(a => encode(a, this.keep));
      } catch (e) {
        reply = {raised: String(e?.name ?? typeof e).slice(0, 80), text: String(e?.message ?? e).slice(0, 400)};
      }
      try {
        this.wire.send(reply);
      } catch (e) {
        this.wire.send({raised: 'RangeError', text: String(e.message).slice(0, 400)});
      }
    }
  }
}

// ---- the judge's side ---------------------------------------------------------------------------

class Judge {
  constructor(spec) {
    this.spec = spec;
    this.wire = new Wire();
    this.calls = this.tests = 0;
    this.last = null; // the last call: its text and what came back
    this.broken = null; // the first Failed: nothing after it counts, whatever a test catches
    this.handles = new WeakMap();
    this.keep = v => {
      if ((typeof v === 'function' || typeof v === 'object') && this.handles.has(v)) return this.handles.get(v);
      throw new WrongTests(`a test gives the code a value of type ${typeof v}, which cannot be handed over`);
    };
    this.find = v => this.remote(v);
  }

  fail(text) {
    this.broken = this.broken || new Failed(text);
    throw this.broken;
  }

  ask(message, args = []) {
    if (this.broken) throw this.broken;
    message.args = args.map(a => encode(a, this.keep));
    const isCall = message.op === 'call' || message.op === 'new';
    const text = isCall && message.name ? `${message.name}(${args.map(show).join(', ')})` : this.last?.text ?? 'the code';
    fs.writeSync(2, `calling ${text.replace(/\n/g, ' ').slice(0, EVIDENCE_MAX)}\n`);
    let reply;
    try {
      this.wire.send(message);
      reply = this.wire.receive();
    } catch (e) {
      this.fail(e instanceof SyntaxError ? `${text} broke the connection to the tests` : `${text} ended the process`);
    }
    if (isCall) this.calls++;
    if (reply.raised !== undefined) {
      const kind = {TypeError, RangeError, SyntaxError, ReferenceError}[reply.raised] || Error;
      const e = new kind(String(reply.text));
      e.name = String(reply.raised);
      e.fromCandidate = text;
      throw e;
    }
    try {
      (reply.args || []).forEach((a, i) => takeOver(args[i], decode(a, this.find)));
      const value = decode(reply.value, this.find);
      if (isCall) this.last = {text, value};
      return value;
    } catch (e) {
      this.fail(`${text} broke the connection to the tests`);
    }
  }

  remote(handle, name) {
    const judge = this;
    const on = {on: {handle: handle.handle}};
    const target = handle.call ? function () {} : {};
    const ask = (op, args) => judge.ask(name ? {op, name} : {op, ...on}, args);
    const proxy = new Proxy(target, {
      apply: (t, self, args) => ask('call', args),
      construct: (t, args) => ask('new', args),
      get: (t, key) => typeof key === 'string' && key !== 'then' ? judge.ask({op: 'attribute', ...on, attribute: key}) : undefined,
    });
    this.handles.set(proxy, {handle: handle.handle});
    return proxy;
  }

  load() {
    let names;
    try {
      names = this.ask({op: 'load'});
    } catch (e) {
      if (e instanceof Failed) throw e;
      this.fail(`the code raised ${e.name}: ${e.message}`);
    }
    const entry = this.spec.entry;
    if (!Array.isArray(names) || names.some(n => typeof n !== 'string')) this.fail('the code broke the connection to the tests');
    if (entry && !names.includes(entry)) this.fail(`name ${entry} is not defined`);
    const space = {};
    for (const n of names) {
      if (n !== entry && n in globalThis) continue; // must not stand in for what tests use
      const raw = this.ask({op: 'name', name: n});
      space[n] = typeof raw === 'function' ? this.remote({...this.handles.get(raw), call: true}, n) : raw;
    }
    return space;
  }

  counted() {
    const count = f => (...args) => { this.tests++; return f(...args); };
    const mine = count(assert.ok);
    for (const k of Object.keys(assert)) if (typeof assert[k] === 'function') mine[k] = count(assert[k]);
    mine.strict = mine;
    return mine;
  }

  async run() {
    const space = this.load();
    const checker = this.counted();
    const quiet = () => {};
    const context = vm.createContext({...space, assert: checker,
      console: {log: quiet, error: quiet, assert: checker},
      require: name => ({assert: checker, 'node:assert': checker}[name] ?? space)});
    const lines = this.spec.tests.split('\n').map(line => {
      const m = /^\s*(?!assert\b|console\b|const\b|let\b|var\b|if\b|for\b|return\b|\/\/)([^;]+?)\s*={2,3}\s*([^;]+);?\s*$/.exec(line);
      return m ? `assert.deepStrictEqual(${m[1]}, ${m[2]});` : line;
    });
    process.on('unhandledRejection', e => { this.broken = this.broken || this.evidence(e); });
    try {
      await vm.runInContext(`(async () => {\n${lines.join('\n')}\n})()`, context, {filename: 'tests'});
      await nothingLeft();
    } catch (e) {
      throw this.broken || this.evidence(e);
    }
    if (this.broken) throw this.broken;
    if (this.tests === 0) throw new WrongTests('the tests test nothing');
    if (this.calls === 0) throw new WrongTests('the tests call nothing of the code');
    return this.tests;
  }

  evidence(e) {
    if (e instanceof Failed || e instanceof WrongTests) return e;
    if (e?.fromCandidate) return new Failed(`${e.fromCandidate} raised ${e.name}: ${e.message}`);
    if (e?.code !== 'ERR_ASSERTION') return new Failed(`the tests raised ${e?.name}: ${e?.message}`);
    const text = this.last?.text ?? 'the code';
    if (e.operator === '==' && !/equal/i.test(e.generatedMessage ? '' : e.message))
      return new Failed(`${text} returned ${show(this.last?.value)}, which the test does not accept`);
    return new Failed(`${text} returned ${show(e.actual)}, expected ${show(e.expected)}`);
  }
}

// A promise that nobody awaits is a part of the tests too, and so is one that is made inside
// it. The result is therefore given when node has nothing left to run, however many promises
// deep, and not after some number of turns. (Tests have no timers; if they come to have, their
// callbacks are waited for by this too. What never ends meets the deadline.)
const nothingLeft = () => new Promise(done => process.once('beforeExit', done));

function takeOver(mine, theirs) {
  if (Array.isArray(mine) && Array.isArray(theirs)) {
    mine.length = 0;
    mine.push(...theirs);
  } else if (mine && theirs && typeof mine === 'object' && isPlain(mine) && typeof theirs === 'object' && isPlain(theirs)) {
    for (const k of Object.keys(mine)) if (!(k in theirs)) delete mine[k];
    Object.assign(mine, theirs);
  }
}

const show = v => util.inspect(v, {breakLength: Infinity, depth: 3, maxStringLength: 80});

function compiles() {
  try {
    new vm.Script(script(), {filename: 'answer'});
  } catch (e) {
    const line = /answer:(\d+)/.exec(e.stack);
    throw new Failed(`syntax error on line ${line ? line[1] : 1}: ${e.message}`);
  }
  return 0;
}

async function judge() {
  const spec = JSON.parse(fs.readFileSync(0, 'utf8'));
  let answer;
  try {
    const j = new Judge(spec);
    const count = spec.mode === 'compile' ? compiles() : spec.mode === 'load' ? (j.load(), 0) : await j.run();
    answer = {ok: true, evidence: '', count};
  } catch (e) {
    const text = e instanceof Failed || e instanceof WrongTests ? e.message : `${e?.name}: ${e?.message}`;
    answer = {ok: false, wrong_tests: e instanceof WrongTests, evidence: text.replace(/\s*\n\s*/g, ' ').slice(0, EVIDENCE_MAX), count: 0};
  }
  fs.writeSync(1, JSON.stringify(answer));
  process.exit(0);
}

if (process.argv[process.argv.length - 1] === 'candidate') new Candidate().serve();
else judge();
