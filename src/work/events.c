#include "work/events.h"

static const struct {
    const char *name;
    bool stored;
    const char *text, *fields;
} rows[EVENT_COUNT] = {
#define EVENT(NAME, name, stored, text, fields) {name, stored, text, fields},
#include "work/events.def"
#undef EVENT
};

const char *event_name(enum event_id e)
{
    return e < EVENT_COUNT ? rows[e].name : "?";
}

bool event_is_stored(enum event_id e)
{
    return e < EVENT_COUNT && rows[e].stored;
}

bool event_parse(struct str name, enum event_id *out)
{
    for (int i = 0; i < EVENT_COUNT; i++) {
        if (str_eq(name, str_c(rows[i].name))) {
            *out = (enum event_id)i;
            return true;
        }
    }
    return false;
}

enum err event_doc(struct buf *out)
{
    TRY(buf_add_c(out, "| event | what it says | fields |\n|---|---|---|\n"));
    for (int i = 0; i < EVENT_COUNT; i++)
        TRY(buf_printf(out, "| `%s`%s | %s | %s |\n", rows[i].name,
                       rows[i].stored ? "" : " (not stored)", rows[i].text,
                       rows[i].fields));
    return ERR_OK;
}
