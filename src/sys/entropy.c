#include "sys/entropy.h"

#include <unistd.h>

#include "sys/sys.h"

enum err entropy_fill(void *p, size_t n)
{
    unsigned char *at = p;

    while (n > 0) {
        size_t part = MIN(n, (size_t)256); /* getentropy's own ceiling */

        if (SYS_RETRY(getentropy(at, part)) != 0)
            return ERR_IO;
        at += part;
        n -= part;
    }
    return ERR_OK;
}
