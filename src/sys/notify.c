#include "sys/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sys.h"

enum err notify_send(const char *state, struct why *w)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct str path = str_c(process_env("NOTIFY_SOCKET"));
    struct str text = str_c(state);
    CLEANUP(fd_closep) int fd = -1;

    if (path.n == 0)
        return ERR_OK;
    if ((path.p[0] != '/' && path.p[0] != '@') || path.n >= sizeof(to.sun_path))
        return FAIL(w, ERR_CONFIG, "NOTIFY_SOCKET is not a socket's path");
    memcpy(to.sun_path, path.p, path.n);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract name */
    fd = SYS(socket(AF_UNIX, SOCK_DGRAM, 0));
    if (fd == -1 || fd_cloexec(fd, true) != ERR_OK)
        return SYS_FAIL(w, "cannot make a notification socket");
    if (SYS_RETRY(sendto(
            fd, text.p, text.n, 0, (const struct sockaddr *)&to,
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n)))
        == -1)
        return SYS_FAIL(w, "cannot notify the service manager");
    return ERR_OK;
}

uint64_t notify_watchdog_us(void)
{
    uint64_t us = 0, pid = 0;
    const char *for_pid = process_env("WATCHDOG_PID");

    if (for_pid != NULL
        && (!str_u64(str_c(for_pid), UINT32_MAX, &pid)
            || pid != (uint64_t)process_self()))
        return 0;
    if (!str_u64(str_c(process_env("WATCHDOG_USEC")), UINT64_MAX, &us))
        return 0;
    return us;
}
