/* Any body of a chat or a completion: read, checked, and turned into the
 * runner's message, which must then be one that can be read back. */
#include "gateway/oai_messages.h"
#include "gateway/oai_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_as(struct str body, int where)
{
    struct arena CLEANUP(arena_done) a = ARENA_INIT(4 << 20);
    struct buf CLEANUP(buf_done) input = BUF_INIT(4 << 20);
    struct buf CLEANUP(buf_done) payload = BUF_INIT(8 << 20);
    struct oai_err o = OAI_ERR_INIT;
    struct oai_params p;
    struct msg_generate m, back;
    uint32_t branches = 0;

    if (oai_params_read(body, where, &a, &p, &o) != ERR_OK
        || oai_params_fill(&p, &a, &m, &o) != ERR_OK
        || (where == OAI_CHAT
            && (oai_messages_check(&p, &branches, &o) != ERR_OK
                || oai_messages_input(&p, &input) != ERR_OK))) {
        if (oai_err_write(&o, &input) != ERR_OK || o.msg[0] == '\0')
            abort();
        return;
    }
    m.input = buf_str(&input);
    if (msg_generate_put(&payload, &m) != ERR_OK
        || msg_generate_get(buf_str(&payload), &back, NULL) != ERR_OK
        || (where == OAI_CHAT
            && json_scan_check(back.input, JSON_DEPTH_MAX, NULL) != ERR_OK))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};

    try_as(body, OAI_CHAT);
    try_as(body, OAI_COMPLETION);
    return 0;
}
