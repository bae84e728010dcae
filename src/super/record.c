#include "super/record.h"

#include "data/json.h"
#include "data/jsonw.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/process.h"

enum { LINE_MAX_BYTES = 16384 };

static enum err life_line(const struct record_life *r, struct buf *line)
{
    struct jsonw w = JSONW_INIT(line);
    char time[CLOCK_TEXT_MAX], how[CHILD_TEXT_MAX];

    clock_text(clock_unix_ms(), time);
    jsonw_obj(&w);
    jsonw_key_cstr(&w, "time", time);
    jsonw_key_cstr(&w, "event", r->event);
    jsonw_key_cstr(&w, "who", r->who);
    if (r->what[0] != '\0')
        jsonw_key_cstr(&w, "what", r->what);
    if (r->pid != 0)
        jsonw_key_i64(&w, "pid", r->pid);
    if (r->starts != 0)
        jsonw_key_u64(&w, "starts", r->starts);
    if (r->status != NULL) {
        child_text(r->status, how);
        jsonw_key_cstr(&w, "status", how);
        jsonw_key_u64(&w, "peak_bytes", r->status->peak_bytes);
        jsonw_key_u64(&w, "cpu_us", r->status->cpu_us);
    }
    jsonw_obj_end(&w);
    TRY(jsonw_end(&w));
    return buf_add_byte(line, '\n');
}

static enum err life_add(const struct paths *p, const struct record_life *r,
                         struct why *w)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    char path[FS_PATH_MAX];
    enum err e;

    TRY(fs_join(p->state, "log", path));
    TRY(fs_mkdirs(path, w));
    TRY(fs_join(p->state, "log/lives.jsonl", path));
    e = life_line(r, &line);
    if (e != ERR_OK)
        return FAIL(w, e, "cannot write a line for %s", path);
    return fs_append(path, buf_str(&line), w);
}

void record_life(const struct paths *p, const struct record_life *r)
{
    struct why w = WHY_INIT;
    enum err e = life_add(p, r, &w);

    if (e != ERR_OK)
        LOG(ERROR, SUPER, "lives_not_written", LOG_ERR(e), LOG_WHY(&w));
}

enum err record_serve(const struct super_opts *o, const char *address,
                      struct why *w)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);
    struct jsonw j = JSONW_INIT(&text);
    char path[FS_PATH_MAX], time[CLOCK_TEXT_MAX];
    struct process_id self = {.pid = process_self()};
    enum err e;

    clock_text(clock_unix_ms(), time);
    if (process_id_of(self.pid, &self) != ERR_OK)
        self.start = 0; /* then a reader cannot tell us from a later pid */
    jsonw_obj(&j);
    jsonw_key_i64(&j, "pid", self.pid);
    jsonw_key_u64(&j, "pid_start", self.start);
    jsonw_key_cstr(&j, "address", address);
    jsonw_key_cstr(&j, "gateway_socket",
                   o->gateway_socket != NULL ? o->gateway_socket : "");
    jsonw_key_cstr(&j, "work_socket",
                   o->work_socket != NULL ? o->work_socket : "");
    jsonw_key_cstr(&j, "ready", time);
    jsonw_obj_end(&j);
    e = jsonw_end(&j);
    if (e == ERR_OK)
        e = buf_add_byte(&text, '\n');
    if (e == ERR_OK)
        e = fs_join(o->paths->run, "serve.json", path);
    if (e != ERR_OK)
        return FAIL(w, e, "cannot describe the server in serve.json");
    return fs_write_atomic(path, buf_str(&text), 0600, w);
}

void record_serve_drop(const struct paths *p)
{
    char path[FS_PATH_MAX];
    struct why w = WHY_INIT;
    enum err e = fs_join(p->run, "serve.json", path);

    if (e == ERR_OK)
        e = fs_remove(path, &w);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        LOG(WARN, SUPER, "serve_json_not_removed", LOG_WHY(&w));
}

/* ---- reading it back ---------------------------------------------------- */

static enum err where_from(struct str text, struct super_where *out,
                           struct process_id *id, struct why *w)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct super_where found = {0};
    struct str address, gateway, work;
    uint64_t pid = 0, start = 0;
    struct json root;

    TRY(json_parse(&doc, text, NULL, w));
    root = json_root(&doc);
    TRY(json_get_u64(root, "pid", 1, INT32_MAX, &pid, w));
    TRY(json_get_u64(root, "pid_start", 0, UINT64_MAX, &start, w));
    TRY(json_get_str(root, "address", &address, w));
    TRY(json_get_str(root, "gateway_socket", &gateway, w));
    TRY(json_get_str(root, "work_socket", &work, w));
    found.pid = (int)pid;
    if (!str_z(address, found.address, sizeof(found.address))
        || !str_z(gateway, found.gateway_socket, sizeof(found.gateway_socket))
        || !str_z(work, found.work_socket, sizeof(found.work_socket)))
        return FAIL(w, ERR_LIMIT, "a value of serve.json is too long");
    *out = found;
    *id = (struct process_id){found.pid, start};
    return ERR_OK;
}

enum err super_find(const struct paths *p, struct super_where *out,
                    struct why *w)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);
    struct super_where found = {0};
    struct process_id id = {0};
    char path[FS_PATH_MAX];

    TRY(fs_join(p->run, "serve.json", path));
    if (!fs_is_file(path))
        return FAIL(w, ERR_NOTFOUND,
                    "no hearth serves this home: start one with "
                    "`hearth serve`");
    TRY(fs_read(path, &text, w));
    TRY(where_from(buf_str(&text), &found, &id, w));
    if (!process_alive(&id))
        return FAIL(w, ERR_NOTFOUND,
                    "the hearth that served this home (process %d) is gone",
                    found.pid);
    *out = found;
    return ERR_OK;
}
