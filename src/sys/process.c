#include "sys/process.h"

#include <stdlib.h>
#include <unistd.h>

int process_self(void)
{
    return (int)getpid();
}

int process_parent(void)
{
    return (int)getppid();
}

unsigned process_user(void)
{
    return (unsigned)geteuid();
}

const char *process_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}
