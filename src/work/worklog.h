/*
 * worklog.h - work.db: every task, every event of it, every review.
 *
 * Owner of the data of the orchestrator. An event is in the database before
 * anybody sees it; what a task needs to go on after kill -9 is its events and
 * nothing else. One handle belongs to one thread: the loop and every worker
 * open their own on the same file.
 */
#ifndef WORK_WORKLOG_H
#define WORK_WORKLOG_H

#include "base/buf.h"
#include "base/id.h"
#include "store/db.h"
#include "work/events.h"
#include "work/progress.h"

enum { WORKLOG_LIST_MAX = 200, WORKLOG_IDEM_MAX = 200 };

struct worklog {
    struct db *db;
    int64_t (*now_ms)(void); /* wall time, injected */
};

/* Opens and brings to the newest schema. `url` as in db.h. */
NODISCARD enum err worklog_open(struct worklog *l, struct str url,
                                int64_t (*now_ms)(void), struct why *w);
void worklog_close(struct worklog *l); /* zeroed is fine */

/* ---- tasks -------------------------------------------------------------- */

struct worklog_new {
    struct str id, spec; /* `spec`: the request's JSON, normalised */
    struct str prompt, language;
    struct str idem;    /* idempotency key; empty: none */
    struct str created; /* members of task.created, without seq, task, at */
};

/* The task and its task.created, in one durable transaction. ERR_EXISTS when
 * the idempotency key is taken: `*taken` is the id of that task. */
NODISCARD enum err worklog_create(struct worklog *l,
                                  const struct worklog_new *n, struct id *taken,
                                  struct why *w);

/* Adds the request's JSON; ERR_NOTFOUND. */
NODISCARD enum err worklog_spec(struct worklog *l, struct str id,
                                struct buf *spec, struct why *w);

/* Calls `each` for every task that has no verdict, oldest first. */
typedef enum err worklog_id_fn(void *ctx, struct str id);
NODISCARD enum err worklog_unfinished(struct worklog *l, worklog_id_fn *each,
                                      void *ctx, struct why *w);

/* ---- events -------------------------------------------------------------- */

/* Stores the next event and folds it into `p`, whose seq must be that of the
 * last one stored: ERR_EXISTS when another process wrote in between. After a
 * failure `p` may be ahead of the database: drop it. `members`
 * is a JSON object; seq, task and at are put in front. The row of the task (the
 * log of D8) and the review queue change in the same transaction. `data` (may
 * be NULL) gets the whole JSON. */
NODISCARD enum err worklog_append(struct worklog *l, struct str id,
                                  struct progress *p, enum event_id e,
                                  struct str members, struct buf *data,
                                  struct why *w);

/* Folds all stored events; ERR_NOTFOUND. `p` must be fresh. */
NODISCARD enum err worklog_progress(struct worklog *l, struct str id,
                                    struct progress *p, struct why *w);

/* Stored events after `seq`, in order. `each` ends the walk by an error. */
typedef enum err worklog_event_fn(void *ctx, uint64_t seq, struct str name,
                                  struct str data);
NODISCARD enum err worklog_events(struct worklog *l, struct str id,
                                  uint64_t after, worklog_event_fn *each,
                                  void *ctx, struct why *w);

/* {"seq","task","at"} and then the members of the object `members`. */
NODISCARD enum err worklog_event_json(uint64_t seq, struct str id, int64_t at,
                                      struct str members, struct buf *out);

/* ---- what clients read ----------------------------------------------------- */

/* Adds the task as JSON: the row of the log, and with `whole` its events.
 * ERR_NOTFOUND. */
NODISCARD enum err worklog_task_json(struct worklog *l, struct str id,
                                     bool whole, struct buf *out,
                                     struct why *w);
/* Adds {"object":"list","data":[...],"has_more"}: newest first, at most
 * `limit` (1..WORKLOG_LIST_MAX), older than the task `before` if not empty. */
NODISCARD enum err worklog_list_json(struct worklog *l, unsigned limit,
                                     struct str before, struct buf *out,
                                     struct why *w);
/* The same for tasks that wait for a person. */
NODISCARD enum err worklog_reviews_json(struct worklog *l, struct buf *out,
                                        struct why *w);

#endif
