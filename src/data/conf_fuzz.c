/* Paths are unique and can be walked; failures have a text. */
#include "data/conf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct conf c CLEANUP(conf_done) = CONF_INIT;
    struct why why = WHY_INIT;
    struct str text = {(const char *)data, size};

    if (conf_parse(&c, text, "f", &why) != ERR_OK) {
        if (why.msg[0] == '\0')
            abort();
        return 0;
    }
    for (size_t i = 0; i < c.count; i++) {
        struct str path = c.items[i].path, key;
        long index;

        if (c.count < 100 && conf_get(&c, path) != &c.items[i])
            abort();
        while (conf_next_step(&path, &key, &index))
            if (index < -1)
                abort();
        if (path.n != 0 || c.items[i].line == 0)
            abort();
    }
    return 0;
}
