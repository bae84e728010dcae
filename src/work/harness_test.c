#include "work/harness.h"

#include "sys/fs.h"
#include "test.h"

static void same(const char *held, const char *path)
{
    CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);

    CHECK(fs_read(path, &file, NULL) == ERR_OK);
    if (!str_eq(buf_str(&file), str_c(held)))
        print_error("%s changed after src/work/harness.c was compiled: touch "
                    "that file\n",
                    path);
    CHECK(str_eq(buf_str(&file), str_c(held)));
}

TEST(the_programs_inside_are_those_of_the_tree)
{
    same(harness_python, "src/work/harness_python.py");
    same(harness_node, "src/work/harness_node.js");
}

TEST(a_program_fits_into_one_argument_of_a_command)
{
    /* MAX_ARG_STRLEN of Linux is 128 KiB. */
    CHECK(strlen(harness_python) < 100 << 10);
    CHECK(strlen(harness_node) < 100 << 10);
}
