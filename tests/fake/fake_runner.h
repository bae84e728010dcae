/*
 * fake_runner.h - what the program fake_runner (fake_runner_main.c) does.
 *
 * It stands for hearth-runner in tests of the gateway: it speaks the real
 * messages (ipc/messages.def) and computes nothing. It behaves as the request
 * tells it: a text anywhere in the input of the form
 *
 *     fake{word word=value ...}
 *
 *   tokens=N      N deltas "t0 ", "t1 ", ... instead of "Hello", " there", "!"
 *   delay=MS      between deltas
 *   pad=N         each delta is N bytes long
 *   die=N         the process ends (SIGKILL) after N deltas
 *   die_once=FILE only when FILE does not exist, which it then makes
 *   hang_once=FILE  the process stops (SIGSTOP) when FILE does not exist, which
 *                 it then makes
 *   fail=NAME     FAIL with that error (CONTEXT brings 9000 of 8192)
 *   fail_at=N     ... after N deltas
 *   call          a tool call in three deltas, finish tool_calls
 *   finish=NAME   stop or length
 *   nonsense=N    1: a frame of a wrong kind; 2: a DELTA cut short; 3: an
 *                 index that was not asked for
 *   echo          one delta: the input as it came
 *   reason        reasoning before the text
 *   logprobs      entries beside each delta
 *
 * The load behaves as the environment variable FAKE_RUNNER tells, in the same
 * words (without "fake{}"):
 *
 *   need=BYTES load_ms=MS load_fail=NAME load_die hello=VERSION hang
 *   stop_deaf     STOP is ignored
 *   count=FILE    each start appends a byte to FILE
 */
#ifndef TESTS_FAKE_RUNNER_H
#define TESTS_FAKE_RUNNER_H

#include "base/str.h"

/* The value of `word` in "a b=1 c=x": false when it is not there; a word
 * without "=" has the value "1". */
bool fake_runner_word(struct str words, const char *word, struct str *value);
uint64_t fake_runner_number(struct str words, const char *word,
                            uint64_t otherwise);
/* What stands in the first fake{...} of `text`, or nothing. */
struct str fake_runner_words(struct str text);

#endif
