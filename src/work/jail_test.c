/* What a program inside can do. Each is tried by a real program. */
#include "work/jail.h"

#include "fake/scratch.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "test.h"

/* Runs a Python program inside; its output in `out`. */
static struct child_status inside(const char *dir, const char *program,
                                  bool writable, struct buf *out)
{
    const char *argv[] = {"/usr/bin/python3", "-I", "-S", "-c", program, NULL};
    CLEANUP(child_run_done)
    struct child_run run =
        CHILD_RUN_INIT(4096, 4096, clock_us() + UINT64_C(20000000));
    struct jail_opts o = JAIL_OPTS(dir, argv);
    CLEANUP(jail_done) struct jail j = JAIL_INIT;
    struct child_map map = {-1, JAIL_FD};
    struct child_opts c = {.own_group = true, .fds = &map, .n_fds = 1};

    o.writable = writable;
    CHECK(jail_make(&o, &j, NULL) == ERR_OK);
    c.argv = j.argv;
    map.from = j.filter;
    CHECK(child_run(&c, &run, NULL) == ERR_OK);
    CHECK(!run.timed_out);
    CHECK(buf_add(out, buf_str(&run.out)) == ERR_OK);
    if (run.err.len != 0)
        print_message("  %.*s\n", STR_ARG(buf_str(&run.err)));
    return run.status;
}

static void says(const char *program, const char *want)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf out = BUF_INIT(4096);

    (void)inside(s.dir, program, false, &out);
    if (!str_eq(str_trim(buf_str(&out)), str_c(want)))
        print_error("%s\nsays: %.*s\n", program, STR_ARG(buf_str(&out)));
    CHECK(str_eq(str_trim(buf_str(&out)), str_c(want)));
}

TEST(there_is_a_sandbox_on_this_machine)
{
    struct why why = WHY_INIT;
    enum err e = jail_check(&why);

    if (e != ERR_OK)
        print_error("%s\n", err_why(&why));
    CHECK(e == ERR_OK);
}

TEST(only_system_programs_and_the_folder_are_to_be_seen)
{
    says("import os; print(*sorted(os.listdir('/')))",
         "bin dev etc lib lib64 tmp usr w");
    says("import os; print(dict(os.environ).get('PATH'), "
         "sorted(set(os.environ) - {'LC_CTYPE'}))",
         "/usr/bin:/bin ['HOME', 'LANG', 'PATH', 'PWD', "
         "'PYTHONDONTWRITEBYTECODE', 'PYTHONHASHSEED']");
}

TEST(nothing_but_a_small_tmp_can_be_written)
{
    says("for p in ('/x', '/w/x', '/usr/x', '/dev/x', '/etc/x'):\n"
         "  try: open(p, 'w'); print(p)\n"
         "  except OSError: pass\n"
         "open('/tmp/x', 'w'); print('end')",
         "end");
    says("n = 0\n"
         "try:\n"
         "  for i in range(100):\n"
         "    with open('/tmp/%d' % i, 'wb') as f: f.write(b'x' * (1 << 20))\n"
         "    n += 1\n"
         "except OSError: print(n <= 16)",
         "True");
}

TEST(there_is_no_network)
{
    says("import socket\n"
         "try:\n"
         "  s = socket.create_connection(('1.1.1.1', 53), 2); print('open')\n"
         "except OSError: print('none')",
         "none");
}

TEST(no_other_process_is_to_be_seen_or_signalled)
{
    says("import os, signal\n"
         "n = 0\n"
         "for pid in range(4, 40000):\n"
         "  try: os.kill(pid, 0); n += 1\n"
         "  except OSError: pass\n"
         "print(n)",
         "0");
}

TEST(there_are_no_capabilities_and_no_new_user_namespaces)
{
    says("import ctypes\n"
         "libc = ctypes.CDLL(None, use_errno=True)\n"
         "print(libc.unshare(0x10000000))",
         "-1");
    says("import os\n"
         "try: os.chroot('/tmp'); print('root')\n"
         "except OSError: print('no')",
         "no");
}

TEST(memory_and_file_sizes_are_bounded)
{
    says("try: x = bytearray(1 << 31); print('got it')\n"
         "except MemoryError: print('no')",
         "no");
    says("import signal\n"
         "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
         "try:\n"
         "  with open('/tmp/x', 'wb') as f: f.write(b'x' * (8 << 20))\n"
         "  print('wrote')\n"
         "except OSError: print('no')",
         "no");
}

TEST(the_folder_is_writable_only_on_request)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
    struct child_status st;

    st = inside(s.dir, "open('/w/x', 'w')", true, &out);
    CHECK(st.exited && st.code == 0);
    CHECK(fs_is_file(scratch_path(&s, "x")));
}

TEST(too_many_arguments_are_refused)
{
    const char *argv[JAIL_ARGS + 1];
    struct jail_opts o = JAIL_OPTS("/tmp", argv);
    CLEANUP(jail_done) struct jail j = JAIL_INIT;

    for (size_t i = 0; i < JAIL_ARGS; i++)
        argv[i] = "x";
    argv[JAIL_ARGS] = NULL;
    CHECK(jail_make(&o, &j, NULL) == ERR_LIMIT);
}

TEST(a_program_cannot_speak_in_the_name_of_the_sandbox)
{
    CHECK(jail_blame(STR("bwrap: No permissions to create namespace"), NULL)
          == ERR_OK); /* the sandbox works: somebody else wrote this */
}

TEST(sockets_that_namespaces_do_not_hold_are_refused)
{
    says("import socket\n"
         "for family in (socket.AF_VSOCK, socket.AF_INET, socket.AF_NETLINK):\n"
         "  try: socket.socket(family, socket.SOCK_STREAM); print('made')\n"
         "  except PermissionError: print('no')",
         "no\nno\nno");
    says("import socket\na, b = socket.socketpair(); print('made')", "made");
}

TEST(keys_and_other_doors_to_the_kernel_are_shut)
{
    says("import ctypes, os, sys\n"
         "if os.uname().machine != 'x86_64': print('end'); sys.exit()\n"
         "libc = ctypes.CDLL(None, use_errno=True)\n"
         "for call in (250, 248, 321, 425, 298, 101, 165):\n"
         "  ctypes.set_errno(0)\n"
         "  r = libc.syscall(call, 0, -3, 0, 0, 0)\n"
         "  print(r, os.strerror(ctypes.get_errno())) if ctypes.get_errno() "
         "!= 1 else None\n"
         "print('end')",
         "end");
}

TEST(threads_can_be_made_and_processes_cannot)
{
    says("import threading\n"
         "t = threading.Thread(target=lambda: print('ran')); t.start(); "
         "t.join()",
         "ran");
    says("import os\n"
         "try: os.fork(); print('forked')\n"
         "except OSError: print('no')",
         "no");
    says("import subprocess\n"
         "try: subprocess.run(['/usr/bin/true']); print('ran')\n"
         "except OSError: print('no')",
         "no");
}
