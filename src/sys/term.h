/*
 * term.h - the terminal behind a descriptor. Thread: any.
 */
#ifndef SYS_TERM_H
#define SYS_TERM_H

#include "base/base.h"

bool term_is(int fd);
unsigned term_width(int fd); /* columns; 80 when unknown */

/* Colours may be used: a terminal, $NO_COLOR empty (no-color.org), $TERM not
 * "dumb". */
bool term_colour(int fd);

#endif
