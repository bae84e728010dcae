/*
 * events.h - names of the events of a task's trace (events.def), and the
 * documentation made from them. Pure.
 */
#ifndef WORK_EVENTS_H
#define WORK_EVENTS_H

#include "base/buf.h"

enum event_id {
#define EVENT(NAME, name, stored, text, fields) EVENT_##NAME,
#include "work/events.def"
#undef EVENT
    EVENT_COUNT
};

enum { EVENT_DATA_MAX = 4 << 20 }; /* bytes of one event's JSON */

const char *event_name(enum event_id e); /* "task.created" */
bool event_is_stored(enum event_id e);
NODISCARD bool event_parse(struct str name, enum event_id *out);

/* Adds the table for docs/protocol/tasks.md. */
NODISCARD enum err event_doc(struct buf *out);

#endif
