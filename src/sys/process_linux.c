/*
 * Facts from /proc (proc(5)).
 */
#include "sys/process.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/sys.h"

/* Fields of /proc/<pid>/stat, counted from the state after ")", which may
 * itself stand in the program's name: so the last one counts. */
enum { STAT_STATE = 0, STAT_THREADS = 17, STAT_START = 19 };

static enum err stat_field(int pid, unsigned index, struct str *out,
                           struct buf *text)
{
    char path[48];
    struct str s, field = STR_EMPTY;
    size_t name_end = SIZE_MAX;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    buf_clear(text);
    TRY(fs_read(path, text, NULL));
    s = buf_str(text);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ')')
            name_end = i;
    if (name_end == SIZE_MAX)
        return ERR_PARSE;
    s = str_trim(str_sub(s, name_end + 1, SIZE_MAX));
    for (unsigned i = 0; i <= index; i++)
        field = str_cut(&s, ' ');
    if (field.n == 0)
        return ERR_PARSE;
    *out = field;
    return ERR_OK;
}

static enum err start_and_state(int pid, uint64_t *start, char *state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    struct str field;

    TRY(stat_field(pid, STAT_STATE, &field, &text));
    *state = field.p[0];
    TRY(stat_field(pid, STAT_START, &field, &text));
    return str_u64(field, UINT64_MAX, start) ? ERR_OK : ERR_PARSE;
}

enum err process_id_of(int pid, struct process_id *out)
{
    uint64_t start = 0;
    char state = 0;

    TRY(start_and_state(pid, &start, &state));
    *out = (struct process_id){pid, start};
    return ERR_OK;
}

bool process_alive(const struct process_id *id)
{
    uint64_t start = 0;
    char state = 0;

    return start_and_state(id->pid, &start, &state) == ERR_OK
           && start == id->start && state != 'Z' && state != 'X';
}

enum err process_threads(unsigned *out)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    struct str field;
    uint64_t n = 0;

    TRY(stat_field(process_self(), STAT_THREADS, &field, &text));
    if (!str_u64(field, 1U << 22, &n))
        return ERR_PARSE;
    *out = (unsigned)n;
    return ERR_OK;
}

enum err process_adopt(void)
{
    return SYS(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0
               ? ERR_OK
               : ERR_UNSUPPORTED;
}

enum err process_children(int *pids, size_t cap, size_t *count)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
    struct str rest;
    char path[64];
    size_t n = 0;
    uint64_t pid;

    /* Children belong to the thread that made them; ours are all of one. */
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
                   process_self());
    if (fs_read(path, &text, NULL) != ERR_OK)
        return ERR_UNSUPPORTED;
    rest = buf_str(&text);
    while (rest.n != 0 && n < cap)
        if (str_u64(str_cut(&rest, ' '), INT_MAX, &pid))
            pids[n++] = (int)pid;
    *count = n;
    return ERR_OK;
}

/* The second number of /proc/<pid>/statm is the resident pages. */
static enum err resident(struct str text, uint64_t *out_bytes)
{
    long page = sysconf(_SC_PAGESIZE);
    uint64_t pages = 0;

    (void)str_cut(&text, ' ');
    if (page <= 0 || !str_u64(str_cut(&text, ' '), UINT64_MAX >> 16, &pages))
        return ERR_PARSE;
    *out_bytes = pages * (uint64_t)page;
    return ERR_OK;
}

enum err process_rss(int pid, uint64_t *out_bytes)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(256);
    char path[48];

    (void)snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    TRY(fs_read(path, &text, NULL));
    return resident(buf_str(&text), out_bytes);
}

enum err process_rss_self(uint64_t *out_bytes)
{
    /* Opened once and for good: later the sandbox would refuse. */
    static int statm = -1;
    char text[256];
    ssize_t n;

    if (__atomic_load_n(&statm, __ATOMIC_ACQUIRE) == -1) {
        int none = -1;
        int fd = SYS(open("/proc/self/statm", O_RDONLY | O_CLOEXEC));

        if (fd == -1)
            return sys_err(errno);
        if (!__atomic_compare_exchange_n(&statm, &none, fd, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            fd_close(fd); /* another thread was faster */
    }
    n = SYS_RETRY(pread(__atomic_load_n(&statm, __ATOMIC_ACQUIRE), text,
                        sizeof(text), 0));
    if (n < 0)
        return sys_err(errno);
    return resident((struct str){text, (size_t)n}, out_bytes);
}

enum err process_exe(char *out, size_t cap, struct why *w)
{
    char path[FS_PATH_MAX];
    ssize_t n = SYS(readlink("/proc/self/exe", path, sizeof(path)));

    if (n < 0)
        return SYS_FAIL(w, "cannot find this program's file");
    if ((size_t)n == sizeof(path)
        || !str_z((struct str){path, (size_t)n}, out, cap))
        return FAIL(w, ERR_LIMIT, "this program's path is too long");
    return ERR_OK;
}
