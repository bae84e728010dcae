/*
 * harness.h - the programs that run a candidate and judge it, as text that is
 * handed to the interpreter (harness_python.py, harness_node.js).
 */
#ifndef WORK_HARNESS_H
#define WORK_HARNESS_H

extern const char harness_python[], harness_node[]; /* NUL-terminated */

#endif
