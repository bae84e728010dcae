/*
 * One step: start who can start, fill the batch, compute, hand out results.
 *
 * Nothing tells reading a prompt from generating but how many tokens a choice
 * has left to feed: one left means that its next token comes out of this step.
 * So a choice that was sent back to waiting simply reads its own answer as the
 * end of its prompt.
 */
#include "runner/batcher.h"

#include "base/mem.h"
#include "runner/admit.h"
#include "runner/embed.h"
#include "runner/logprob.h"

#include <math.h>

enum { SLICE_TILE = 128 };

enum err batcher_init(struct batcher *b, struct engine *e,
                      const struct batcher_sink *sink, uint64_t (*now_us)(void))
{
    const struct engine_facts *f = &e->facts;
    *b = (struct batcher){
        .engine = e,
        .sink = *sink,
        .now_us = now_us,
        .delta = DELTA_INIT,
        .idle_max = BATCHER_IDLE_MAX,
        .parked = parked_init(f->can_share ? parked_max(f->kv_bytes) : 0),
        .prefix = prefix_new(f->n_slots, f->n_ctx),
        .running = mem_calloc(f->n_seq, sizeof(struct choice *)),
        .parts = mem_calloc(f->n_batch, sizeof *b->parts),
        .batch =
            {
                .token = mem_calloc(f->n_batch, sizeof(int32_t)),
                .pos = mem_calloc(f->n_batch, sizeof(int32_t)),
                .seq = mem_calloc(f->n_batch, sizeof(int32_t)),
                .want = mem_calloc(f->n_batch, sizeof(int8_t)),
            },
    };
    if (b->prefix && b->running && b->parts && b->batch.token && b->batch.pos
        && b->batch.seq && b->batch.want)
        return ERR_OK;
    batcher_done(b);
    return ERR_NOMEM;
}

static void unlink_job(struct batcher *b, struct job *j)
{
    struct job **link = &b->jobs;
    while (*link != j)
        link = &(*link)->next;
    *link = j->next;
    b->n_jobs--;
    job_free(j);
}

void batcher_done(struct batcher *b)
{
    while (b->jobs)
        unlink_job(b, b->jobs);
    prefix_free(b->prefix);
    parked_done(&b->parked);
    mem_free(b->running);
    mem_free(b->parts);
    mem_free(b->batch.token);
    mem_free(b->batch.pos);
    mem_free(b->batch.seq);
    mem_free(b->batch.want);
    delta_done(&b->delta);
    *b = (struct batcher){0};
}

uint32_t batcher_prompt_max(const struct batcher *b)
{
    return b->engine->facts.n_ctx_seq - 1;
}

enum err batcher_add(struct batcher *b, struct job *j, struct why *why)
{
    if (b->n_jobs == BATCHER_JOBS_MAX)
        return FAIL(why, ERR_BUSY, "%u requests wait for this model already",
                    b->n_jobs);
    j->born_us = b->now_us();
    struct job **link = &b->jobs;
    while (*link)
        link = &(*link)->next;
    *link = j;
    b->n_jobs++;
    return ERR_OK;
}

bool batcher_idle(const struct batcher *b)
{
    return b->n_jobs == 0;
}

/* ---- ends ------------------------------------------------------------------- */

static struct batcher_usage usage_of(const struct batcher *b,
                                     const struct choice *c)
{
    uint64_t now = b->now_us();
    uint64_t started = c->started ? c->started_us : now;
    uint64_t first = c->first_us ? c->first_us : now;
    return (struct batcher_usage){
        .prompt_tokens = c->n_prompt,
        .cached_tokens = c->n_cached,
        .completion_tokens = choice_count(c) - c->n_prompt,
        .queue_us = started - c->job->born_us,
        .prefill_us = first - started,
        .decode_us = now - first,
    };
}

static void emit(struct batcher *b, struct choice *c)
{
    if (!delta_is_empty(&b->delta))
        b->sink.delta(b->sink.ctx, c->job->req, c->index, &b->delta);
    delta_clear(&b->delta);
}

/* One DONE for all inputs, with their sums; times are of the last. */
static void end_embedding(struct batcher *b, struct job *j,
                          enum batcher_finish f, struct batcher_usage u)
{
    u.prompt_tokens = 0;
    for (uint32_t i = 0; i < j->n; i++)
        u.prompt_tokens += j->choices[i].n_prompt;
    b->sink.done(b->sink.ctx, j->req, 0, 1, f, &u);
}

/* The job is gone after the end of its last choice. */
static void end_choice(struct batcher *b, struct choice *c,
                       enum batcher_finish f)
{
    struct job *j = c->job;
    struct batcher_usage u = usage_of(b, c);
    b->stats.completion_tokens += u.completion_tokens;
    admit_leave(b, c, true);
    c->state = CHOICE_ENDED;
    j->n_ended++;
    if (!j->embed)
        b->sink.done(b->sink.ctx, j->req, c->index, j->n, f, &u);
    else if (j->n_ended == j->n)
        end_embedding(b, j, f, u);
}

static void fail_job(struct batcher *b, struct job *j, const struct why *why)
{
    for (uint32_t i = 0; i < j->n; i++) {
        admit_leave(b, &j->choices[i], false);
        j->choices[i].state = CHOICE_ENDED;
    }
    j->n_ended = j->n;
    b->sink.fail(b->sink.ctx, j->req, why);
}

static void reap(struct batcher *b)
{
    for (struct job *j = b->jobs, *next; j; j = next) {
        next = j->next;
        if (j->n_ended == j->n)
            unlink_job(b, j);
    }
}

static struct job *find(const struct batcher *b, uint32_t req)
{
    struct job *j = b->jobs;
    while (j && j->req != req)
        j = j->next;
    return j;
}

void batcher_cancel(struct batcher *b, uint32_t req)
{
    struct job *j = find(b, req);
    for (uint32_t i = 0; j && i < j->n; i++)
        if (j->choices[i].state != CHOICE_ENDED)
            end_choice(b, &j->choices[i], BATCHER_CANCELLED);
    reap(b);
}

void batcher_hold(struct batcher *b, uint32_t req, bool hold)
{
    struct job *j = find(b, req);
    if (j)
        j->held = hold;
}

/* ---- building a batch ------------------------------------------------------- */

static void put(struct batcher *b, struct choice *c, uint32_t n)
{
    struct engine_batch *to = &b->batch;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = to->count++;
        to->token[at] = choice_tokens(c)[c->fed + i];
        to->pos[at] = (int32_t)(c->fed + i);
        to->seq[at] = c->seq;
        to->want[at] = c->job->embed;
    }
    if (n == choice_left(c))
        to->want[to->count - 1] = 1;
    b->parts[b->n_parts++] = (struct batcher_part){c, n, to->count - 1};
}

static bool takes_part(const struct choice *c, bool embed)
{
    return !c->job->held && c->job->embed == embed;
}

static void put_generating(struct batcher *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_running; i++)
        n +=
            takes_part(b->running[i], false) && choice_left(b->running[i]) == 1;
    if (n && !admit_room(b, n))
        return; /* a single one that cannot grow: batcher_step ends it */
    for (uint32_t i = 0; i < b->n_running; i++)
        if (takes_part(b->running[i], false) && choice_left(b->running[i]) == 1)
            put(b, b->running[i], 1);
}

/* Somebody generates while somebody else's prompt is read. Branches of one
 * request are no neighbours: they wait for each other anyway. */
static bool has_neighbours(const struct batcher *b)
{
    for (uint32_t i = 0; i < b->n_running; i++)
        for (uint32_t k = 0; k < b->n_running; k++) {
            const struct choice *reads = b->running[i], *says = b->running[k];
            if (choice_left(reads) > 1 && choice_left(says) == 1
                && takes_part(reads, false) && takes_part(says, false)
                && reads->job != says->job)
                return true;
        }
    return false;
}

/* Prompt tokens for this step, from the measured speed. Alone, slices under
 * SLICE_TILE tokens would waste the matrix kernels; beside a neighbour, whose
 * own token costs a step anyway, a slice may take as long again. */
static uint32_t slice(const struct batcher *b)
{
    bool alone = !has_neighbours(b);
    uint32_t room = b->engine->facts.n_batch - b->batch.count;
    if (b->us_per_token <= 0)
        return MIN(room,
                   alone ? b->engine->facts.n_ubatch : BATCHER_SLICE_FIRST);
    double us = alone ? BATCHER_ALONE_US
                      : MIN(MAX(BATCHER_SLICE_US, b->us_per_step),
                            BATCHER_SLICE_MAX_US);
    double n = us / b->us_per_token;
    if (alone)
        n = MAX(floor(n / SLICE_TILE), 1) * SLICE_TILE;
    n = MAX(n, BATCHER_SLICE_MIN);
    return n < room ? (uint32_t)n : room;
}

/* One prompt after the other; who was first in the last step is last now. */
static void put_prompts(struct batcher *b, uint32_t budget, bool embed)
{
    uint32_t n = b->n_running;
    for (uint32_t i = 0; i < n && budget; i++) {
        struct choice *c = b->running[(b->turn + i) % n];
        if (!takes_part(c, embed) || (!embed && choice_left(c) <= 1))
            continue;
        uint32_t k = MIN(choice_left(c), budget);
        if (embed && b->engine->facts.whole_embed && k < choice_left(c))
            continue; /* comes whole in a later step */
        put(b, c, k);
        budget -= k;
    }
    b->turn++;
}

/* Embeds and text take turns: their batches cannot be mixed. */
static bool choose_embed(struct batcher *b)
{
    bool kinds[2] = {false, false};
    for (uint32_t i = 0; i < b->n_running; i++)
        if (!b->running[i]->job->held)
            kinds[b->running[i]->job->embed] = true;
    b->embed_turn = kinds[1] && (!kinds[0] || !b->embed_turn);
    return b->embed_turn;
}

static void build(struct batcher *b)
{
    b->batch.count = b->n_parts = 0;
    if (choose_embed(b)) {
        put_prompts(b, b->engine->facts.n_embed_batch, true);
    } else {
        put_generating(b);
        put_prompts(b, slice(b), false);
    }
}

bool batcher_is_reading(const struct batcher *b, uint32_t req)
{
    for (uint32_t i = 0; i < b->n_parts; i++)
        if (b->parts[i].count > 1
            && (req == 0 || b->parts[i].choice->job->req == req))
            return true;
    return false;
}

/* ---- results ---------------------------------------------------------------- */

/* A token was chosen. Returns whether the choice goes on. */
static enum err take_token(struct batcher *b, struct choice *c, uint32_t row,
                           int32_t token, bool *more, struct why *why)
{
    struct job *j = c->job;
    struct engine *e = b->engine;
    CLEANUP(buf_done) struct buf logprob = BUF_INIT(1 << 20);
    *more = false;
    if (e->ops->is_eog(e, token)) {
        TRY(output_end(&c->out, &b->delta, why));
        emit(b, c);
        end_choice(b, c, c->out.tool_calls ? BATCHER_TOOL_CALLS : BATCHER_STOP);
        return ERR_OK;
    }
    if (j->logprobs)
        TRY(logprob_json(e, e->ops->logits(e, row), token, j->top_logprobs,
                         &logprob));
    TRY(choice_add(c, token));
    TRY(output_token(&c->out, e->ops->piece(e, c->chat, token),
                     buf_str(&logprob), &b->delta, why));
    emit(b, c);
    uint32_t n = choice_count(c);
    bool full = n >= e->facts.n_ctx_seq
                || (j->max_tokens && n - c->n_prompt >= j->max_tokens);
    *more = !c->out.stopped && !full;
    if (*more)
        return ERR_OK;
    TRY(output_end(&c->out, &b->delta, why));
    emit(b, c);
    end_choice(b, c,
               c->out.stopped      ? BATCHER_STOP
               : c->out.tool_calls ? BATCHER_TOOL_CALLS
                                   : BATCHER_LENGTH);
    return ERR_OK;
}

static enum err sample(struct batcher *b, struct choice *c, uint32_t row,
                       struct why *why)
{
    int32_t token;
    bool more;
    if (!c->first_us)
        c->first_us = b->now_us();
    TRY(b->engine->ops->sample(c->sampler, row, &token, why));
    return take_token(b, c, row, token, &more, why);
}

static enum err vector(struct batcher *b, struct choice *c, struct why *why)
{
    uint32_t n = b->engine->facts.n_embd;
    CLEANUP(mem_freep) float *v = mem_calloc(n, sizeof *v);
    if (!v)
        return FAIL(why, ERR_NOMEM, "no memory for an embedding");
    TRY(embed_finish(b, c, v, why));
    c->first_us = b->now_us();
    b->sink.vector(b->sink.ctx, c->job->req, c->index, choice_count(c), v, n);
    end_choice(b, c, BATCHER_STOP);
    return ERR_OK;
}

static void hand_out(struct batcher *b, struct batcher_part *part)
{
    struct choice *c = part->choice;
    struct why why = WHY_INIT;
    if (c->state != CHOICE_RUNNING)
        return; /* its job ended in this step */
    enum err e =
        prefix_add(b->prefix, c->seq, choice_tokens(c) + c->fed, part->count);
    if (e == ERR_OK && c->job->embed) {
        e = embed_take(b, part, &why);
        c->fed += part->count;
        if (e == ERR_OK && choice_left(c) == 0)
            e = vector(b, c, &why);
    } else if (e == ERR_OK) {
        c->fed += part->count;
        if (choice_left(c) == 0)
            e = sample(b, c, part->last, &why);
    }
    if (e != ERR_OK) {
        if (!why.code)
            (void)FAIL(&why, e, "no memory for this request");
        delta_clear(&b->delta);
        fail_job(b, c->job, &why);
    }
}

static void measure(struct batcher *b, uint64_t us)
{
    uint32_t prompt = 0;
    for (uint32_t i = 0; i < b->n_parts; i++)
        prompt += b->parts[i].count > 1 ? b->parts[i].count : 0;
    double *what = prompt ? &b->us_per_token : &b->us_per_step, now = 0;
    if (!prompt) {
        now = (double)us;
    } else {
        double rest = (double)us;
        if (prompt < b->batch.count && b->us_per_step < rest)
            rest -= b->us_per_step; /* the neighbours' share */
        if (prompt < BATCHER_SLICE_MIN)
            return;
        now = rest / prompt;
    }
    *what = *what > 0 ? 0.7 * *what + 0.3 * now : now;
}

/* The engine kept an unknown part of the batch: back to what we know. */
static void undo(struct batcher *b)
{
    for (uint32_t i = 0; i < b->n_parts; i++) {
        struct choice *c = b->parts[i].choice;
        if (c->state == CHOICE_RUNNING
            && !b->engine->ops->seq_cut(b->engine, c->seq, c->fed))
            admit_send_back(b, c);
    }
}

static void fail_batch(struct batcher *b, const char *text)
{
    struct why why = WHY_INIT;
    (void)FAIL(&why, ERR_RUNNER, "%s", text);
    undo(b);
    for (uint32_t i = 0; i < b->n_parts; i++)
        if (b->parts[i].choice->state == CHOICE_RUNNING)
            fail_job(b, b->parts[i].choice->job, &why);
}

bool batcher_step(struct batcher *b)
{
    admit_waiting(b);
    build(b);
    if (b->batch.count == 0)
        return false;
    uint64_t start = b->now_us();
    enum engine_step r =
        b->engine->ops->decode(b->engine, &b->batch, b->embed_turn);
    uint64_t took = b->now_us() - start;
    b->stats.steps++;
    b->stats.busy_us += took;
    switch (r) {
    case ENGINE_DONE:
        measure(b, took);
        for (uint32_t i = 0; i < b->n_parts; i++)
            hand_out(b, &b->parts[i]);
        break;
    case ENGINE_ABORTED:
        undo(b);
        break;
    case ENGINE_FULL:
        fail_batch(b, "the cache is fuller than it should be");
        break;
    case ENGINE_BROKEN:
        fail_batch(b, "the computation failed");
        break;
    }
    b->n_parts = 0;
    reap(b);
    return true;
}

void batcher_stats(const struct batcher *b, struct batcher_stats *out)
{
    *out = b->stats;
    out->n_active = b->n_running;
    out->n_waiting = 0;
    for (const struct job *j = b->jobs; j; j = j->next)
        out->n_waiting += j->n - j->n_ended - j->n_running;
    out->cells_used = prefix_cells(b->prefix);
    out->cells_total = b->engine->facts.n_ctx;
}
