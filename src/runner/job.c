#include "runner/job.h"

#include "base/mem.h"

#define TOKENS_MAX ((size_t)1 << 30) /* bytes; over any context */

struct job *job_new(struct engine *e, uint32_t req, uint32_t n)
{
    struct job *j = mem_zalloc(sizeof *j);
    if (!j)
        return NULL;
    j->engine = e;
    j->req = req;
    j->stops = STOPS_INIT;
    j->choices = mem_calloc(n, sizeof *j->choices);
    if (!j->choices) {
        job_free(j);
        return NULL;
    }
    j->n = n;
    for (uint32_t i = 0; i < n; i++) {
        struct choice *c = &j->choices[i];
        c->job = j;
        c->index = i;
        c->seq = -1;
        c->tokens = BUF_INIT(TOKENS_MAX);
        output_init(&c->out, e, &j->stops, NULL);
    }
    return j;
}

void job_free(struct job *j)
{
    if (!j)
        return;
    const struct engine_ops *ops = j->engine->ops;
    for (uint32_t i = 0; j->choices && i < j->n; i++) {
        struct choice *c = &j->choices[i];
        output_done(&c->out);
        if (c->sampler)
            ops->sampler_free(c->sampler);
        buf_done(&c->tokens);
        mem_free(c->sum);
    }
    for (uint32_t i = 0; i < j->n_chats; i++)
        if (j->chats[i])
            ops->chat_free(j->chats[i]);
    mem_free(j->chats);
    mem_free(j->choices);
    stops_done(&j->stops);
    mem_free(j);
}

const int32_t *choice_tokens(const struct choice *c)
{
    return (const int32_t *)(const void *)c->tokens.data;
}

uint32_t choice_count(const struct choice *c)
{
    return (uint32_t)(c->tokens.len / sizeof(int32_t));
}

uint32_t choice_left(const struct choice *c)
{
    return choice_count(c) - c->fed;
}

enum err choice_add(struct choice *c, int32_t token)
{
    return buf_add(&c->tokens,
                   (struct str){(const char *)&token, sizeof token});
}
