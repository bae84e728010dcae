/*
 * fuzz_replay.c - main() of a fuzz target where libFuzzer is not: feeds it the
 * empty input and every file of the folder given, then says how many.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX_BYTES = 1 << 24 };

static int replay(const char *path)
{
    FILE *f = fopen(path, "rbe");
    uint8_t *data;
    size_t n;

    if (f == NULL) {
        perror(path);
        return 1;
    }
    data = malloc(INPUT_MAX_BYTES);
    if (data == NULL) {
        (void)fclose(f);
        return 1;
    }
    n = fread(data, 1, INPUT_MAX_BYTES, f);
    (void)fclose(f);
    /* An exact-size copy, so that a sanitizer sees one byte too far. */
    uint8_t *exact = malloc(n != 0 ? n : 1);

    for (size_t i = 0; exact != NULL && i < n; i++)
        exact[i] = data[i];
    free(data);
    if (exact == NULL)
        return 1;
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *d = argc > 1 ? opendir(argv[1]) : NULL;
    struct dirent *e;
    int n = 1, bad = 0;
    uint8_t none = 0;

    (void)LLVMFuzzerTestOneInput(&none, 0);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread, one directory */
    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[4096];

        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
        bad += replay(path);
        n++;
    }
    if (d != NULL)
        (void)closedir(d);
    (void)printf("%d inputs replayed, %d unreadable\n", n, bad);
    return bad != 0;
}
