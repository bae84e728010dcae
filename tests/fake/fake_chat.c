#include "fake/fake_chat.h"

#include "data/sse.h"

struct fake_chat fake_chat;

void fake_chat_on_abort(void *ctx, struct http_ref ref)
{
    (void)ctx;
    (void)ref;
    atomic_fetch_add(&fake_chat.aborts, 1);
}

static enum err serve(struct work_web *web, struct http_req *req,
                      struct str arg, struct why *w)
{
    static const struct http_events events = {.on_abort = fake_chat_on_abort};
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
    const struct http_answer a = {.status = 200,
                                  .type = STR("text/event-stream")};

    (void)arg;
    (void)snprintf(fake_chat.asked, sizeof(fake_chat.asked), "%.*s",
                   STR_ARG(req->body));
    if (fake_chat.refusal != ERR_OK)
        return FAIL(w, fake_chat.refusal, "no such model");
    for (size_t i = 0; fake_chat.script[i] != NULL; i++)
        TRY(sse_add_data(&out, NULL, str_c(fake_chat.script[i])));
    http_follow(req, &events, NULL);
    TRY(http_stream_begin(web->server, req->ref, &a));
    TRY(http_stream_write(web->server, req->ref, buf_str(&out)));
    return fake_chat.never_ends ? ERR_OK
                                : http_stream_end(web->server, req->ref);
}

const struct work_route fake_chat_route = {.method = "POST",
                                           .path = "/v1/chat/completions",
                                           .body_max = 1 << 20,
                                           .serve = serve};
