/*
 * reference.h - references in Markdown, printed from the program's own
 * tables (`hearth docs NAME`); docs/reference holds their committed copies.
 */
#ifndef CMD_REFERENCE_H
#define CMD_REFERENCE_H

#include "base/buf.h"

NODISCARD enum err reference_list(struct buf *out); /* one name a line */
NODISCARD enum err reference_get(struct str name, struct buf *out,
                                 struct why *why);

#endif
