#!/usr/bin/env node
// Runs the code of every task that hearth calls "verified" once more, by other means than
// hearth's own: tests/tasks/reverify.mjs WORK_DB HELDOUT_JSONL
//
// Nothing of src/work is used here. The tests come from the held-out file (not from what
// the database says they were), each is one assert line "assert CALL == LITERAL". For each
// call a fresh Python runs only the code and prints the value; the expected literal is
// evaluated by another Python that never sees the code; Node compares what they print. Both
// run under bubblewrap without network. Ends with "N re-verified, N wrong, N unknown" and a
// failing exit code when anything is wrong or nothing was looked at.
import {execFileSync, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const [db, heldout] = process.argv.slice(2);
if (!db || !heldout) {
  console.error('usage: reverify.mjs WORK_DB HELDOUT_JSONL');
  process.exit(64);
}

const SANDBOX = ['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv',
  '--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib',
  '--symlink', 'usr/lib64', '/lib64', '--dev', '/dev', '--tmpfs', '/tmp', '--chdir', '/tmp'];

const SHOW = `
import sys
def canon(v):
    if isinstance(v, (set, frozenset)): return 'set(' + ','.join(sorted(map(canon, v))) + ')'
    if isinstance(v, dict): return '{' + ','.join(sorted(canon(k) + ':' + canon(x) for k, x in v.items())) + '}'
    if isinstance(v, (list, tuple)): return type(v).__name__ + '(' + ','.join(map(canon, v)) + ')'
    if isinstance(v, bool) or v is None or isinstance(v, str): return repr(v)
    if isinstance(v, float) and v.is_integer() and abs(v) < 1e15: return repr(int(v))
    return repr(v)
`;

function python(program, input) {
  const r = spawnSync('bwrap', [...SANDBOX, '/usr/bin/python3', '-I', '-c', program],
    {input, encoding: 'utf8', timeout: 10000, killSignal: 'SIGKILL', maxBuffer: 1 << 20});
  return r.status === 0 ? r.stdout : `failed: ${(r.stderr || String(r.error || r.signal)).trim().split('\n').pop()}`;
}

function parts(tests) {
  return JSON.parse(python(`
import ast, json, sys
out = []
for line in json.load(sys.stdin):
    node = ast.parse(line).body[0].test
    assert isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and len(node.ops) == 1, line
    out.append([ast.unparse(node.left), ast.unparse(node.comparators[0])])
print(json.dumps(out))`, JSON.stringify(tests)));
}

// Only the code and one call; the value comes on the last line, behind a random mark.
function got(code, call) {
  const mark = Math.random().toString(36).slice(2);
  const text = python(`${SHOW}
import json, os
spec = json.load(sys.stdin)
space = {'__name__': 'again'}
out = os.dup(1); os.dup2(2, 1)
exec(compile(spec['code'], 'code', 'exec'), space)
value = eval(spec['call'], space)
os.write(out, (spec['mark'] + canon(value)).encode())`, JSON.stringify({code, call, mark}));
  const at = text.lastIndexOf(mark);
  return at < 0 ? text : text.slice(at + mark.length);
}

const want = literal => python(`${SHOW}
import ast
sys.stdout.write(canon(ast.literal_eval(sys.stdin.read())))`, literal);

const dump = `
import json, sqlite3, sys
d = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)
rows = d.execute("SELECT id, prompt, code, worker, attempts FROM task WHERE verdict = 'verified'")
print(json.dumps([dict(zip(('id', 'prompt', 'code', 'model', 'attempts'), r)) for r in rows]))`;
const tasks = JSON.parse(execFileSync('python3', ['-c', dump, path.resolve(db)], {encoding: 'utf8', maxBuffer: 1 << 28}));
const known = new Map(fs.readFileSync(heldout, 'utf8').split('\n').filter(Boolean)
  .map(line => JSON.parse(line)).map(t => [t.prompt, t]));

let good = 0, wrong = 0, unknown = 0;
for (const task of tasks) {
  const t = known.get(task.prompt);
  if (!t) { unknown++; continue; }
  const faults = [];
  for (const [call, literal] of parts(t.tests)) {
    const value = got(task.code, call);
    if (value !== want(literal)) faults.push(`${call} gave ${value}, not ${literal}`);
  }
  if (faults.length === 0) good++;
  else {
    wrong++;
    console.log(`WRONG ${t.id} ${task.id} by ${task.model}: ${faults[0]}`);
  }
}
console.log(`${good} re-verified, ${wrong} wrong, ${unknown} unknown (of ${tasks.length} verified)`);
process.exit(wrong === 0 && good > 0 ? 0 : 1);
