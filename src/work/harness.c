/*
 * harness.c - the harness files as read-only data. The assembler finds them
 * through the include path; harness_test holds the copy against the files.
 */
#include "work/harness.h"

#ifdef __APPLE__
#define SECTION ".const\n"
#define NAME(x) "_" #x
#else
#define SECTION ".pushsection .rodata\n"
#define NAME(x) #x
#endif

#define EMBED(symbol, file)                                                    \
    __asm__(SECTION ".globl " NAME(symbol) "\n" NAME(                          \
        symbol) ":\n"                                                          \
                ".incbin \"" file "\"\n.byte 0\n.popsection\n")

EMBED(harness_python, "work/harness_python.py");
EMBED(harness_node, "work/harness_node.js");
