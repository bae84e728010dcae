/* Any text as configuration file: settings that pass all checks, or a message
 * that says what is wrong. */
#include "config/options_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options CLEANUP(options_done) o = {0};
    struct str text = {(const char *)data, size};
    struct why why = WHY_INIT;

    if (options_init(&o, &why) != ERR_OK)
        abort();
    if (options_read_yaml(&o, text, "f", &why) != ERR_OK
        || options_resolve(&o, STR("/h"), STR("/u"), &why) != ERR_OK
        || options_check(&o, &why) != ERR_OK) {
        if (why.msg[0] == '\0')
            abort();
    }
    return 0;
}
