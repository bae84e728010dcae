#include "model/registry.h"

#include "fake/scratch.h"
#include "test.h"

static const char tiny[] = "models/tiny/tiny-1m-q8_0.gguf";

static struct registry *make(void)
{
    struct registry *r = NULL;

    CHECK(registry_new(1, &r) == ERR_OK);
    return r;
}

static struct registry_want want(const char *id, const char *path)
{
    return (struct registry_want){.id = str_c(id),
                                  .aliases = STR_EMPTY,
                                  .path = str_c(path),
                                  .parallel = 4};
}

static void write_tiny(struct scratch *s, const char *name)
{
    struct buf CLEANUP(buf_done) gguf = BUF_INIT(16 << 20);

    CHECK(fs_read(tiny, &gguf, NULL) == ERR_OK);
    scratch_write(s, name, buf_str(&gguf));
}

TEST(a_model_is_known_by_its_id_and_aliases_with_its_facts)
{
    struct registry *r = make();
    struct registry_want w = want("one", tiny);
    const struct registry_model *m;
    size_t i = 99;

    w.aliases = STR("x,y,one");
    CHECK(registry_add(r, &w, &i, NULL) == ERR_OK && i == 0);
    CHECK(registry_find(r, STR("one")) == 0);
    CHECK(registry_find(r, STR("y")) == 0);
    CHECK(registry_find(r, STR("One")) == SIZE_MAX);
    m = registry_at(r, 0);
    CHECK(m->problem == ERR_OK && m->kind == REGISTRY_GENERATE);
    CHECK(strcmp(m->arch, "llama") == 0 && m->has_template);
    CHECK(m->facts.n_params > 1000000 && m->facts.context_length == 1024);
    CHECK(m->file.size_bytes > 1000000);
    registry_free(r);
}

TEST(a_name_is_given_once)
{
    struct registry *r = make();
    struct registry_want w = want("one", tiny), other = want("two", tiny);
    struct why why = WHY_INIT;

    w.aliases = STR("x");
    other.aliases = STR("z,x");
    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    CHECK(registry_add(r, &other, NULL, &why) == ERR_EXISTS);
    CHECK(str_has(str_c(why.msg), STR("\"x\"")));
    /* nothing of it is left */
    CHECK(registry_count(r) == 1);
    CHECK(registry_find(r, STR("two")) == SIZE_MAX);
    CHECK(registry_find(r, STR("z")) == SIZE_MAX);
    registry_free(r);
}

TEST(the_context_is_at_most_what_it_was_trained_for)
{
    struct registry *r = make();
    struct registry_want w = want("one", tiny);

    w.context = 512;
    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    w = want("two", tiny);
    w.context = 8192;
    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    w = want("three", tiny);
    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    CHECK(registry_context(registry_at(r, 0)) == 512);
    CHECK(registry_context(registry_at(r, 1)) == 1024);
    CHECK(registry_context(registry_at(r, 2)) == 1024);
    registry_free(r);
}

TEST(a_file_that_cannot_be_used_is_an_entry_with_its_problem)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct registry *r = make();
    struct registry_want w = want("gone", "/nonexistent/x.gguf");

    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    CHECK(registry_at(r, 0)->problem == ERR_MODEL);
    CHECK(strstr(registry_at(r, 0)->problem_text, "/nonexistent/x.gguf"));
    scratch_write(&s, "bad.gguf", STR("GGUF\x03"));
    w = want("bad", scratch_path(&s, "bad.gguf"));
    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    CHECK(registry_at(r, 1)->problem == ERR_MODEL);
    CHECK(strstr(registry_at(r, 1)->problem_text, "bad.gguf") != NULL);
    w = want("folder", "/tmp");
    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    CHECK(registry_at(r, 2)->problem == ERR_MODEL);
    registry_free(r);
}

TEST(a_file_that_was_replaced_is_read_again)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct registry *r = make();
    struct registry_want w;

    scratch_write(&s, "m.gguf", STR("nothing"));
    w = want("m", scratch_path(&s, "m.gguf"));
    CHECK(registry_add(r, &w, NULL, NULL) == ERR_OK);
    CHECK(registry_at(r, 0)->problem == ERR_MODEL);
    write_tiny(&s, "m.gguf");
    CHECK(registry_refresh(r, 0));
    CHECK(registry_at(r, 0)->problem == ERR_OK);
    CHECK(!registry_refresh(r, 0));
    CHECK(fs_remove(scratch_path(&s, "m.gguf"), NULL) == ERR_OK);
    CHECK(registry_refresh(r, 0));
    CHECK(registry_at(r, 0)->problem == ERR_MODEL);
    registry_free(r);
}

TEST(a_folder_gives_its_gguf_files_and_nothing_else)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct registry *r = make();
    const struct registry_want like = want("", "");
    size_t added = 0;

    write_tiny(&s, "my model.gguf");
    scratch_write(&s, "q\n\x1b[31m\xc2\x9b\xff%.gguf", STR("x"));
    scratch_write(&s, "notes.txt", STR("x"));
    scratch_write(&s, ".hidden.gguf", STR("x"));
    scratch_write(&s, ".gguf", STR("x"));
    scratch_write(&s, "mmproj-x.gguf", STR("x"));
    scratch_write(&s, "big-00001-of-00002.gguf", STR("x"));
    scratch_write(&s, "big-00002-of-00002.gguf", STR("x"));
    scratch_write(&s, "below/other.gguf", STR("x"));
    CHECK(registry_scan(r, s.dir, &like, &added, NULL) == ERR_OK);
    CHECK(added == 3);
    CHECK(registry_find(r, STR("my-model")) != SIZE_MAX);
    CHECK(registry_find(r, STR("q--[31m---")) != SIZE_MAX);
    CHECK(registry_find(r, STR("big-00001-of-00002")) != SIZE_MAX);
    CHECK(registry_scan(r, s.dir, &like, &added, NULL) == ERR_OK);
    CHECK(added == 0);
    write_tiny(&s, "new.gguf");
    CHECK(registry_scan(r, s.dir, &like, &added, NULL) == ERR_OK);
    CHECK(added == 1 && registry_at(r, 3)->want.parallel == 4);
    CHECK(registry_scan(r, "/nonexistent", &like, &added, NULL) == ERR_OK);
    registry_free(r);
}

static bool whole_life(void)
{
    struct registry *r = NULL;
    struct registry_want w = want("one", tiny);
    bool ok;

    if (registry_new(1, &r) != ERR_OK)
        return false;
    w.aliases = STR("x,y");
    ok = registry_add(r, &w, NULL, NULL) == ERR_OK
         && registry_at(r, 0)->problem == ERR_OK;
    CHECK(ok || registry_find(r, STR("x")) == SIZE_MAX
          || registry_at(r, 0)->problem == ERR_NOMEM);
    registry_free(r);
    return ok;
}

TEST(a_lack_of_memory_adds_nothing_or_is_the_models_problem)
{
    TEST_OOM(whole_life());
}
