#include "fake/chat_input.h"

#include "data/jsonw.h"
#include "test.h"

struct json chat_input(const char *role, struct str content,
                       struct json_doc *doc)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
    struct jsonw w = JSONW_INIT(&text);

    jsonw_obj(&w);
    jsonw_key_arr(&w, "messages");
    jsonw_obj(&w);
    jsonw_key_cstr(&w, "role", role);
    jsonw_key_str(&w, "content", content);
    jsonw_obj_end(&w);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    CHECK(jsonw_end(&w) == ERR_OK);
    CHECK(json_parse(doc, buf_str(&text), NULL, NULL) == ERR_OK);
    return json_root(doc);
}
